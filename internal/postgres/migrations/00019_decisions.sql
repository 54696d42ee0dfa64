-- +goose Up
-- What an approval asks for before money goes out, which approvals were sent
-- back, and what colleagues say to each other about a task.

CREATE TABLE conditions (
    id          text PRIMARY KEY,
    case_id     text NOT NULL REFERENCES cases,
    round       integer NOT NULL,
    decision_id text NOT NULL REFERENCES decisions,
    n           integer NOT NULL,
    code        text NOT NULL,
    due_on      date,
    stated_at   timestamptz NOT NULL,
    task_id     text REFERENCES tasks,
    met_at      timestamptz,
    dropped_at  timestamptz,
    UNIQUE (decision_id, n),
    CHECK (met_at IS NULL OR (task_id IS NOT NULL AND dropped_at IS NULL))
);
CREATE INDEX conditions_case ON conditions (case_id, round);
GRANT SELECT, INSERT ON conditions TO aidflow_app;
GRANT UPDATE (task_id, met_at, dropped_at) ON conditions TO aidflow_app;

CREATE TABLE returned_levels (
    case_id     text NOT NULL REFERENCES cases,
    round       integer NOT NULL,
    level       text NOT NULL,
    review      integer NOT NULL,
    decision_id text NOT NULL REFERENCES decisions,
    at          timestamptz NOT NULL,
    PRIMARY KEY (case_id, round, level, review)
);
GRANT SELECT, INSERT ON returned_levels TO aidflow_app;

CREATE TABLE questions (
    id        text PRIMARY KEY,
    case_id   text NOT NULL REFERENCES cases,
    task_id   text NOT NULL REFERENCES tasks,
    advice_id text NOT NULL UNIQUE REFERENCES tasks,
    asked_by  text NOT NULL,
    asked_of  text NOT NULL,
    sealed    bytea NOT NULL,
    asked_at  timestamptz NOT NULL,
    CHECK (asked_by <> asked_of)
);
CREATE INDEX questions_task ON questions (task_id, asked_at, id);
GRANT SELECT, INSERT ON questions TO aidflow_app;

CREATE TABLE comments (
    id         text PRIMARY KEY,
    case_id    text NOT NULL REFERENCES cases,
    task_id    text NOT NULL REFERENCES tasks,
    author     text NOT NULL,
    sealed     bytea NOT NULL,
    written_at timestamptz NOT NULL
);
CREATE INDEX comments_task ON comments (task_id, written_at, id);
GRANT SELECT, INSERT ON comments TO aidflow_app;

-- Several colleagues may be asked about one task.
DROP INDEX tasks_once;
CREATE UNIQUE INDEX tasks_once ON tasks (case_id, kind, level, subject, round, review)
    WHERE (closed_at IS NULL AND kind <> 'advise')
       OR kind IN ('verify_documents', 'field_visit', 'provide_information', 'approve', 'confirm_milestone', 'follow_up_visit');

-- Nothing is paid while a condition of the approval is not met, whatever the
-- program does; and only a person's decision meets one.
-- +goose StatementBegin
CREATE FUNCTION conditions_hold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM conditions c JOIN awards a ON a.case_id = c.case_id AND a.round = c.round
               WHERE a.id = NEW.award_id AND c.met_at IS NULL AND c.dropped_at IS NULL) THEN
        RAISE EXCEPTION 'a condition of the approval is not met' USING ERRCODE = '23514', CONSTRAINT = 'payments_after_conditions';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION condition_is_met() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM tasks t JOIN decisions d ON d.task_id = t.id AND d.state = 'applied' AND d.action = 'complete'
                   WHERE t.id = NEW.task_id AND t.kind = 'meet_condition' AND t.subject = NEW.id) THEN
        RAISE EXCEPTION 'a person says that a condition is met' USING ERRCODE = '23514', CONSTRAINT = 'conditions_met_by_person';
    END IF;
    RETURN NEW;
END $$;

-- Advice is for a decision that is still to be made.
CREATE FUNCTION end_advice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks SET state = 'void', closed_at = NEW.closed_at, attend_at = NULL, version = version + 1
    WHERE case_id = NEW.case_id AND kind = 'advise' AND subject = NEW.id AND closed_at IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER payments_after_conditions BEFORE UPDATE OF state ON payments FOR EACH ROW
    WHEN (NEW.state IN ('queued', 'instructed') AND NEW.state <> OLD.state) EXECUTE FUNCTION conditions_hold();
