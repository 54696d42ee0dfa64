-- +goose Up
-- An instalment may be held, paid in parts and given up, and may never pay more
-- than it grants.
ALTER TABLE tranches
    ADD COLUMN held_reason text NOT NULL DEFAULT '',
    ADD COLUMN released    bigint NOT NULL DEFAULT 0,
    ADD COLUMN version     integer NOT NULL DEFAULT 1,
    ADD CONSTRAINT tranches_held_for_a_reason CHECK (held = (held_reason <> '')),
    ADD CONSTRAINT tranches_released_of_amount CHECK (released BETWEEN 0 AND amount);
ALTER TABLE awards ADD COLUMN changed boolean NOT NULL DEFAULT false;
ALTER TABLE payments ADD COLUMN rest text NOT NULL DEFAULT '' CHECK (rest IN ('', 'due', 'released'));
COMMENT ON COLUMN tranches.held_reason IS 'Why it is held, as a code; bank_return while its money came back; empty when it is not held.';
COMMENT ON COLUMN tranches.released IS 'What of the amount was given back to the fund, in minor units: it is paid no more.';
COMMENT ON COLUMN tranches.version IS 'Rises with every change; the ETag.';
COMMENT ON COLUMN awards.changed IS 'A person has changed its tranches, and its workflow has not looked since.';
COMMENT ON COLUMN payments.rest IS 'What becomes of the rest of the tranche, when this pays a part of it: due or released; empty when it pays all that is left.';
GRANT UPDATE (held_reason, released, amount, milestone) ON tranches TO aidflow_app;
GRANT UPDATE (changed) ON awards TO aidflow_app;

-- +goose StatementBegin
CREATE FUNCTION tranche_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    IF (NEW.amount, NEW.released) IS DISTINCT FROM (OLD.amount, OLD.released) AND NEW.amount - NEW.released < (
        SELECT coalesce(sum(amount), 0) FROM payments WHERE tranche_id = NEW.id AND state IN ('due', 'queued', 'instructed', 'unknown', 'settled')) THEN
        RAISE EXCEPTION 'a tranche grants what is paid of it' USING ERRCODE = '23514', CONSTRAINT = 'payments_within_tranche';
    END IF;
    RETURN NEW;
END $$;

-- Whoever pays of a tranche has it locked: two payments that are made at once
-- see each other. What has arrived in spite of everything is booked: two
-- persons have seen it.
CREATE FUNCTION payment_within_tranche() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    t tranches%ROWTYPE;
    others bigint;
BEGIN
    SELECT * INTO t FROM tranches WHERE id = NEW.tranche_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount), 0) INTO others FROM payments
     WHERE tranche_id = NEW.tranche_id AND id <> NEW.id AND state IN ('due', 'queued', 'instructed', 'unknown', 'settled');
    IF others + NEW.amount > t.amount - t.released THEN
        RAISE EXCEPTION 'a tranche is paid once' USING ERRCODE = '23514', CONSTRAINT = 'payments_within_tranche';
    END IF;
    IF t.held AND NEW.state IN ('due', 'queued', 'instructed') AND NOT EXISTS (
        SELECT 1 FROM tasks k WHERE k.case_id = NEW.case_id AND k.kind = 'resolve_payment' AND k.subject = NEW.retry_of
           AND k.state = 'done' AND k.closed_at = NEW.created_at) THEN
        RAISE EXCEPTION 'a tranche is held' USING ERRCODE = '23514', CONSTRAINT = 'payments_not_held';
    END IF;
    RETURN NEW;
END $$;

-- The instalments of an award come to no more than it.
CREATE FUNCTION tranches_of_award() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount - released) FROM tranches WHERE award_id = NEW.award_id) > (SELECT amount FROM awards WHERE id = NEW.award_id) THEN
        RAISE EXCEPTION 'the tranches come to more than the award' USING ERRCODE = '23514', CONSTRAINT = 'tranches_within_award';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tranches_change BEFORE UPDATE ON tranches FOR EACH ROW EXECUTE FUNCTION tranche_changes();
CREATE CONSTRAINT TRIGGER tranches_within_award AFTER INSERT OR UPDATE OF amount, released ON tranches
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tranches_of_award();
CREATE TRIGGER payments_new_within_tranche BEFORE INSERT ON payments FOR EACH ROW EXECUTE FUNCTION payment_within_tranche();
CREATE TRIGGER payments_within_tranche BEFORE UPDATE OF state ON payments FOR EACH ROW
    WHEN (NEW.state IN ('due', 'queued', 'instructed', 'unknown', 'settled') AND NEW.state <> OLD.state) EXECUTE FUNCTION payment_within_tranche();
DROP INDEX payments_one_live;
CREATE UNIQUE INDEX payments_one_live ON payments (tranche_id) WHERE state IN ('due', 'queued', 'instructed', 'unknown');
CREATE INDEX payments_tranche ON payments (tranche_id);

-- +goose Down
DROP INDEX payments_tranche;
DROP INDEX payments_one_live;
CREATE UNIQUE INDEX payments_one_live ON payments (tranche_id) WHERE state IN ('due', 'queued', 'instructed', 'unknown', 'settled');
DROP TRIGGER payments_within_tranche ON payments;
DROP TRIGGER payments_new_within_tranche ON payments;
DROP TRIGGER tranches_within_award ON tranches;
DROP TRIGGER tranches_change ON tranches;
DROP FUNCTION tranches_of_award, payment_within_tranche, tranche_changes;
ALTER TABLE payments DROP COLUMN rest;
ALTER TABLE awards DROP COLUMN changed;
ALTER TABLE tranches DROP CONSTRAINT tranches_released_of_amount, DROP CONSTRAINT tranches_held_for_a_reason,
    DROP COLUMN version, DROP COLUMN released, DROP COLUMN held_reason;
