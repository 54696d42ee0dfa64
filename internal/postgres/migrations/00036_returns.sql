-- +goose Up
-- Payments that a bank returns after it had settled them.

-- What the bank said, and the two persons who have seen it; or the statement of
-- the bank that says it.
CREATE TABLE bank_returns (
    payment_id   text PRIMARY KEY REFERENCES payments,
    case_id      text NOT NULL REFERENCES cases,
    reference    text NOT NULL CHECK (reference <> ''),
    returned_on  date NOT NULL,
    reason_code  text NOT NULL,
    source       text NOT NULL CHECK (source IN ('persons', 'statement')),
    recorded_by  text NOT NULL,
    recorded_at  timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    CONSTRAINT bank_returns_two_persons CHECK ((confirmed_by IS NULL) = (confirmed_at IS NULL)
        AND (confirmed_by IS DISTINCT FROM recorded_by OR source = 'statement'))
);
CREATE INDEX bank_returns_case ON bank_returns (case_id);
GRANT SELECT, INSERT ON bank_returns TO aidflow_app;
GRANT UPDATE (reference, returned_on, reason_code, source, recorded_by, recorded_at, confirmed_by, confirmed_at) ON bank_returns TO aidflow_app;

-- No payment is returned by word of one person, whatever the program does; and
-- what was said is not said otherwise afterwards.
-- +goose StatementBegin
CREATE FUNCTION payment_returns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM bank_returns r WHERE r.payment_id = NEW.id AND (r.source = 'statement' OR r.confirmed_by IS NOT NULL)) THEN
        RAISE EXCEPTION 'two persons, or a statement, say that a payment came back' USING ERRCODE = '23514', CONSTRAINT = 'payments_returned_by_two';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION bank_return_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM payments p WHERE p.id = OLD.payment_id AND p.state = 'returned') THEN
        RAISE EXCEPTION 'a return that was booked stays' USING ERRCODE = '23514', CONSTRAINT = 'bank_returns_stay';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER payments_returned BEFORE UPDATE OF state ON payments FOR EACH ROW
    WHEN (NEW.state = 'returned' AND NEW.state <> OLD.state) EXECUTE FUNCTION payment_returns();
CREATE TRIGGER bank_returns_stay BEFORE UPDATE ON bank_returns FOR EACH ROW EXECUTE FUNCTION bank_return_stays();

-- A case that was paid has its former status while a payment is made good. One
-- that was closed is no open request meanwhile: the household may have another.
ALTER TABLE cases ADD COLUMN former_status text CHECK (former_status IN ('paid', 'following_up', 'closed'));
DROP INDEX cases_one_open;
CREATE UNIQUE INDEX cases_one_open ON cases (partner_id, person_id, programme)
    WHERE status NOT IN ('draft', 'rejected', 'closed', 'withdrawn') AND former_status IS DISTINCT FROM 'closed';

ALTER TABLE workflows DROP CONSTRAINT workflows_kind_check;
ALTER TABLE workflows ADD CONSTRAINT workflows_kind_check CHECK (kind IN ('case', 'disbursement', 'followup', 'recovery'));

-- A case pays one payment at a time, of whatever tranche.
CREATE UNIQUE INDEX payments_one_of_case ON payments (case_id) WHERE state IN ('due', 'queued', 'instructed', 'unknown');

-- What a household gives back of money that is claimed: by a task recover_money
-- about everything that was paid of an award, or about one payment that came
-- twice. Never changed.
CREATE TABLE repayments (
    id          text PRIMARY KEY,
    task_id     text NOT NULL REFERENCES tasks,
    case_id     text NOT NULL REFERENCES cases,
    fund_id     text NOT NULL REFERENCES funds,
    amount      bigint NOT NULL CHECK (amount > 0),
    currency    char(3) NOT NULL,
    received_on date NOT NULL,
    reference   text NOT NULL CHECK (reference <> ''),
    booked      boolean NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT repayments_once UNIQUE (fund_id, reference)
);
CREATE INDEX repayments_task ON repayments (task_id, recorded_at, id);
GRANT SELECT, INSERT ON repayments TO aidflow_app;

