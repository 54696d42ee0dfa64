-- +goose Up
-- People (sealed), cases, their workflows, tasks, decisions, waits and events.

CREATE TABLE persons (
    id               text PRIMARY KEY,
    national_id_hash bytea UNIQUE,
    sealed           bytea NOT NULL,
    created_at       timestamptz NOT NULL
);

CREATE TABLE households (
    id             text PRIMARY KEY,
    code           text NOT NULL UNIQUE,
    area           text NOT NULL REFERENCES areas,
    classification text CHECK (classification IN ('poor', 'near_poor', 'other')),
    registered     boolean NOT NULL DEFAULT false,
    created_at     timestamptz NOT NULL
);

CREATE TABLE household_members (
    household_id     text NOT NULL REFERENCES households,
    national_id_hash bytea NOT NULL,
    PRIMARY KEY (household_id, national_id_hash)
);
CREATE INDEX household_members_person ON household_members (national_id_hash);

CREATE TABLE payee_accounts (
    id           text PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('household', 'guardian', 'heir', 'hospital', 'school', 'supplier')),
    method       text NOT NULL CHECK (method IN ('bank', 'cash')),
    account_hash bytea NOT NULL,
    sealed       bytea NOT NULL,
    created_at   timestamptz NOT NULL
);

CREATE TABLE reference_counters (
    programme text NOT NULL,
    year      integer NOT NULL,
    last      integer NOT NULL,
    PRIMARY KEY (programme, year)
);

CREATE TABLE cases (
    id                 text PRIMARY KEY,
    reference          text UNIQUE,
    partner_id         text NOT NULL REFERENCES partners,
    external_id        text NOT NULL DEFAULT '',
    submitted_by       text NOT NULL DEFAULT '',
    programme          text NOT NULL,
    programme_version  integer NOT NULL,
    area               text NOT NULL REFERENCES areas,
    person_id          text NOT NULL REFERENCES persons,
    household_id       text REFERENCES households,
    payee_account_id   text REFERENCES payee_accounts,
    status             text NOT NULL CHECK (status IN ('draft', 'submitted', 'in_review', 'action_needed', 'waiting_funds',
                           'approved', 'rejected', 'paying', 'paid', 'following_up', 'closed', 'withdrawn')),
    stage              text NOT NULL CHECK (stage IN ('intake', 'verification', 'approval', 'disbursement', 'follow_up', 'closed')),
    round              integer NOT NULL DEFAULT 1 CHECK (round > 0),
    review             integer NOT NULL DEFAULT 1 CHECK (review > 0),
    returns            integer NOT NULL DEFAULT 0,
    urgent             boolean NOT NULL DEFAULT false,
    parked             boolean NOT NULL DEFAULT false,
    withdrawal_asked   boolean NOT NULL DEFAULT false,
    requested_amount   bigint NOT NULL CHECK (requested_amount >= 0),
    amount             bigint CHECK (amount > 0),
    currency           char(3) NOT NULL,
    fund_id            text,
    reason_code        text NOT NULL DEFAULT '',
    workflow_id        text NOT NULL DEFAULT '',
    sealed             bytea NOT NULL,
    tracking_hash      bytea NOT NULL UNIQUE,
    clock_offset       interval NOT NULL DEFAULT '0',
    version            integer NOT NULL DEFAULT 1,
    created_at         timestamptz NOT NULL,
    submitted_at       timestamptz,
    decided_at         timestamptz,
    started_paying_at  timestamptz,
    paid_at            timestamptz,
    closed_at          timestamptz,
    updated_at         timestamptz NOT NULL,
    FOREIGN KEY (programme, programme_version) REFERENCES programmes (code, version),
    -- A draft may be incomplete and may be withdrawn; all else was submitted once.
    CHECK (CASE WHEN status = 'draft' THEN submitted_at IS NULL
                WHEN status = 'withdrawn' THEN true
                ELSE submitted_at IS NOT NULL END),
    CHECK (submitted_at IS NULL OR requested_amount > 0),
    CHECK (CASE status
        WHEN 'draft' THEN stage = 'intake'
        WHEN 'submitted' THEN stage = 'intake'
        WHEN 'in_review' THEN stage IN ('verification', 'approval')
        WHEN 'action_needed' THEN stage IN ('verification', 'approval')
        WHEN 'waiting_funds' THEN stage = 'approval'
        WHEN 'approved' THEN stage = 'disbursement'
        WHEN 'paying' THEN stage = 'disbursement'
        WHEN 'paid' THEN stage = 'disbursement'
        WHEN 'following_up' THEN stage = 'follow_up'
        ELSE stage = 'closed' END)
);
-- One open case of a partner for one person and programme (STATES: submitted).
CREATE UNIQUE INDEX cases_one_open ON cases (partner_id, person_id, programme)
    WHERE status NOT IN ('draft', 'rejected', 'closed', 'withdrawn');
