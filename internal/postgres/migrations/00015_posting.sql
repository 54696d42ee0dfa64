-- +goose Up
-- An award hangs out in the village before its first payment, and people may
-- object to it.

CREATE TABLE postings (
    award_id    text PRIMARY KEY REFERENCES awards,
    case_id     text NOT NULL REFERENCES cases,
    decision_id text NOT NULL REFERENCES decisions,
    posted_on   date NOT NULL,
    until       timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    over_at     timestamptz
);
CREATE INDEX postings_case ON postings (case_id);
GRANT SELECT, INSERT ON postings TO aidflow_app;
GRANT UPDATE (over_at) ON postings TO aidflow_app;

CREATE TABLE objections (
    id          text PRIMARY KEY,
    award_id    text NOT NULL REFERENCES postings,
    case_id     text NOT NULL REFERENCES cases,
    task_id     text NOT NULL REFERENCES tasks,
    reason_code text NOT NULL,
    anonymous   boolean NOT NULL,
    sealed      bytea NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL
);
CREATE INDEX objections_case ON objections (case_id, recorded_at, id);
GRANT SELECT, INSERT ON objections TO aidflow_app;

-- Nothing is paid while the village is still asked or an objection is open,
-- whatever the program does. What has arrived at a bank in spite of that is
-- booked: two persons have seen it.
-- +goose StatementBegin
CREATE FUNCTION village_is_asked() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = NEW.case_id AND t.kind = 'resolve_payment' AND t.subject = NEW.retry_of
                     AND t.state = 'done' AND t.closed_at = NEW.created_at)
       AND (EXISTS (SELECT 1 FROM postings p WHERE p.award_id = NEW.award_id AND p.over_at IS NULL)
            OR EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = NEW.case_id AND t.kind IN ('post_publicly', 'decide_objection') AND t.closed_at IS NULL)) THEN
        RAISE EXCEPTION 'the village is still asked' USING ERRCODE = '23514', CONSTRAINT = 'payments_after_posting';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER payments_after_posting BEFORE UPDATE OF state ON payments FOR EACH ROW
    WHEN (NEW.state IN ('queued', 'instructed') AND NEW.state <> OLD.state) EXECUTE FUNCTION village_is_asked();

COMMENT ON TABLE postings IS 'Awards that hang out in the village before their first payment.';
COMMENT ON COLUMN postings.award_id IS 'The award.';
COMMENT ON COLUMN postings.case_id IS 'Its case.';
COMMENT ON COLUMN postings.decision_id IS 'The decision by which a verifier told that the list hangs; where it hangs is sealed there.';
COMMENT ON COLUMN postings.posted_on IS 'The day on which the list was hung out.';
COMMENT ON COLUMN postings.until IS 'Until when it hangs: so many full working days after that day, on the case''s clock.';
COMMENT ON COLUMN postings.recorded_at IS 'When it was told, on the case''s clock.';
COMMENT ON COLUMN postings.over_at IS 'When the award went on: the time was over and no objection was open. Empty before.';
COMMENT ON TABLE objections IS 'What somebody has said against an award that hangs out. Never changed; how it ended is told by its task.';
COMMENT ON COLUMN objections.id IS 'Id with the prefix obj.';
COMMENT ON COLUMN objections.award_id IS 'The award.';
COMMENT ON COLUMN objections.case_id IS 'Its case.';
COMMENT ON COLUMN objections.task_id IS 'The task by which somebody decides it.';
COMMENT ON COLUMN objections.reason_code IS 'One of the programme''s reasons to object.';
COMMENT ON COLUMN objections.anonymous IS 'Whoever objects has not given a name.';
COMMENT ON COLUMN objections.sealed IS 'What was said, by whom and how they can be reached, sealed.';
COMMENT ON COLUMN objections.recorded_by IS 'Who wrote it down.';
COMMENT ON COLUMN objections.recorded_at IS 'When, on the case''s clock.';

-- +goose Down
DROP TRIGGER payments_after_posting ON payments;
DROP FUNCTION village_is_asked;
DROP TABLE objections, postings;
