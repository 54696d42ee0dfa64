-- +goose Up
-- Funds, the double-entry ledger, awards, tranches, payments and attempts, visits.

CREATE TABLE funds (
    id         text PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    name       text NOT NULL,
    area       text NOT NULL REFERENCES areas,
    currency   char(3) NOT NULL,
    rails      jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    closing    boolean NOT NULL DEFAULT false
);
ALTER TABLE cases ADD FOREIGN KEY (fund_id) REFERENCES funds;

-- The one hot row of a fund: running balances kept by the trigger below, and
-- the limit that no approval can get around.
CREATE TABLE fund_balances (
    fund_id       text PRIMARY KEY REFERENCES funds,
    budget        bigint NOT NULL DEFAULT 0 CHECK (budget >= 0),
    cash          bigint NOT NULL DEFAULT 0,
    advances      bigint NOT NULL DEFAULT 0,
    receivable    bigint NOT NULL DEFAULT 0,
    contributions bigint NOT NULL DEFAULT 0,
    aid_paid      bigint NOT NULL DEFAULT 0,
    recovered     bigint NOT NULL DEFAULT 0,
    funding       bigint NOT NULL DEFAULT 0,
    available     bigint NOT NULL DEFAULT 0,
    reserved      bigint NOT NULL DEFAULT 0,
    in_transit    bigint NOT NULL DEFAULT 0,
    spent         bigint NOT NULL DEFAULT 0,
    version       integer NOT NULL DEFAULT 1,
    CONSTRAINT fund_parts_not_negative CHECK (available >= 0 AND reserved >= 0 AND in_transit >= 0 AND spent >= 0 AND cash >= 0),
    CONSTRAINT fund_limit CHECK (reserved + in_transit + spent <= least(budget, contributions)),
    CONSTRAINT fund_money_is_somewhere CHECK (cash + advances + receivable = available + reserved + in_transit)
);

CREATE TABLE contributions (
    id          text PRIMARY KEY,
    fund_id     text NOT NULL REFERENCES funds,
    external_id text NOT NULL,
    amount      bigint NOT NULL CHECK (amount > 0),
    currency    char(3) NOT NULL,
    received_on date NOT NULL,
    donor       bytea,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    UNIQUE (fund_id, external_id)
);

CREATE TABLE ledger_transactions (
    id      text PRIMARY KEY,
    fund_id text NOT NULL REFERENCES funds,
    kind    text NOT NULL,
    key     text NOT NULL UNIQUE,
    case_id text REFERENCES cases,
    actor   text NOT NULL,
    at      timestamptz NOT NULL
);
CREATE INDEX ledger_transactions_fund ON ledger_transactions (fund_id, at DESC, id DESC);
CREATE INDEX ledger_transactions_case ON ledger_transactions (case_id);

CREATE TABLE ledger_entries (
    transaction_id text NOT NULL REFERENCES ledger_transactions,
    n              integer NOT NULL,
    fund_id        text NOT NULL REFERENCES funds,
    book           text NOT NULL CHECK (book IN ('books', 'commitments')),
    account        text NOT NULL CHECK (account IN ('cash', 'advances', 'receivable', 'contributions', 'aid_paid', 'recovered',
                       'funding', 'available', 'reserved', 'in_transit', 'spent')),
    amount         bigint NOT NULL CHECK (amount <> 0),
    currency       char(3) NOT NULL,
    PRIMARY KEY (transaction_id, n),
    CHECK ((book = 'books') = (account IN ('cash', 'advances', 'receivable', 'contributions', 'aid_paid', 'recovered')))
);
CREATE INDEX ledger_entries_fund ON ledger_entries (fund_id, account);

-- +goose StatementBegin
CREATE FUNCTION check_ledger_balance() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM ledger_entries WHERE transaction_id = NEW.transaction_id
               GROUP BY fund_id, book, currency HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'ledger transaction does not balance' USING ERRCODE = '23514', CONSTRAINT = 'ledger_balanced';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON ledger_entries
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION check_ledger_balance();