CREATE UNIQUE INDEX cases_partner_id_external_id_key ON cases (partner_id, external_id) WHERE external_id <> '';
CREATE INDEX cases_external ON cases (external_id);
CREATE INDEX cases_newest ON cases (created_at DESC, id DESC);
CREATE INDEX cases_partner ON cases (partner_id, created_at DESC, id DESC);
CREATE INDEX cases_area ON cases (area, created_at DESC, id DESC);
CREATE INDEX cases_status ON cases (status, created_at DESC, id DESC);
CREATE INDEX cases_person ON cases (person_id);
CREATE INDEX cases_household ON cases (household_id);
CREATE INDEX cases_waiting ON cases (fund_id, urgent DESC, decided_at, id) WHERE status = 'waiting_funds';

CREATE TABLE case_words (
    word_hash bytea NOT NULL,
    case_id   text NOT NULL REFERENCES cases,
    PRIMARY KEY (word_hash, case_id)
);

CREATE TABLE case_documents (
    id        text PRIMARY KEY,
    case_id   text NOT NULL REFERENCES cases,
    kind      text NOT NULL,
    dated     date,
    sealed    bytea NOT NULL,
    state     text NOT NULL DEFAULT 'listed' CHECK (state IN ('listed', 'accepted', 'rejected', 'replaced')),
    reason    text NOT NULL DEFAULT '',
    listed_at timestamptz NOT NULL
);
CREATE INDEX case_documents_case ON case_documents (case_id);

CREATE TABLE case_checks (
    case_id    text NOT NULL REFERENCES cases,
    round      integer NOT NULL,
    review     integer NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('register', 'identity', 'duplicate', 'documents')),
    passed     boolean NOT NULL,
    codes      text[] NOT NULL,
    detail     jsonb NOT NULL DEFAULT '{}',
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, round, review, kind)
);

CREATE TABLE workflows (
    id         text PRIMARY KEY,
    case_id    text NOT NULL REFERENCES cases,
    kind       text NOT NULL CHECK (kind IN ('case', 'disbursement', 'followup')),
    input      jsonb NOT NULL,
    wanted_at  timestamptz NOT NULL,
    started_at timestamptz,
    ended_at   timestamptz,
    attend_at  timestamptz
);
CREATE INDEX workflows_case ON workflows (case_id);
CREATE INDEX workflows_unstarted ON workflows (wanted_at) WHERE started_at IS NULL;

CREATE TABLE transitions (
    workflow_id text NOT NULL REFERENCES workflows,
    cause       text NOT NULL CHECK (cause <> ''),
    seq         integer NOT NULL CHECK (seq > 0),
    name        text NOT NULL,
    outcome     jsonb NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (workflow_id, cause)
);

CREATE TABLE tasks (
    id           text PRIMARY KEY,
    case_id      text NOT NULL REFERENCES cases,
    workflow_id  text NOT NULL DEFAULT '',
    kind         text NOT NULL CHECK (kind IN ('verify_documents', 'field_visit', 'provide_information', 'approve',
                     'decide_stalled', 'confirm_milestone', 'prepare_payment', 'release_payment', 'resolve_payment',
                     'recover_money', 'follow_up_visit', 'repair_configuration')),
    stage        text NOT NULL,
    round        integer NOT NULL,
    review       integer NOT NULL,
    level        text NOT NULL DEFAULT '',
    subject      text NOT NULL DEFAULT '',
    duty         text NOT NULL DEFAULT '',
    rule         jsonb NOT NULL DEFAULT '{}',
    area         text NOT NULL REFERENCES areas,
    programme    text NOT NULL,
    urgent       boolean NOT NULL,
    state        text NOT NULL CHECK (state IN ('open', 'claimed', 'done', 'void', 'replaced')),
    assignee     text,
    claimed_at   timestamptz,
    opened_at    timestamptz NOT NULL,
    due_at       timestamptz,
    alarms       timestamptz[] NOT NULL DEFAULT '{}',
    attend_at    timestamptz,
    warned_at    timestamptz,
    breached_at  timestamptz,
    closed_at    timestamptz,
    outcome      text NOT NULL DEFAULT '',
    version      integer NOT NULL DEFAULT 1,
    CHECK ((state = 'claimed') = (assignee IS NOT NULL AND claimed_at IS NOT NULL AND closed_at IS NULL)
           OR state IN ('done', 'void', 'replaced')),
    CHECK ((closed_at IS NULL) = (state IN ('open', 'claimed'))),
    UNIQUE (case_id, kind, level, subject, round, review)
);
-- The inbox's order: urgent first, then by deadline. As expressions, so that a
-- page starts at one row comparison.
CREATE INDEX tasks_inbox ON tasks ((NOT urgent), (coalesce(due_at, 'infinity')), id) WHERE closed_at IS NULL;
CREATE INDEX tasks_inbox_area ON tasks (area, kind, (NOT urgent), (coalesce(due_at, 'infinity')), id) WHERE closed_at IS NULL;
CREATE INDEX tasks_assignee ON tasks (assignee, (NOT urgent), (coalesce(due_at, 'infinity')), id) WHERE closed_at IS NULL;
CREATE INDEX tasks_opened ON tasks (opened_at, id);
CREATE INDEX tasks_case ON tasks (case_id, opened_at);
CREATE INDEX tasks_attend ON tasks (workflow_id, attend_at) WHERE closed_at IS NULL;

