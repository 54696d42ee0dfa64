-- +goose Up
-- Work that follows from an approval, a colleague's advice, and in whose name a
-- person acts.
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('verify_documents', 'field_visit', 'record_check', 'provide_information',
    'approve', 'decide_stalled', 'post_publicly', 'decide_objection', 'advise', 'meet_condition', 'confirm_milestone', 'prepare_payment',
    'release_payment', 'resolve_payment', 'recover_money', 'follow_up_visit', 'repair_configuration'));

ALTER TABLE decisions ADD COLUMN behalf text NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN behalf text NOT NULL DEFAULT '';
COMMENT ON COLUMN decisions.behalf IS 'The principal in whose name the actor decided, as a delegate; empty when in the own.';
COMMENT ON COLUMN events.behalf IS 'The principal in whose name the actor acted, as a delegate; empty when in the own.';

-- +goose Down
ALTER TABLE events DROP COLUMN behalf;
ALTER TABLE decisions DROP COLUMN behalf;
ALTER TABLE tasks DROP CONSTRAINT tasks_kind_check;
ALTER TABLE tasks ADD CONSTRAINT tasks_kind_check CHECK (kind IN ('verify_documents', 'field_visit', 'record_check', 'provide_information',
    'approve', 'decide_stalled', 'post_publicly', 'decide_objection', 'confirm_milestone', 'prepare_payment', 'release_payment',
    'resolve_payment', 'recover_money', 'follow_up_visit', 'repair_configuration'));
