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

-- What changes of an award after it was approved is approved anew. Until then
-- everything stays as it is, and nothing is paid.
CREATE TABLE award_changes (
    id           text PRIMARY KEY,
    award_id     text NOT NULL REFERENCES awards,
    case_id      text NOT NULL REFERENCES cases,
    kind         text NOT NULL CHECK (kind IN ('payee', 'plan')),
    amount       bigint NOT NULL CHECK (amount > 0),
    account_id   text REFERENCES payee_accounts,
    usable_from  timestamptz,
    plan         jsonb,
    levels       jsonb NOT NULL,
    reason_code  text NOT NULL,
    proposed_by  text NOT NULL,
    submitted_by text NOT NULL DEFAULT '',
    proposed_at  timestamptz NOT NULL,
    state        text NOT NULL CHECK (state IN ('open', 'applied', 'rejected', 'void')),
    ended_at     timestamptz,
    CHECK ((kind = 'payee') = (account_id IS NOT NULL) AND (kind = 'payee') = (usable_from IS NOT NULL) AND (kind = 'plan') = (plan IS NOT NULL)),
    CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE UNIQUE INDEX award_changes_one_open ON award_changes (award_id) WHERE state = 'open';
CREATE INDEX award_changes_case ON award_changes (case_id, proposed_at, id);
CREATE INDEX award_changes_account ON award_changes (account_id) WHERE account_id IS NOT NULL;
COMMENT ON TABLE award_changes IS 'What is to change of an award after its approval: payee and account, or amounts and milestones of what is not paid. Its levels approve it as tasks approve about it.';
COMMENT ON COLUMN award_changes.id IS 'Id chg_.';
COMMENT ON COLUMN award_changes.award_id IS 'The award.';
COMMENT ON COLUMN award_changes.case_id IS 'Its case.';
COMMENT ON COLUMN award_changes.kind IS 'payee or plan.';
COMMENT ON COLUMN award_changes.amount IS 'What the award comes to with the change, in minor units; the approvals of the change bind it.';
COMMENT ON COLUMN award_changes.account_id IS 'The new account, of a change of the payee.';
COMMENT ON COLUMN award_changes.usable_from IS 'Before then nothing is paid to the new account, by the clock of the case.';
COMMENT ON COLUMN award_changes.plan IS 'The instalments that are to stand in place of those that nothing is paid of, each with the one it changes.';
COMMENT ON COLUMN award_changes.levels IS 'The levels that are asked, in their order.';
COMMENT ON COLUMN award_changes.reason_code IS 'Why.';
COMMENT ON COLUMN award_changes.proposed_by IS 'Who entered it: a member of staff or the partner.';
COMMENT ON COLUMN award_changes.submitted_by IS 'The person at the partner, or the person on paper, as named by who entered it; may be empty.';
COMMENT ON COLUMN award_changes.proposed_at IS 'When, by the clock of the case.';
COMMENT ON COLUMN award_changes.state IS 'open, applied, rejected, or void when the case ended before.';
COMMENT ON COLUMN award_changes.ended_at IS 'When it was applied, rejected or void, by the clock of the case.';
GRANT SELECT, INSERT ON award_changes TO aidflow_app;
GRANT UPDATE (state, ended_at) ON award_changes TO aidflow_app;
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('verify_documents', 'field_visit', 'record_check', 'provide_information',
    'approve', 'decide_stalled', 'post_publicly', 'decide_objection', 'advise', 'meet_condition', 'confirm_milestone', 'confirm_account', 'prepare_payment',
    'release_payment', 'resolve_payment', 'recover_money', 'follow_up_visit', 'repair_configuration'));

-- +goose StatementBegin
CREATE FUNCTION award_change_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'open' OR EXISTS (SELECT 1 FROM payments WHERE award_id = NEW.award_id AND state IN ('instructed', 'unknown')) THEN
        RAISE EXCEPTION 'nothing changes while a payment is on its way' USING ERRCODE = '23514', CONSTRAINT = 'award_changes_between_payments';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION award_change_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'open' THEN
        RAISE EXCEPTION 'a change ends once' USING ERRCODE = '23514', CONSTRAINT = 'award_changes_end_once';
    END IF;
    IF NEW.state = 'applied' AND NEW.kind = 'payee' AND NOT EXISTS (
        SELECT 1 FROM tasks t JOIN decisions d ON d.task_id = t.id
         WHERE t.case_id = NEW.case_id AND t.kind = 'confirm_account' AND t.subject = NEW.id AND t.state = 'done'
           AND d.state = 'applied' AND d.action = 'confirm' AND NEW.proposed_by NOT IN (d.actor, d.behalf)) THEN
        RAISE EXCEPTION 'a second person confirms an account' USING ERRCODE = '23514', CONSTRAINT = 'award_changes_second_person';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION payment_after_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM tasks k WHERE k.case_id = NEW.case_id AND k.kind = 'resolve_payment' AND k.subject = NEW.retry_of
                 AND k.state = 'done' AND k.closed_at = NEW.created_at) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM award_changes WHERE award_id = NEW.award_id AND state = 'open') THEN
        RAISE EXCEPTION 'a change of the award is open' USING ERRCODE = '23514', CONSTRAINT = 'payments_after_change';
    END IF;
    IF NEW.state = 'instructed' AND EXISTS (SELECT 1 FROM award_changes WHERE account_id = NEW.payee_account_id
        AND (state <> 'applied' OR usable_from > coalesce(NEW.instructed_at, '-infinity'))) THEN
        RAISE EXCEPTION 'a new account waits' USING ERRCODE = '23514', CONSTRAINT = 'payments_account_waits';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER award_changes_begin BEFORE INSERT ON award_changes FOR EACH ROW EXECUTE FUNCTION award_change_begins();
CREATE TRIGGER award_changes_end BEFORE UPDATE ON award_changes FOR EACH ROW EXECUTE FUNCTION award_change_ends();
CREATE TRIGGER payments_after_change BEFORE UPDATE OF state ON payments FOR EACH ROW
    WHEN (NEW.state IN ('queued', 'instructed') AND NEW.state <> OLD.state) EXECUTE FUNCTION payment_after_change();

-- +goose Down
DROP TRIGGER payments_after_change ON payments;
DROP TABLE award_changes;
DROP FUNCTION payment_after_change, award_change_ends, award_change_begins;
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('verify_documents', 'field_visit', 'record_check', 'provide_information',
    'approve', 'decide_stalled', 'post_publicly', 'decide_objection', 'advise', 'meet_condition', 'confirm_milestone', 'prepare_payment',
    'release_payment', 'resolve_payment', 'recover_money', 'follow_up_visit', 'repair_configuration'));
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
