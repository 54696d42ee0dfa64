-- +goose Up
-- A case that waits for more money than there will be soon may let those behind
-- it on the fund's list pass. It keeps its place.

ALTER TABLE cases ADD COLUMN skipped boolean NOT NULL DEFAULT false;
GRANT UPDATE (skipped) ON cases TO aidflow_app;
COMMENT ON COLUMN cases.skipped IS 'On the fund''s waiting list: cases behind it pass while the money does not suffice for it.';

-- +goose Down
ALTER TABLE cases DROP COLUMN skipped;
