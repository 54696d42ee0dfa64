-- +goose Up
-- The inbox: an order that an index gives for every role, and claims that
-- lapse. What a list compares of other tables stands with the task and follows
-- them by trigger, so that a page is a few short walks over an index.

ALTER TABLE tasks
    ADD COLUMN queue         text GENERATED ALWAYS AS (CASE WHEN kind = 'approve' THEN 'approve:' || level ELSE kind END) STORED,
    ADD COLUMN path          text[] NOT NULL DEFAULT '{}',
    ADD COLUMN amount        bigint NOT NULL DEFAULT 0,
    ADD COLUMN ranks_at      timestamptz NOT NULL DEFAULT 'infinity',
    ADD COLUMN claimed_until timestamptz,
    ADD COLUMN lapses_at     timestamptz,
    ADD COLUMN assigned_by   text;
COMMENT ON COLUMN tasks.queue IS 'What a role is asked for: the kind, and of an approval the level too.';
COMMENT ON COLUMN tasks.path IS 'The area with all above it, the highest first.';
COMMENT ON COLUMN tasks.amount IS 'What is asked for or granted so far, in minor units: that of the case.';
COMMENT ON COLUMN tasks.ranks_at IS 'due_at by the wall clock; infinity when it is never due.';
COMMENT ON COLUMN tasks.claimed_until IS 'When the claim lapses, by the clock of the case; null when it does not.';
COMMENT ON COLUMN tasks.lapses_at IS 'claimed_until by the wall clock.';
COMMENT ON COLUMN tasks.assigned_by IS 'The manager who gave the task to its assignee; null when the assignee took it.';
GRANT UPDATE (claimed_until, assigned_by) ON tasks TO aidflow_app;

-- +goose StatementBegin
CREATE FUNCTION area_path(area text) RETURNS text[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up AS (
        SELECT code, parent, 1 AS n FROM areas WHERE code = area
        UNION ALL SELECT a.code, a.parent, up.n + 1 FROM areas a JOIN up ON a.code = up.parent WHERE up.n < 20)
    SELECT coalesce(array_agg(code ORDER BY n DESC), '{}') FROM up
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE FUNCTION place_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ahead interval;
BEGIN
    SELECT clock_offset, coalesce(amount, proposed_amount, requested_amount, 0) INTO ahead, NEW.amount FROM cases WHERE id = NEW.case_id;
    NEW.path := area_path(NEW.area);
    NEW.ranks_at := coalesce(NEW.due_at - ahead, 'infinity');
    NEW.lapses_at := NEW.claimed_until - ahead;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tasks_place BEFORE INSERT OR UPDATE OF area ON tasks FOR EACH ROW EXECUTE FUNCTION place_task();

-- +goose StatementBegin
CREATE FUNCTION rank_task() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ahead interval;
BEGIN
    SELECT clock_offset INTO ahead FROM cases WHERE id = NEW.case_id;
    NEW.ranks_at := coalesce(NEW.due_at - ahead, 'infinity');
    NEW.lapses_at := NEW.claimed_until - ahead;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tasks_rank BEFORE UPDATE OF due_at, claimed_until ON tasks FOR EACH ROW
    WHEN (NEW.due_at IS DISTINCT FROM OLD.due_at OR NEW.claimed_until IS DISTINCT FROM OLD.claimed_until) EXECUTE FUNCTION rank_task();

-- What has changed in the case or in the areas is placed anew.
-- +goose StatementBegin
CREATE FUNCTION place_tasks_of_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks SET area = area WHERE case_id = NEW.id AND closed_at IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cases_place_tasks AFTER UPDATE ON cases FOR EACH ROW
    WHEN (NEW.clock_offset <> OLD.clock_offset
          OR coalesce(NEW.amount, NEW.proposed_amount, NEW.requested_amount) IS DISTINCT FROM coalesce(OLD.amount, OLD.proposed_amount, OLD.requested_amount))
    EXECUTE FUNCTION place_tasks_of_case();

-- +goose StatementBegin
CREATE FUNCTION place_tasks_of_area() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE tasks SET area = area WHERE closed_at IS NULL AND NEW.code = ANY(path);
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER areas_place_tasks AFTER UPDATE OF parent ON areas FOR EACH ROW
    WHEN (NEW.parent IS DISTINCT FROM OLD.parent) EXECUTE FUNCTION place_tasks_of_area();

UPDATE tasks SET area = area;

-- One index for each of the three highest levels of areas: a list walks, for
-- the area and the queues of a grant, what it has to show and no more. A task
-- of a tree with two levels is in two of them.
DROP INDEX tasks_inbox, tasks_inbox_area, tasks_assignee;
CREATE INDEX tasks_inbox_1 ON tasks ((path[1]), queue, urgent, ranks_at, id) WHERE closed_at IS NULL;
CREATE INDEX tasks_inbox_2 ON tasks ((path[2]), queue, urgent, ranks_at, id) WHERE closed_at IS NULL AND path[2] IS NOT NULL;
CREATE INDEX tasks_inbox_3 ON tasks ((path[3]), queue, urgent, ranks_at, id) WHERE closed_at IS NULL AND path[3] IS NOT NULL;
CREATE INDEX tasks_assignee ON tasks (assignee) WHERE closed_at IS NULL AND assignee IS NOT NULL;
CREATE INDEX tasks_lapse ON tasks (lapses_at) WHERE closed_at IS NULL AND lapses_at IS NOT NULL;

-- +goose Down
DROP INDEX tasks_inbox_1, tasks_inbox_2, tasks_inbox_3, tasks_assignee, tasks_lapse;
CREATE INDEX tasks_inbox ON tasks ((NOT urgent), (coalesce(due_at, 'infinity')), id) WHERE closed_at IS NULL;
CREATE INDEX tasks_inbox_area ON tasks (area, kind, (NOT urgent), (coalesce(due_at, 'infinity')), id) WHERE closed_at IS NULL;
CREATE INDEX tasks_assignee ON tasks (assignee, (NOT urgent), (coalesce(due_at, 'infinity')), id) WHERE closed_at IS NULL;
DROP TRIGGER areas_place_tasks ON areas;
DROP TRIGGER cases_place_tasks ON cases;
DROP TRIGGER tasks_rank ON tasks;
DROP TRIGGER tasks_place ON tasks;
DROP FUNCTION place_tasks_of_area();
DROP FUNCTION place_tasks_of_case();
DROP FUNCTION rank_task();
DROP FUNCTION place_task();
DROP FUNCTION area_path(text);
ALTER TABLE tasks DROP COLUMN assigned_by, DROP COLUMN lapses_at, DROP COLUMN claimed_until, DROP COLUMN ranks_at, DROP COLUMN amount,
    DROP COLUMN path, DROP COLUMN queue;
