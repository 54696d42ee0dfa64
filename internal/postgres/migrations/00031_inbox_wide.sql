-- +goose Up
-- Managers and auditors of a country or a province see every queue: one walk
-- over all of them instead of one for each. The area is written otherwise than
-- in the indexes of one queue, so that no plan takes one for the other: to the
-- planner, who does not know the queue, they cost the same.
CREATE INDEX tasks_inbox_all_1 ON tasks ((path[1:1]), urgent, ranks_at, id) WHERE closed_at IS NULL;
CREATE INDEX tasks_inbox_all_2 ON tasks ((path[2:2]), urgent, ranks_at, id) WHERE closed_at IS NULL;

-- +goose Down
DROP INDEX tasks_inbox_all_1, tasks_inbox_all_2;
