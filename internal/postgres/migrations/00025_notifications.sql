-- +goose Up
-- Telling people: what has happened and tells somebody, who was told, and the
-- messages that leave.

-- Written in the transaction of the fact, and nothing else there: who is to be
-- told is found out afterwards.
CREATE TABLE notices (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text NOT NULL,
    event_id text NOT NULL DEFAULT '',
    case_id  text,
    task_id  text,
    subject  text NOT NULL DEFAULT '',
    actor    text NOT NULL,
    named    text[] NOT NULL DEFAULT '{}',
    at       timestamptz NOT NULL
);

CREATE TABLE staff_contacts (
    subject   text PRIMARY KEY REFERENCES staff,
    address   bytea,
    language  text NOT NULL CHECK (language IN ('vi', 'en', 'id')),
    zone      text NOT NULL,
    digest_at text NOT NULL CHECK (digest_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
    channels  jsonb NOT NULL DEFAULT '{}',
    version   integer NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE messages (
    id         text PRIMARY KEY,
    channel    text NOT NULL CHECK (channel IN ('mail', 'webhook')),
    person     text REFERENCES staff,
    digest_on  date,
    notice     bigint,
    state      text NOT NULL CHECK (state IN ('waiting', 'taken', 'handing', 'sent', 'unknown', 'failed', 'dropped')),
    attempts   integer NOT NULL DEFAULT 0,
    next_at    timestamptz,
    code       text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    ended_at   timestamptz,
    CHECK ((channel = 'mail') = (person IS NOT NULL)),
    CHECK ((state IN ('waiting', 'taken', 'handing')) = (next_at IS NOT NULL)),
    CHECK ((next_at IS NULL) = (ended_at IS NOT NULL))
);
-- One digest a day and person, whoever makes it.
CREATE UNIQUE INDEX messages_digest ON messages (person, digest_on) WHERE digest_on IS NOT NULL;
CREATE INDEX messages_next ON messages (channel, next_at, id) WHERE next_at IS NOT NULL;
CREATE INDEX messages_ended ON messages (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE notifications (
    id        text PRIMARY KEY,
    notice    bigint NOT NULL,
    person    text NOT NULL REFERENCES staff,
    kind      text NOT NULL,
    topic     text NOT NULL,
    case_id   text,
    task_id   text,
    subject   text NOT NULL DEFAULT '',
    deciding  boolean NOT NULL,
    at        timestamptz NOT NULL,
    digest    boolean NOT NULL DEFAULT false,
    message_id text REFERENCES messages,
    read_at   timestamptz,
    UNIQUE (notice, person)
);
CREATE INDEX notifications_person ON notifications (person, id DESC);
CREATE INDEX notifications_unread ON notifications (person, id DESC) WHERE read_at IS NULL;
CREATE INDEX notifications_digest ON notifications (person, at) WHERE digest AND message_id IS NULL;
CREATE INDEX notifications_message ON notifications (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX notifications_age ON notifications (at);

-- Who may decide an open task now, in the own name or as a delegate; when it is
-- somebody's, that person alone, or who acts for that person. The kinds of tasks
-- and the roles that decide them come in pairs from the program, which has them
-- in aid.TaskRules; at is the wall clock.
-- +goose StatementBegin
CREATE FUNCTION deciders(about text, kinds text[], roles text[], at timestamptz) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE t AS (SELECT * FROM tasks WHERE id = about AND closed_at IS NULL),
    up AS (
        SELECT a.code, a.parent FROM areas a JOIN t ON t.area = a.code
        UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent),
    granted AS (
        SELECT r.* FROM t CROSS JOIN up JOIN staff_roles r ON r.area = up.code
        JOIN unnest(kinds, roles) AS may(kind, role) ON may.kind = t.kind AND may.role = r.role
        JOIN staff s ON s.subject = r.subject AND s.disabled_at IS NULL
        WHERE (r.programmes = '{}' OR t.programme = ANY(r.programmes))
          AND (t.kind <> 'approve' OR (r.level = t.level AND (r.committee OR coalesce(t.rule ->> 'mode', '') <> 'committee')))),
    held AS (
        SELECT g.subject AS person, NULL AS behalf FROM granted g
        UNION
        SELECT d.delegate, d.principal
        FROM t CROSS JOIN granted g JOIN delegations d ON d.principal = g.subject AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
        JOIN staff s ON s.subject = d.delegate AND s.disabled_at IS NULL
        WHERE (d.programmes = '{}' OR t.programme = ANY(d.programmes)) AND coalesce(d.ceiling >= t.amount, true)
          AND g.role NOT IN ('admin', 'auditor', 'intake')
          AND EXISTS (SELECT 1 FROM staff_roles o WHERE o.subject = d.delegate AND o.role = g.role))
    SELECT DISTINCT h.person
    FROM t CROSS JOIN held h
    WHERE (t.assignee IS NULL OR t.assignee IN (h.person, h.behalf) OR t.lapses_at <= at)
      AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.task_id = t.id AND d.state IN ('intent', 'applied')
                      AND (d.actor IN (h.person, h.behalf) OR d.behalf IN (h.person, h.behalf)))
      AND NOT EXISTS (SELECT 1 FROM case_duties d WHERE d.case_id = t.case_id AND d.person IN (h.person, h.behalf)
                      AND CASE t.duty WHEN '' THEN false WHEN 'follow_up' THEN d.duty = 'verify' ELSE d.duty <> t.duty END)
      AND NOT conflicted(t.case_id, h.person) AND NOT conflicted(t.case_id, coalesce(h.behalf, ''))
$$;

-- Whether a person may be told of a case at all: not disabled, without a
-- conflict of interest in it, and with a role that still reaches it, the own or
-- that of a principal. Of no case, whoever works here.
CREATE FUNCTION may_hear(who text, about_case text, about_task text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM staff WHERE subject = who AND disabled_at IS NULL)
       AND (about_case IS NULL OR (NOT conflicted(about_case, who) AND EXISTS (
            WITH RECURSIVE place AS (
                SELECT coalesce(t.area, c.area) AS area, coalesce(t.kind, '') AS kind, c.programme
                FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
            up AS (
                SELECT a.code, a.parent FROM areas a JOIN place ON place.area = a.code
                UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
            SELECT 1 FROM place CROSS JOIN up JOIN staff_roles r ON r.area = up.code
            WHERE (r.programmes = '{}' OR place.programme = ANY(r.programmes))
              AND ((r.subject = who AND (r.role <> 'admin' OR place.kind = 'repair_configuration'))
                   OR (r.role NOT IN ('admin', 'auditor', 'intake') AND EXISTS (
                       SELECT 1 FROM delegations d JOIN staff p ON p.subject = d.principal AND p.disabled_at IS NULL
                       WHERE d.principal = r.subject AND d.delegate = who AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
                         AND (d.programmes = '{}' OR place.programme = ANY(d.programmes))))))))
$$;

-- The managers of the place of a case or task: whoever hears when nobody acts.
CREATE FUNCTION superiors(about_case text, about_task text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE place AS (
        SELECT coalesce(t.area, c.area) AS area FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
    up AS (
        SELECT a.code, a.parent FROM areas a JOIN place ON place.area = a.code
        UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
    SELECT DISTINCT r.subject FROM staff_roles r JOIN up ON up.code = r.area WHERE r.role = 'manager'
$$;
-- +goose StatementEnd

GRANT SELECT, INSERT, DELETE ON notices TO aidflow_app;
GRANT SELECT, INSERT, UPDATE ON staff_contacts TO aidflow_app;
GRANT SELECT, INSERT, DELETE ON messages, notifications TO aidflow_app;
GRANT UPDATE (state, attempts, next_at, code, ended_at) ON messages TO aidflow_app;
GRANT UPDATE (message_id, read_at) ON notifications TO aidflow_app;

COMMENT ON TABLE notices IS 'What has happened and tells somebody, until the worker has made notifications of it; never changed, then deleted.';
COMMENT ON COLUMN notices.id IS 'Rises.';
COMMENT ON COLUMN notices.kind IS 'Kind of the event, or of what has no event of a case; aid.NoticeRules has them.';
COMMENT ON COLUMN notices.event_id IS 'The event of the case; empty when there is none.';
COMMENT ON COLUMN notices.case_id IS 'The case, if it is about one.';
COMMENT ON COLUMN notices.task_id IS 'The task, if it is about one.';
COMMENT ON COLUMN notices.subject IS 'What it is about besides: the id of a batch, a delegation, a decision.';
COMMENT ON COLUMN notices.actor IS 'Who did it, or system.';
COMMENT ON COLUMN notices.named IS 'Staff whom the event names as to be told.';
COMMENT ON COLUMN notices.at IS 'When, on the wall clock.';
COMMENT ON TABLE staff_contacts IS 'How a member of staff wants to be told; who has no row has the defaults, and no address.';
COMMENT ON COLUMN staff_contacts.subject IS 'The member of staff.';
COMMENT ON COLUMN staff_contacts.address IS 'Mail address, sealed; empty: no mail.';
COMMENT ON COLUMN staff_contacts.language IS 'Language of mails.';
COMMENT ON COLUMN staff_contacts.zone IS 'Time zone of the digest''s hour and of times in mails, IANA name.';
COMMENT ON COLUMN staff_contacts.digest_at IS 'Hour of the daily digest, HH:MM in the zone.';
COMMENT ON COLUMN staff_contacts.channels IS 'At once, digest or off, by topic; a topic that is missing has its default.';
COMMENT ON COLUMN staff_contacts.version IS 'Rises with every change.';
COMMENT ON COLUMN staff_contacts.changed_at IS 'When it was changed last.';
COMMENT ON TABLE messages IS 'What leaves: one mail to a person, at once or a digest, or one call of the installation''s webhook. Its text is made when it leaves.';
COMMENT ON COLUMN messages.id IS 'Message id; the Message-ID of the mail, the webhook-id of the call.';
COMMENT ON COLUMN messages.channel IS 'mail or webhook.';
COMMENT ON COLUMN messages.person IS 'To whom a mail goes.';
COMMENT ON COLUMN messages.digest_on IS 'Of a digest: its day, in the person''s zone.';
COMMENT ON COLUMN messages.notice IS 'Of a call: the notice that it tells, by the number in notifications.';
COMMENT ON COLUMN messages.state IS 'waiting; taken by a worker; handing, from just before the server is given the text until it has answered; sent; unknown when its answer was lost; failed for good; dropped because nobody was left to be told.';
COMMENT ON COLUMN messages.attempts IS 'How often it was taken.';
COMMENT ON COLUMN messages.next_at IS 'When it may be taken: the next attempt, or the end of the lease of whoever has it; NULL when it is over.';
COMMENT ON COLUMN messages.code IS 'Why the last attempt did not succeed.';
COMMENT ON COLUMN messages.created_at IS 'When it was made.';
COMMENT ON COLUMN messages.ended_at IS 'When it was over.';
COMMENT ON TABLE notifications IS 'What a person was told, or is to be told: the bell, and the parts of mails. Whether the person may still be told is asked again each time.';
COMMENT ON COLUMN notifications.id IS 'Notification id.';
COMMENT ON COLUMN notifications.notice IS 'Number of the notice, the same for everybody who was told.';
COMMENT ON COLUMN notifications.person IS 'Who is told.';
COMMENT ON COLUMN notifications.kind IS 'As in notices.';
COMMENT ON COLUMN notifications.topic IS 'The group of kinds by which people choose how to be told.';
COMMENT ON COLUMN notifications.case_id IS 'The case, if it is about one.';
COMMENT ON COLUMN notifications.task_id IS 'The task, if it is about one.';
COMMENT ON COLUMN notifications.subject IS 'As in notices.';
COMMENT ON COLUMN notifications.deciding IS 'The person is told as one who may decide the task: of no interest any more when that has ended.';
COMMENT ON COLUMN notifications.at IS 'When it happened, on the wall clock.';
COMMENT ON COLUMN notifications.digest IS 'It goes into the next digest.';
COMMENT ON COLUMN notifications.message_id IS 'The mail in which it goes, when there is one.';
COMMENT ON COLUMN notifications.read_at IS 'When the person saw it at the bell.';

-- +goose Down
DROP FUNCTION superiors;
DROP FUNCTION may_hear;
DROP FUNCTION deciders;
DROP TABLE notifications, messages, staff_contacts, notices;
