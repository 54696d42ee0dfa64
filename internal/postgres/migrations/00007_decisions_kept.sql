-- +goose Up
-- What a decision was when it was made, the partner's wish to withdraw, and
-- tasks that may be asked again.

-- The chair at the time of the vote: a role that ends later changes no vote.
ALTER TABLE decisions ADD COLUMN chair boolean NOT NULL DEFAULT false;
UPDATE decisions d SET chair = true FROM tasks t
WHERE t.id = d.task_id AND t.kind = 'approve'
  AND EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = d.actor AND r.level = t.level AND r.chair);

-- A question that belongs to one review is asked once in it; every other one
-- may come again when it is closed, and is open at most once.
ALTER TABLE tasks DROP CONSTRAINT tasks_case_id_kind_level_subject_round_review_key;
CREATE UNIQUE INDEX tasks_once ON tasks (case_id, kind, level, subject, round, review)
    WHERE closed_at IS NULL OR kind IN ('verify_documents', 'field_visit', 'provide_information', 'approve', 'confirm_milestone', 'follow_up_visit');

CREATE TABLE withdrawals (
    case_id     text NOT NULL REFERENCES cases,
    round       integer NOT NULL,
    actor       text NOT NULL,
    reason_code text NOT NULL,
    submitted_by text NOT NULL DEFAULT '',
    asked_at    timestamptz NOT NULL,
    answered_at timestamptz,
    PRIMARY KEY (case_id, round)
);
CREATE INDEX withdrawals_unanswered ON withdrawals (asked_at) WHERE answered_at IS NULL;
GRANT SELECT, INSERT ON withdrawals TO aidflow_app;
GRANT UPDATE (reason_code, submitted_by, answered_at) ON withdrawals TO aidflow_app;
GRANT UPDATE (chair) ON decisions TO aidflow_app;
GRANT UPDATE (due_at) ON tasks TO aidflow_app;

-- A case is parked exactly while one of its repairs is open. A repair whose
-- task is closed otherwise is void.
-- +goose StatementBegin
CREATE FUNCTION keep_parked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.kind = 'repair_configuration' THEN
        UPDATE cases SET parked = NOT parked WHERE id = NEW.case_id AND parked <> EXISTS (
            SELECT 1 FROM tasks WHERE case_id = NEW.case_id AND kind = 'repair_configuration' AND closed_at IS NULL);
    ELSE
        UPDATE tasks SET state = 'void', closed_at = NEW.closed_at, attend_at = NULL, version = version + 1
        WHERE case_id = NEW.case_id AND kind = 'repair_configuration' AND subject = NEW.id AND closed_at IS NULL;
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tasks_keep_parked AFTER INSERT OR UPDATE OF closed_at ON tasks
    FOR EACH ROW WHEN (NEW.kind = 'repair_configuration' OR NEW.closed_at IS NOT NULL) EXECUTE FUNCTION keep_parked();

COMMENT ON COLUMN decisions.chair IS 'The decider was in the chair of the committee when deciding.';
COMMENT ON TABLE withdrawals IS 'The partner''s wish to end a case, stored before its workflow hears of it. While it stands nothing new is instructed.';
COMMENT ON COLUMN withdrawals.case_id IS 'The case.';
COMMENT ON COLUMN withdrawals.round IS 'The round that is to end.';
COMMENT ON COLUMN withdrawals.actor IS 'The partner.';
COMMENT ON COLUMN withdrawals.reason_code IS 'One of the programme''s reasons to withdraw.';
COMMENT ON COLUMN withdrawals.submitted_by IS 'The person at the partner who asks for it, as the partner names them; empty when it does not.';
COMMENT ON COLUMN withdrawals.asked_at IS 'When it was stored, on the wall clock.';
COMMENT ON COLUMN withdrawals.answered_at IS 'When the workflow took it: the case has ended, or will end at the outcome of the payment that is on its way. Wall clock.';

-- +goose Down
DROP TRIGGER tasks_keep_parked ON tasks;
DROP FUNCTION keep_parked;
DROP TABLE withdrawals;
DROP INDEX tasks_once;
ALTER TABLE tasks ADD UNIQUE (case_id, kind, level, subject, round, review);
ALTER TABLE decisions DROP COLUMN chair;