CREATE TABLE decisions (
    id            text PRIMARY KEY,
    task_id       text NOT NULL REFERENCES tasks,
    case_id       text NOT NULL REFERENCES cases,
    actor         text NOT NULL,
    action        text NOT NULL CHECK (action IN ('approve', 'reject', 'return', 'confirm', 'complete', 'abstain')),
    reason_code   text NOT NULL DEFAULT '',
    amount        bigint CHECK (amount > 0),
    bound_hash    bytea,
    sealed        bytea,
    task_version  integer NOT NULL,
    state         text NOT NULL CHECK (state IN ('intent', 'applied', 'refused', 'expired')),
    refusal       text NOT NULL DEFAULT '',
    refusal_kind  text NOT NULL DEFAULT '',
    outcome       text NOT NULL DEFAULT '',
    asked_at      timestamptz NOT NULL,
    decided_at    timestamptz,
    CHECK ((state = 'applied') = (decided_at IS NOT NULL))
);
-- One decision per task and person; a refused or expired intent may be followed by another.
CREATE UNIQUE INDEX decisions_once ON decisions (task_id, actor) WHERE state IN ('intent', 'applied');
CREATE INDEX decisions_case ON decisions (case_id);
CREATE INDEX decisions_pending ON decisions (asked_at) WHERE state = 'intent';

-- Four eyes: in one case a person holds at most one exclusive duty.
CREATE TABLE case_duties (
    case_id text NOT NULL REFERENCES cases,
    person  text NOT NULL,
    duty    text NOT NULL,
    task_id text NOT NULL REFERENCES tasks,
    at      timestamptz NOT NULL,
    CONSTRAINT four_eyes PRIMARY KEY (case_id, person)
);

-- +goose StatementBegin
CREATE FUNCTION take_duty() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text;
    held   text;
BEGIN
    IF NEW.state <> 'applied' THEN
        RETURN NEW;
    END IF;
    SELECT duty INTO STRICT wanted FROM tasks WHERE id = NEW.task_id;
    IF wanted = '' THEN
        RETURN NEW;
    END IF;
    SELECT duty INTO held FROM case_duties WHERE case_id = NEW.case_id AND person = NEW.actor;
    IF wanted = 'follow_up' THEN
        IF held = 'verify' THEN
            RAISE EXCEPTION 'follow-up by the person who verified' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
        END IF;
        RETURN NEW;
    END IF;
    IF held IS NULL THEN
        INSERT INTO case_duties (case_id, person, duty, task_id, at)
        VALUES (NEW.case_id, NEW.actor, wanted, NEW.task_id, NEW.decided_at);
    ELSIF held <> wanted THEN
        RAISE EXCEPTION 'a person holds one duty in a case' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_take_duty AFTER INSERT OR UPDATE OF state ON decisions
    FOR EACH ROW EXECUTE FUNCTION take_duty();

CREATE TABLE intervals (
    case_id text NOT NULL REFERENCES cases,
    n       integer NOT NULL,
    stage   text NOT NULL,
    task_id text REFERENCES tasks,
    level   text NOT NULL DEFAULT '',
    claimed boolean NOT NULL DEFAULT false,
    owner   text NOT NULL CHECK (owner IN ('household', 'partner', 'office', 'register', 'fund', 'rail', 'system')),
    from_at timestamptz NOT NULL,
    to_at   timestamptz,
    PRIMARY KEY (case_id, n),
    CHECK (to_at IS NULL OR to_at >= from_at)
);
CREATE UNIQUE INDEX intervals_open ON intervals (case_id) WHERE to_at IS NULL;

CREATE TABLE events (
    id        text PRIMARY KEY,
    case_id   text NOT NULL REFERENCES cases,
    n         integer NOT NULL,
    kind      text NOT NULL,
    at        timestamptz NOT NULL,
    actor     text NOT NULL,
    task_id   text,
    version   integer NOT NULL,
    data      jsonb NOT NULL DEFAULT '{}',
    UNIQUE (case_id, n)
);

CREATE TABLE idempotency_keys (
    caller      text NOT NULL,
    route       text NOT NULL,
    key         text NOT NULL,
    fingerprint bytea NOT NULL,
    resource_id text NOT NULL,
    status      integer,
    sealed      bytea,
    created_at  timestamptz NOT NULL,
    taken_at    timestamptz NOT NULL,
    PRIMARY KEY (caller, route, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);

CREATE TABLE audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    object  text NOT NULL,
    outcome text NOT NULL,
    code    text NOT NULL DEFAULT ''
);
CREATE INDEX audit_object ON audit (object, at);

CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('signal')),
    workflow_id text NOT NULL,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL,
    sent_at     timestamptz,
    attempts    integer NOT NULL DEFAULT 0
);
CREATE INDEX outbox_unsent ON outbox (id) WHERE sent_at IS NULL;

-- +goose Down
DROP TABLE outbox, audit, idempotency_keys, events, intervals, case_duties, decisions, tasks, transitions, workflows,
    case_checks, case_documents, case_words, cases, reference_counters, payee_accounts, household_members, households, persons;
DROP FUNCTION take_duty;