-- Signs: an entry's amount is debit positive. The balance of an account is
-- shown in its natural direction, so that every column of fund_balances is
-- positive in ordinary life.
-- +goose StatementBegin
CREATE FUNCTION keep_fund_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE fund_balances b SET
        cash          = b.cash          + d.cash,
        advances      = b.advances      + d.advances,
        receivable    = b.receivable    + d.receivable,
        contributions = b.contributions - d.contributions,
        aid_paid      = b.aid_paid      + d.aid_paid,
        recovered     = b.recovered     - d.recovered,
        funding       = b.funding       + d.funding,
        available     = b.available     - d.available,
        reserved      = b.reserved      - d.reserved,
        in_transit    = b.in_transit    - d.in_transit,
        spent         = b.spent         - d.spent,
        version       = b.version + 1
    FROM (SELECT fund_id,
        coalesce(sum(amount) FILTER (WHERE account = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (WHERE account = 'advances'), 0) AS advances,
        coalesce(sum(amount) FILTER (WHERE account = 'receivable'), 0) AS receivable,
        coalesce(sum(amount) FILTER (WHERE account = 'contributions'), 0) AS contributions,
        coalesce(sum(amount) FILTER (WHERE account = 'aid_paid'), 0) AS aid_paid,
        coalesce(sum(amount) FILTER (WHERE account = 'recovered'), 0) AS recovered,
        coalesce(sum(amount) FILTER (WHERE account = 'funding'), 0) AS funding,
        coalesce(sum(amount) FILTER (WHERE account = 'available'), 0) AS available,
        coalesce(sum(amount) FILTER (WHERE account = 'reserved'), 0) AS reserved,
        coalesce(sum(amount) FILTER (WHERE account = 'in_transit'), 0) AS in_transit,
        coalesce(sum(amount) FILTER (WHERE account = 'spent'), 0) AS spent
        FROM new_entries GROUP BY fund_id) d
    WHERE b.fund_id = d.fund_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER ledger_entries_balances AFTER INSERT ON ledger_entries
    REFERENCING NEW TABLE AS new_entries FOR EACH STATEMENT EXECUTE FUNCTION keep_fund_balances();

CREATE TABLE awards (
    id         text PRIMARY KEY,
    case_id    text NOT NULL REFERENCES cases,
    round      integer NOT NULL,
    fund_id    text NOT NULL REFERENCES funds,
    amount     bigint NOT NULL CHECK (amount > 0),
    currency   char(3) NOT NULL,
    bound_hash bytea NOT NULL,
    state      text NOT NULL CHECK (state IN ('proposed', 'reserved', 'running', 'completed', 'cancelled')),
    created_at timestamptz NOT NULL,
    UNIQUE (case_id, round)
);

CREATE TABLE tranches (
    id        text PRIMARY KEY,
    award_id  text NOT NULL REFERENCES awards,
    n         integer NOT NULL,
    amount    bigint NOT NULL CHECK (amount > 0),
    milestone text NOT NULL DEFAULT '',
    state     text NOT NULL CHECK (state IN ('planned', 'evidence_due', 'due', 'paying', 'settled', 'skipped')),
    held      boolean NOT NULL DEFAULT false,
    UNIQUE (award_id, n)
);

CREATE TABLE payments (
    id               text PRIMARY KEY,
    case_id          text NOT NULL REFERENCES cases,
    award_id         text NOT NULL REFERENCES awards,
    tranche_id       text NOT NULL REFERENCES tranches,
    fund_id          text NOT NULL REFERENCES funds,
    n                integer NOT NULL,
    amount           bigint NOT NULL CHECK (amount > 0),
    currency         char(3) NOT NULL,
    payee_account_id text NOT NULL REFERENCES payee_accounts,
    rail             text NOT NULL,
    state            text NOT NULL CHECK (state IN ('due', 'queued', 'instructed', 'settled', 'failed', 'unknown', 'returned', 'cancelled')),
    reason           text NOT NULL DEFAULT '',
    retry_of         text REFERENCES payments,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL,
    instructed_at    timestamptz,
    ended_at         timestamptz,
    UNIQUE (tranche_id, n)
);
-- One live payment per tranche, and never a second settled one.
CREATE UNIQUE INDEX payments_one_live ON payments (tranche_id) WHERE state IN ('due', 'queued', 'instructed', 'unknown', 'settled');
CREATE INDEX payments_case ON payments (case_id);
CREATE INDEX payments_newest ON payments (created_at DESC, id DESC);
CREATE INDEX payments_state ON payments (state, created_at DESC, id DESC);

CREATE TABLE attempts (
    id         text PRIMARY KEY,
    payment_id text NOT NULL REFERENCES payments,
    key        text NOT NULL UNIQUE,
    state      text NOT NULL CHECK (state IN ('submitting', 'accepted', 'refused', 'unknown', 'settled', 'failed')),
    reference  text NOT NULL DEFAULT '',
    code       text NOT NULL DEFAULT '',
    started_at timestamptz NOT NULL,
    asked_at   timestamptz,
    ended_at   timestamptz
);
CREATE UNIQUE INDEX attempts_one_open ON attempts (payment_id) WHERE state IN ('submitting', 'accepted', 'unknown', 'settled');

CREATE TABLE visits (
    id      text PRIMARY KEY,
    case_id text NOT NULL REFERENCES cases,
    round   integer NOT NULL,
    n       integer NOT NULL,
    due_at  timestamptz NOT NULL,
    state   text NOT NULL CHECK (state IN ('planned', 'due', 'completed', 'waived')),
    outcome text NOT NULL DEFAULT '',
    done_at timestamptz,
    UNIQUE (case_id, round, n)
);
CREATE INDEX visits_due ON visits (due_at, id);

CREATE TABLE callbacks (
    rail        text NOT NULL,
    id          text NOT NULL,
    key         text NOT NULL,
    state       text NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (rail, id)
);

-- +goose Down
DROP TABLE callbacks, visits, attempts, payments, tranches, awards, ledger_entries, ledger_transactions, contributions, fund_balances;
ALTER TABLE cases DROP CONSTRAINT cases_fund_id_fkey;
DROP TABLE funds;
DROP FUNCTION keep_fund_balances, check_ledger_balance;
