-- +goose Up
-- What the rules found in a case, on which facts, and who went on regardless.

ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('verify_documents', 'field_visit', 'record_check', 'provide_information',
    'approve', 'decide_stalled', 'post_publicly', 'decide_objection', 'confirm_milestone', 'prepare_payment', 'release_payment',
    'resolve_payment', 'recover_money', 'follow_up_visit', 'repair_configuration'));

-- A check at an external register carries the register's name.
ALTER TABLE case_checks DROP CONSTRAINT case_checks_kind_check;
ALTER TABLE case_checks ADD CONSTRAINT case_checks_kind_check
    CHECK (kind ~ '^(register|identity|consistency|duplicate|documents|eligibility|external:[a-z][a-z0-9_]{1,59})$');

ALTER TABLE cases ADD COLUMN proposed_amount bigint CHECK (proposed_amount > 0);

CREATE TABLE case_facts (
    case_id           text NOT NULL REFERENCES cases,
    round             integer NOT NULL,
    review            integer NOT NULL,
    phase             text NOT NULL CHECK (phase IN ('request', 'visit', 'approval')),
    programme_version integer NOT NULL,
    sealed            bytea NOT NULL,
    failed            text[] NOT NULL,
    proposed          bigint NOT NULL CHECK (proposed >= 0),
    because           text[] NOT NULL,
    at                timestamptz NOT NULL,
    PRIMARY KEY (case_id, round, review, phase)
);
GRANT SELECT, INSERT ON case_facts TO aidflow_app;

CREATE TABLE case_findings (
    case_id         text NOT NULL REFERENCES cases,
    round           integer NOT NULL,
    key             text NOT NULL,
    review          integer NOT NULL,
    check_kind      text NOT NULL,
    code            text NOT NULL,
    effect          text NOT NULL CHECK (effect IN ('final', 'block', 'hint')),
    about           text NOT NULL DEFAULT '',
    detail          jsonb NOT NULL DEFAULT '{}',
    found_at        timestamptz NOT NULL,
    gone_at         timestamptz,
    overridden_by   text,
    override_reason text,
    decision_id     text REFERENCES decisions,
    overridden_at   timestamptz,
    PRIMARY KEY (case_id, round, key),
    CHECK ((overridden_by IS NULL) = (overridden_at IS NULL) AND (overridden_by IS NULL) = (override_reason IS NULL)
           AND (overridden_by IS NULL) = (decision_id IS NULL)),
    CHECK (overridden_by IS NULL OR effect = 'block')
);
CREATE INDEX case_findings_about ON case_findings (about) WHERE about <> '';
GRANT SELECT, INSERT ON case_findings TO aidflow_app;
GRANT UPDATE (review, effect, detail, gone_at, overridden_by, override_reason, decision_id, overridden_at) ON case_findings TO aidflow_app;

-- Nobody approves past a blocking finding in silence, whatever the program does.
-- +goose StatementBegin
CREATE FUNCTION nothing_blocks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM tasks t JOIN case_findings f ON f.case_id = t.case_id AND f.round = t.round
               WHERE t.id = NEW.task_id AND t.kind = 'approve'
                 AND f.effect = 'block' AND f.gone_at IS NULL AND f.overridden_at IS NULL) THEN
        RAISE EXCEPTION 'a finding blocks the approval' USING ERRCODE = '23514', CONSTRAINT = 'findings_overridden';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_nothing_blocks BEFORE UPDATE OF state ON decisions
    FOR EACH ROW WHEN (NEW.state = 'applied' AND NEW.action = 'approve') EXECUTE FUNCTION nothing_blocks();

COMMENT ON COLUMN cases.proposed_amount IS 'What the programme''s award rule comes to for this case, minor units: the norm under which approvers decide.';
COMMENT ON TABLE case_facts IS 'The facts on which the rules were judged, each time they were: under which version, what they said. Never changed.';
COMMENT ON COLUMN case_facts.case_id IS 'The case.';
COMMENT ON COLUMN case_facts.round IS 'Its round.';
COMMENT ON COLUMN case_facts.review IS 'Its review.';
COMMENT ON COLUMN case_facts.phase IS 'When within the review: at the request, with what a visit saw, or before an approval that is asked again.';
COMMENT ON COLUMN case_facts.programme_version IS 'The version of the programme whose rules were judged.';
COMMENT ON COLUMN case_facts.sealed IS 'The facts as JSON, sealed: they are personal.';
COMMENT ON COLUMN case_facts.failed IS 'Codes of the eligibility rules that the facts do not pass.';
COMMENT ON COLUMN case_facts.proposed IS 'What the award rule comes to, minor units; 0 when nothing.';
COMMENT ON COLUMN case_facts.because IS 'Codes of what limited the amount.';
COMMENT ON COLUMN case_facts.at IS 'When they were judged, on the case''s clock.';
COMMENT ON TABLE case_findings IS 'What the checks found against a case, for verifiers and approvers. A blocking one lets no approval pass until somebody overrides it with a coded reason.';
COMMENT ON COLUMN case_findings.case_id IS 'The case.';
COMMENT ON COLUMN case_findings.round IS 'Its round.';
COMMENT ON COLUMN case_findings.key IS 'Names the finding within the round: check, code and what it is about.';
COMMENT ON COLUMN case_findings.review IS 'The review in which it was last found.';
COMMENT ON COLUMN case_findings.check_kind IS 'The check that found it.';
COMMENT ON COLUMN case_findings.code IS 'What was found.';
COMMENT ON COLUMN case_findings.effect IS 'What the programme makes of it: final rejects, block needs an override, hint informs.';
COMMENT ON COLUMN case_findings.about IS 'Id of the other case or aid that it is about; empty for the case itself.';
COMMENT ON COLUMN case_findings.detail IS 'Codes, dates, amounts and references for the person who judges it; nothing personal.';
COMMENT ON COLUMN case_findings.found_at IS 'When it was first found, on the case''s clock.';
COMMENT ON COLUMN case_findings.gone_at IS 'Since when the check finds it no longer.';
COMMENT ON COLUMN case_findings.overridden_by IS 'The approver who went on regardless.';
COMMENT ON COLUMN case_findings.override_reason IS 'The coded reason for it.';
COMMENT ON COLUMN case_findings.decision_id IS 'The decision that carried the override.';
COMMENT ON COLUMN case_findings.overridden_at IS 'When, on the case''s clock.';

-- +goose Down
DROP TRIGGER decisions_nothing_blocks ON decisions;
DROP FUNCTION nothing_blocks;
DROP TABLE case_findings, case_facts;
ALTER TABLE cases DROP COLUMN proposed_amount;
ALTER TABLE case_checks DROP CONSTRAINT case_checks_kind_check;
ALTER TABLE case_checks ADD CONSTRAINT case_checks_kind_check CHECK (kind IN ('register', 'identity', 'duplicate', 'documents'));
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('verify_documents', 'field_visit', 'provide_information', 'approve',
    'decide_stalled', 'confirm_milestone', 'prepare_payment', 'release_payment', 'resolve_payment',
    'recover_money', 'follow_up_visit', 'repair_configuration'));
