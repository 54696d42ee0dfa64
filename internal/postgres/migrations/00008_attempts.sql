-- +goose Up
-- Who may be handing a payment to its rail right now, and what a rail said
-- after everybody had thought that it was over.
ALTER TABLE attempts
    ADD COLUMN sent_at         timestamptz,
    ADD COLUMN sending_until   timestamptz,
    ADD COLUMN contradicted_at timestamptz;
CREATE INDEX attempts_contradicted ON attempts (payment_id) WHERE contradicted_at IS NOT NULL;
COMMENT ON COLUMN attempts.sent_at IS 'When it may first have been handed to the rail, on the wall clock; empty while it certainly was not.';
COMMENT ON COLUMN attempts.sending_until IS 'Until when, on the wall clock, one sender may be handing it to the rail; empty when nobody is.';
COMMENT ON COLUMN attempts.contradicted_at IS 'When the rail said something else than the payment''s end; empty when it did not, or when two persons have settled it.';
GRANT UPDATE (sent_at, sending_until, contradicted_at) ON attempts TO aidflow_app;

-- Two persons let a payment go, as before. A payment in place of one that
-- failed or was cancelled is prepared by whoever answered that task; and one
-- that has arrived after all by the two who saw it on the bank's statement.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION payment_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state = 'instructed' AND OLD.state = 'queued' AND EXISTS (
        SELECT 1 FROM tasks pt JOIN decisions pd ON pd.task_id = pt.id AND pd.state = 'applied',
                      tasks rt JOIN decisions rd ON rd.task_id = rt.id AND rd.state = 'applied'
        WHERE pt.case_id = NEW.case_id AND pt.kind = 'prepare_payment'
          AND (pt.subject = NEW.id OR (pt.subject = NEW.retry_of AND pt.state = 'done' AND pt.closed_at = NEW.created_at))
          AND rt.case_id = NEW.case_id AND rt.kind = 'release_payment' AND rt.subject = NEW.id
          AND pd.action = 'confirm' AND rd.action = 'approve' AND pd.actor <> rd.actor)
       OR NEW.state = 'instructed' AND OLD.state = 'queued' AND EXISTS (
        SELECT 1 FROM tasks t JOIN decisions d ON d.task_id = t.id AND d.state = 'applied' AND d.action = 'confirm'
        WHERE t.case_id = NEW.case_id AND t.kind = 'resolve_payment' AND t.subject = NEW.retry_of AND t.state = 'done' AND t.closed_at = NEW.created_at
        HAVING count(DISTINCT d.actor) > 1)
       OR NEW.state = 'unknown' AND OLD.state = 'instructed'
       OR NEW.state = 'settled' AND OLD.state IN ('instructed', 'unknown')
       OR NEW.state = 'returned' AND OLD.state = 'settled' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'two persons let a payment go' USING ERRCODE = '23514', CONSTRAINT = 'payments_two_persons';
END $$;
-- +goose StatementEnd

-- +goose Down
-- The function stays: it refuses nothing less than the one before.
DROP INDEX attempts_contradicted;
ALTER TABLE attempts DROP COLUMN contradicted_at, DROP COLUMN sending_until, DROP COLUMN sent_at;