CREATE TRIGGER conditions_met BEFORE UPDATE OF met_at ON conditions FOR EACH ROW
    WHEN (NEW.met_at IS NOT NULL) EXECUTE FUNCTION condition_is_met();
CREATE TRIGGER tasks_end_advice AFTER UPDATE OF closed_at ON tasks FOR EACH ROW
    WHEN (NEW.closed_at IS NOT NULL AND OLD.closed_at IS NULL AND NEW.kind <> 'advise') EXECUTE FUNCTION end_advice();

COMMENT ON TABLE conditions IS 'What approvals ask for before money goes out. What is meant is sealed in the decision; here is its code.';
COMMENT ON COLUMN conditions.id IS 'Id with the prefix cnd.';
COMMENT ON COLUMN conditions.case_id IS 'The case.';
COMMENT ON COLUMN conditions.round IS 'Its round.';
COMMENT ON COLUMN conditions.decision_id IS 'The approval that asks for it; the words are sealed there.';
COMMENT ON COLUMN conditions.n IS 'Its place among the conditions of the approval, from 0.';
COMMENT ON COLUMN conditions.code IS 'One of the programme''s conditions.';
COMMENT ON COLUMN conditions.due_on IS 'The local day by whose end it is to be met; empty when the approval names none.';
COMMENT ON COLUMN conditions.stated_at IS 'When the approval was made, on the case''s clock.';
COMMENT ON COLUMN conditions.task_id IS 'The task by which a verifier says that it is met; empty until the money is reserved.';
COMMENT ON COLUMN conditions.met_at IS 'When it was met, on the case''s clock.';
COMMENT ON COLUMN conditions.dropped_at IS 'When it fell away, because its approval did not stand or its level decided anew.';
COMMENT ON TABLE returned_levels IS 'Levels of the approval that were asked again by a later one: what they had approved until then counts no longer.';
COMMENT ON COLUMN returned_levels.case_id IS 'The case.';
COMMENT ON COLUMN returned_levels.round IS 'Its round.';
COMMENT ON COLUMN returned_levels.level IS 'The level that is asked again.';
COMMENT ON COLUMN returned_levels.review IS 'Its approvals of this review and of earlier ones count no longer.';
COMMENT ON COLUMN returned_levels.decision_id IS 'The decision that sent the case back.';
COMMENT ON COLUMN returned_levels.at IS 'When, on the case''s clock.';
COMMENT ON TABLE questions IS 'Questions of a decider to a colleague about a task. Never changed; the answer is the decision on the advice.';
COMMENT ON COLUMN questions.id IS 'Id with the prefix qst.';
COMMENT ON COLUMN questions.case_id IS 'The case.';
COMMENT ON COLUMN questions.task_id IS 'The task about which somebody asks.';
COMMENT ON COLUMN questions.advice_id IS 'The task by which the colleague answers.';
COMMENT ON COLUMN questions.asked_by IS 'Who asks.';
COMMENT ON COLUMN questions.asked_of IS 'Who is asked, and nobody else.';
COMMENT ON COLUMN questions.sealed IS 'The question, sealed.';
COMMENT ON COLUMN questions.asked_at IS 'When, on the case''s clock.';
COMMENT ON TABLE comments IS 'What members of the staff noted at a task. Never changed.';
COMMENT ON COLUMN comments.id IS 'Id with the prefix cmt.';
COMMENT ON COLUMN comments.case_id IS 'The case.';
COMMENT ON COLUMN comments.task_id IS 'The task.';
COMMENT ON COLUMN comments.author IS 'Who wrote it.';
COMMENT ON COLUMN comments.sealed IS 'What was written, sealed.';
COMMENT ON COLUMN comments.written_at IS 'When, on the case''s clock.';

-- +goose Down
DROP TRIGGER tasks_end_advice ON tasks;
DROP TRIGGER conditions_met ON conditions;
DROP TRIGGER payments_after_conditions ON payments;
DROP FUNCTION end_advice, condition_is_met, conditions_hold;
DROP INDEX tasks_once;
CREATE UNIQUE INDEX tasks_once ON tasks (case_id, kind, level, subject, round, review)
    WHERE closed_at IS NULL OR kind IN ('verify_documents', 'field_visit', 'provide_information', 'approve', 'confirm_milestone', 'follow_up_visit');
DROP TABLE comments, questions, returned_levels, conditions;