-- +goose StatementBegin
CREATE FUNCTION claimed_by(task text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(p.amount), 0)::bigint FROM tasks t JOIN payments p ON p.case_id = t.case_id JOIN awards a ON a.id = p.award_id
     WHERE t.id = task AND t.kind = 'recover_money' AND a.round = t.round
       AND (t.subject = p.id OR (t.subject = '' AND p.state = 'settled'))
$$;

CREATE FUNCTION repayment_is_claimed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM tasks WHERE id = NEW.task_id AND case_id = NEW.case_id AND kind = 'recover_money' AND closed_at IS NULL FOR NO KEY UPDATE;
    IF NOT FOUND OR claimed_by(NEW.task_id) < NEW.amount + (SELECT coalesce(sum(amount), 0) FROM repayments WHERE task_id = NEW.task_id) THEN
        RAISE EXCEPTION 'no more is given back than is claimed' USING ERRCODE = '23514', CONSTRAINT = 'repayments_within_claim';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER repayments_within_claim BEFORE INSERT ON repayments FOR EACH ROW EXECUTE FUNCTION repayment_is_claimed();

COMMENT ON TABLE repayments IS 'Money that a household has given back. Never changed.';
COMMENT ON COLUMN repayments.id IS 'Id with the prefix rep.';
COMMENT ON COLUMN repayments.task_id IS 'The task recover_money that claims it.';
COMMENT ON COLUMN repayments.case_id IS 'Its case.';
COMMENT ON COLUMN repayments.fund_id IS 'The fund that has it again.';
COMMENT ON COLUMN repayments.amount IS 'Minor units.';
COMMENT ON COLUMN repayments.currency IS 'ISO 4217.';
COMMENT ON COLUMN repayments.received_on IS 'The day on which it was received.';
COMMENT ON COLUMN repayments.reference IS 'Number of the bank''s entry or the receipt, unique in the fund.';
COMMENT ON COLUMN repayments.booked IS 'It is in the ledger. What came twice never left the books, and does not enter them again.';
COMMENT ON COLUMN repayments.recorded_by IS 'The treasurer.';
COMMENT ON COLUMN repayments.recorded_at IS 'When it was recorded, on the case''s clock.';
COMMENT ON TABLE bank_returns IS 'What a bank returned after it had settled it. Written before the payment is returned, never changed after.';
COMMENT ON COLUMN bank_returns.payment_id IS 'The payment that came back.';
COMMENT ON COLUMN bank_returns.case_id IS 'Its case.';
COMMENT ON COLUMN bank_returns.reference IS 'The bank''s own reference of the return.';
COMMENT ON COLUMN bank_returns.returned_on IS 'The bank''s day of the return.';
COMMENT ON COLUMN bank_returns.reason_code IS 'Why, as a code.';
COMMENT ON COLUMN bank_returns.source IS 'persons: two persons have read it on a statement; statement: a statement that was brought in says it.';
COMMENT ON COLUMN bank_returns.recorded_by IS 'Who recorded it first, or brought the statement in.';
COMMENT ON COLUMN bank_returns.recorded_at IS 'When, on the wall clock.';
COMMENT ON COLUMN bank_returns.confirmed_by IS 'The second person, who recorded the same; empty before, and of a statement.';
COMMENT ON COLUMN bank_returns.confirmed_at IS 'When, on the wall clock.';
COMMENT ON COLUMN cases.former_status IS 'The status to which the case goes back when what a bank returned is paid again or given up; empty of every other case.';

-- +goose Down
DROP TABLE repayments;
DROP FUNCTION repayment_is_claimed;
DROP FUNCTION claimed_by;
ALTER TABLE workflows DROP CONSTRAINT workflows_kind_check;
ALTER TABLE workflows ADD CONSTRAINT workflows_kind_check CHECK (kind IN ('case', 'disbursement', 'followup')) NOT VALID;
DROP INDEX payments_one_of_case;
DROP INDEX cases_one_open;
CREATE UNIQUE INDEX cases_one_open ON cases (partner_id, person_id, programme)
    WHERE status NOT IN ('draft', 'rejected', 'closed', 'withdrawn');
ALTER TABLE cases DROP COLUMN former_status;
DROP TRIGGER payments_returned ON payments;
DROP FUNCTION payment_returns;
DROP TABLE bank_returns;
DROP FUNCTION bank_return_stays;
