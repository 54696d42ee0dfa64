-- +goose Up
-- What the program's role may not do even by a statement of its own: say that
-- somebody else decided, turn one kind of work into another, change the amount
-- or the payee of a payment, or let a payment go that two persons have not.

REVOKE UPDATE ON tasks, decisions, awards, tranches, payments, attempts, visits FROM aidflow_app;
GRANT UPDATE (state, assignee, claimed_at, alarms, attend_at, warned_at, breached_at, closed_at, outcome, version) ON tasks TO aidflow_app;
GRANT UPDATE (state, decided_at, bound_hash, amount, refusal, refusal_kind, outcome) ON decisions TO aidflow_app;
GRANT UPDATE (state, fund_id, amount, bound_hash) ON awards TO aidflow_app;
GRANT UPDATE (state, held) ON tranches TO aidflow_app;
GRANT UPDATE (state, version, instructed_at, ended_at, reason) ON payments TO aidflow_app;
GRANT UPDATE (state, reference, code, asked_at, ended_at) ON attempts TO aidflow_app;
GRANT UPDATE (state, outcome, done_at, due_at) ON visits TO aidflow_app;

-- +goose StatementBegin
CREATE FUNCTION payment_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'due' THEN
        RAISE EXCEPTION 'a payment begins as due' USING ERRCODE = '23514', CONSTRAINT = 'payments_begin_due';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM tranches t JOIN awards a ON a.id = t.award_id
                   WHERE t.id = NEW.tranche_id AND a.id = NEW.award_id AND a.case_id = NEW.case_id AND a.fund_id = NEW.fund_id
                     AND a.currency = NEW.currency AND NEW.amount <= t.amount) THEN
        RAISE EXCEPTION 'a payment pays its tranche' USING ERRCODE = '23514', CONSTRAINT = 'payments_of_tranche';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION payment_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'instructed' AND OLD.state = 'queued' AND EXISTS (
        SELECT 1 FROM tasks pt JOIN decisions pd ON pd.task_id = pt.id AND pd.state = 'applied',
                      tasks rt JOIN decisions rd ON rd.task_id = rt.id AND rd.state = 'applied'
        WHERE pt.case_id = NEW.case_id AND pt.kind = 'prepare_payment' AND pt.subject = NEW.id
          AND rt.case_id = NEW.case_id AND rt.kind = 'release_payment' AND rt.subject = NEW.id
          AND pd.action = 'confirm' AND rd.action = 'approve' AND pd.actor <> rd.actor)
       OR NEW.state = 'unknown' AND OLD.state = 'instructed'
       OR NEW.state = 'settled' AND OLD.state IN ('instructed', 'unknown')
       OR NEW.state = 'returned' AND OLD.state = 'settled' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'two persons let a payment go' USING ERRCODE = '23514', CONSTRAINT = 'payments_two_persons';
END $$;
-- +goose StatementEnd
CREATE TRIGGER payments_begin BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION payment_begins();
CREATE TRIGGER payments_go BEFORE UPDATE OF state ON payments FOR EACH ROW
    WHEN (NEW.state IN ('instructed', 'unknown', 'settled', 'returned') AND NEW.state <> OLD.state) EXECUTE FUNCTION payment_goes();

-- +goose Down
DROP TRIGGER payments_go ON payments;
DROP TRIGGER payments_begin ON payments;
DROP FUNCTION payment_goes, payment_begins;
GRANT UPDATE ON tasks, decisions, awards, tranches, payments, attempts, visits TO aidflow_app;
