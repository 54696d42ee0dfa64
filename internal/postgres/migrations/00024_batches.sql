-- +goose Up
-- Decisions on many tasks at once: what was asked for, and what became of each.
CREATE TABLE task_batches (
    id            text PRIMARY KEY,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL,
    dry_run       boolean NOT NULL,
    follows       text REFERENCES task_batches,
    action        text NOT NULL,
    reason_code   text NOT NULL DEFAULT '',
    sealed        bytea,
    filter        jsonb,
    max_amount    bigint CHECK (max_amount > 0),
    currency      text NOT NULL DEFAULT '',
    state         text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'cancelled')),
    total         integer NOT NULL CHECK (total > 0),
    decided       integer NOT NULL DEFAULT 0,
    left_out      integer NOT NULL DEFAULT 0,
    cancelled     integer NOT NULL DEFAULT 0,
    cancel_asked  timestamptz,
    lease         integer NOT NULL DEFAULT 0,
    lease_until   timestamptz,
    started_at    timestamptz,
    finished_at   timestamptz,
    CHECK (decided + left_out + cancelled <= total),
    CHECK ((state IN ('done', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (finished_at IS NULL OR decided + left_out + cancelled = total),
    CHECK (NOT dry_run OR follows IS NULL)
);
CREATE UNIQUE INDEX task_batches_one ON task_batches (created_by) WHERE state IN ('waiting', 'running');
CREATE INDEX task_batches_open ON task_batches (created_at) WHERE state IN ('waiting', 'running');
CREATE INDEX task_batches_of ON task_batches (created_by, created_at DESC, id DESC);

CREATE TABLE task_batch_items (
    batch_id      text NOT NULL REFERENCES task_batches,
    n             integer NOT NULL CHECK (n > 0),
    task_id       text NOT NULL,
    task_version  integer NOT NULL,
    amount        bigint NOT NULL,
    decision_id   text NOT NULL UNIQUE,
    state         text NOT NULL CHECK (state IN ('waiting', 'asked', 'decided', 'left_out', 'cancelled')),
    code          text NOT NULL DEFAULT '',
    ended_at      timestamptz,
    PRIMARY KEY (batch_id, n),
    UNIQUE (batch_id, task_id),
    CHECK ((state IN ('waiting', 'asked')) = (ended_at IS NULL)),
    CHECK ((state = 'left_out') = (code <> ''))
);
CREATE INDEX task_batch_items_open ON task_batch_items (batch_id, n) WHERE state IN ('waiting', 'asked');

ALTER TABLE decisions ADD COLUMN batch_id text REFERENCES task_batches;

GRANT SELECT, INSERT ON task_batches, task_batch_items TO aidflow_app;
GRANT UPDATE (state, decided, left_out, cancelled, cancel_asked, lease, lease_until, started_at, finished_at) ON task_batches TO aidflow_app;
GRANT UPDATE (state, code, ended_at) ON task_batch_items TO aidflow_app;

COMMENT ON TABLE task_batches IS 'One decision that a person asked for on many tasks. A dry run tells what it would do and decides nothing.';
COMMENT ON COLUMN task_batches.id IS 'bat_ and a UUIDv7.';
COMMENT ON COLUMN task_batches.created_by IS 'Who decides: the actor of every decision of the batch. One unfinished batch each.';
COMMENT ON COLUMN task_batches.created_at IS 'When it was asked for.';
COMMENT ON COLUMN task_batches.dry_run IS 'It only tells, for each task, what would become of it.';
COMMENT ON COLUMN task_batches.follows IS 'The dry run whose tasks and versions the batch binds.';
COMMENT ON COLUMN task_batches.action IS 'The action of every decision.';
COMMENT ON COLUMN task_batches.reason_code IS 'Its reason; empty for none.';
COMMENT ON COLUMN task_batches.sealed IS 'The note of every decision, sealed.';
COMMENT ON COLUMN task_batches.filter IS 'By what the tasks were chosen; NULL when they were named one by one.';
COMMENT ON COLUMN task_batches.max_amount IS 'The most that one decision may be about, in minor units of currency; what is above is left out.';
COMMENT ON COLUMN task_batches.currency IS 'Currency of max_amount.';
COMMENT ON COLUMN task_batches.state IS 'waiting for a worker, running, done, or cancelled before its end.';
COMMENT ON COLUMN task_batches.total IS 'How many tasks it is about.';
COMMENT ON COLUMN task_batches.decided IS 'Tasks that were decided; in a dry run those that would be.';
COMMENT ON COLUMN task_batches.left_out IS 'Tasks that were not decided, each with its code.';
COMMENT ON COLUMN task_batches.cancelled IS 'Tasks that the batch had not come to when it was cancelled.';
COMMENT ON COLUMN task_batches.cancel_asked IS 'When its person asked to stop.';
COMMENT ON COLUMN task_batches.lease IS 'Rises whenever a worker takes it: a worker that has lost it writes no more.';
COMMENT ON COLUMN task_batches.lease_until IS 'Until when the worker that has it may be silent.';
COMMENT ON COLUMN task_batches.started_at IS 'When a worker first took it.';
COMMENT ON COLUMN task_batches.finished_at IS 'When the last of its tasks had its outcome.';
COMMENT ON TABLE task_batch_items IS 'One task of a batch and its one outcome.';
COMMENT ON COLUMN task_batch_items.batch_id IS 'The batch.';
COMMENT ON COLUMN task_batch_items.n IS 'Its place, from 1: the order of deciding.';
COMMENT ON COLUMN task_batch_items.task_id IS 'The task; no reference, because a person may name one that is not there.';
COMMENT ON COLUMN task_batch_items.task_version IS 'The version that was seen; a task that has changed since is left out. 0 for one that was not found.';
COMMENT ON COLUMN task_batch_items.amount IS 'What its case asked for when it was chosen, in minor units.';
COMMENT ON COLUMN task_batch_items.decision_id IS 'The id of its decision, fixed from the beginning: asked again, it is the same decision.';
COMMENT ON COLUMN task_batch_items.state IS 'waiting, asked (its decision is recorded and on its way), decided, left_out or cancelled. In a dry run decided means: would be.';
COMMENT ON COLUMN task_batch_items.code IS 'Why it was left out.';
COMMENT ON COLUMN task_batch_items.ended_at IS 'When it had its outcome.';
COMMENT ON COLUMN decisions.batch_id IS 'The batch by which it was asked for; NULL for a single one.';

-- +goose Down
ALTER TABLE decisions DROP COLUMN batch_id;
DROP TABLE task_batch_items;
DROP TABLE task_batches;
