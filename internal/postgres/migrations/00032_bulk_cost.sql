-- +goose Up
-- What many decisions at once cost: who is to be told of many tasks is found
-- with one question, and who is related to nobody is known at once.

-- Whoever has no relation of today and has declared nothing of this case is
-- not looked for in it: every other row of the view begins with a relation.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION conflicted(of_case text, who text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF coalesce(who, '') = '' THEN
        RETURN who <> '';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM staff_relations WHERE subject = who AND ended_at IS NULL
                   UNION ALL SELECT 1 FROM case_recusals WHERE case_id = of_case AND subject = who) THEN
        RETURN false;
    END IF;
    RETURN EXISTS (SELECT 1 FROM conflicts WHERE case_id = of_case AND person = who);
END $$;

-- Who may decide each of some tasks now, by role or delegation: nobody who has
-- decided it, who holds another duty in its case or is related, and nobody but
-- its holder while it is claimed. The roles are looked at once for tasks of the
-- same place, programme and level.
CREATE FUNCTION deciders_of(about text[], kinds text[], roles text[], at timestamptz) RETURNS TABLE (task text, person text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH t AS MATERIALIZED (
        SELECT o.id, o.case_id, o.kind, o.level, o.path, o.programme, coalesce(o.rule ->> 'mode', '') AS mode, o.amount, o.duty, o.assignee, o.lapses_at
        FROM tasks o WHERE o.id = ANY(about) AND o.closed_at IS NULL),
    alike AS (SELECT DISTINCT t.kind, t.level, t.path, t.programme, t.mode FROM t),
    granted AS MATERIALIZED (
        SELECT DISTINCT g.*, r.role, r.subject FROM alike g
        JOIN unnest(kinds, roles) AS may(kind, role) ON may.kind = g.kind
        JOIN staff_roles r ON r.area = ANY(g.path) AND r.role = may.role
        JOIN staff s ON s.subject = r.subject AND s.disabled_at IS NULL
        WHERE (r.programmes = '{}' OR g.programme = ANY(r.programmes))
          AND (g.kind <> 'approve' OR (r.level = g.level AND (r.committee OR g.mode <> 'committee')))),
    held AS MATERIALIZED (
        SELECT DISTINCT g.kind, g.level, g.path, g.programme, g.mode, g.subject AS person, NULL AS behalf, NULL::bigint AS ceiling FROM granted g
        UNION
        SELECT g.kind, g.level, g.path, g.programme, g.mode, d.delegate, d.principal, d.ceiling
        FROM granted g JOIN delegations d ON d.principal = g.subject AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
        JOIN staff s ON s.subject = d.delegate AND s.disabled_at IS NULL
        WHERE (d.programmes = '{}' OR g.programme = ANY(d.programmes)) AND g.role NOT IN ('admin', 'auditor', 'intake')
          AND EXISTS (SELECT 1 FROM staff_roles o WHERE o.subject = d.delegate AND o.role = g.role))
    SELECT DISTINCT t.id, h.person
    FROM t JOIN held h ON h.kind = t.kind AND h.level = t.level AND h.path = t.path AND h.programme = t.programme AND h.mode = t.mode
    WHERE (t.assignee IS NULL OR t.assignee IN (h.person, h.behalf) OR t.lapses_at <= at) AND coalesce(h.ceiling >= t.amount, true)
      AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.task_id = t.id AND d.state IN ('intent', 'applied')
                      AND (d.actor IN (h.person, h.behalf) OR d.behalf IN (h.person, h.behalf)))
      AND NOT EXISTS (SELECT 1 FROM case_duties d WHERE d.case_id = t.case_id AND d.person IN (h.person, h.behalf)
                      AND CASE t.duty WHEN '' THEN false WHEN 'follow_up' THEN d.duty = 'verify' ELSE d.duty <> t.duty END)
      AND NOT conflicted(t.case_id, h.person) AND NOT conflicted(t.case_id, coalesce(h.behalf, ''));
END $$;

CREATE OR REPLACE FUNCTION deciders(about text, kinds text[], roles text[], at timestamptz) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT d.person FROM deciders_of(ARRAY[about], kinds, roles, at) d;
END $$;
-- +goose StatementEnd

-- The locks of a step, in their order, with one exchange: the case, and, when
-- the step was not made before and a decision causes it, that decision's task.
-- Each is read as of when its lock was had: a function that may write sees with
-- every statement what was committed by then.
-- +goose StatementBegin
CREATE FUNCTION lock_step(of_case text, workflow text, by_cause text) RETURNS TABLE (c cases, outcome jsonb, t tasks) LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    SELECT k.* INTO c FROM cases k WHERE k.id = of_case FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    SELECT s.outcome INTO outcome FROM transitions s WHERE s.workflow_id = workflow AND s.cause = by_cause;
    IF outcome IS NULL THEN
        SELECT o.* INTO t FROM decisions d JOIN tasks o ON o.id = d.task_id AND o.case_id = of_case WHERE d.id = by_cause FOR NO KEY UPDATE OF o;
    END IF;
    RETURN NEXT;
END $$;
-- +goose StatementEnd

-- What follows from the areas and their calendars alone is kept by the program
-- for as long as they are the same. A state of them has a name that is never
-- given again, so that nothing is kept of a change that was rolled back.
CREATE SEQUENCE grounds_states;
ALTER TABLE area_tree ADD COLUMN grounds bigint NOT NULL DEFAULT nextval('grounds_states');
COMMENT ON COLUMN area_tree.grounds IS 'Names the state of areas, levels, calendars and freezes; another one whenever one of them changes.';
-- +goose StatementBegin
CREATE FUNCTION grounds_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE area_tree SET grounds = nextval('grounds_states');
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER areas_grounds AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF code, parent, level, gone ON areas FOR EACH STATEMENT EXECUTE FUNCTION grounds_changed();
CREATE TRIGGER area_calendars_grounds AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON area_calendars FOR EACH STATEMENT EXECUTE FUNCTION grounds_changed();
CREATE TRIGGER calendars_grounds AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON calendars FOR EACH STATEMENT EXECUTE FUNCTION grounds_changed();
CREATE TRIGGER calendar_versions_grounds AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON calendar_versions FOR EACH STATEMENT EXECUTE FUNCTION grounds_changed();
CREATE TRIGGER freezes_grounds AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE ON freezes FOR EACH STATEMENT EXECUTE FUNCTION grounds_changed();

-- +goose Down
DROP TRIGGER areas_grounds ON areas;
DROP TRIGGER area_calendars_grounds ON area_calendars;
DROP TRIGGER calendars_grounds ON calendars;
DROP TRIGGER calendar_versions_grounds ON calendar_versions;
DROP TRIGGER freezes_grounds ON freezes;
DROP FUNCTION grounds_changed();
DROP FUNCTION lock_step;
ALTER TABLE area_tree DROP COLUMN grounds;
DROP SEQUENCE grounds_states;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION deciders(about text, kinds text[], roles text[], at timestamptz) RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE t AS (SELECT * FROM tasks WHERE id = about AND closed_at IS NULL),
    up AS (
        SELECT a.code, a.parent FROM areas a JOIN t ON t.area = a.code
        UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent),
    granted AS (
        SELECT r.* FROM t CROSS JOIN up JOIN staff_roles r ON r.area = up.code
        JOIN unnest(kinds, roles) AS may(kind, role) ON may.kind = t.kind AND may.role = r.role
        JOIN staff s ON s.subject = r.subject AND s.disabled_at IS NULL
        WHERE (r.programmes = '{}' OR t.programme = ANY(r.programmes))
          AND (t.kind <> 'approve' OR (r.level = t.level AND (r.committee OR coalesce(t.rule ->> 'mode', '') <> 'committee')))),
    held AS (
        SELECT g.subject AS person, NULL AS behalf FROM granted g
        UNION
        SELECT d.delegate, d.principal
        FROM t CROSS JOIN granted g JOIN delegations d ON d.principal = g.subject AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
        JOIN staff s ON s.subject = d.delegate AND s.disabled_at IS NULL
        WHERE (d.programmes = '{}' OR t.programme = ANY(d.programmes)) AND coalesce(d.ceiling >= t.amount, true)
          AND g.role NOT IN ('admin', 'auditor', 'intake')
          AND EXISTS (SELECT 1 FROM staff_roles o WHERE o.subject = d.delegate AND o.role = g.role))
    SELECT DISTINCT h.person
    FROM t CROSS JOIN held h
    WHERE (t.assignee IS NULL OR t.assignee IN (h.person, h.behalf) OR t.lapses_at <= at)
      AND NOT EXISTS (SELECT 1 FROM decisions d WHERE d.task_id = t.id AND d.state IN ('intent', 'applied')
                      AND (d.actor IN (h.person, h.behalf) OR d.behalf IN (h.person, h.behalf)))
      AND NOT EXISTS (SELECT 1 FROM case_duties d WHERE d.case_id = t.case_id AND d.person IN (h.person, h.behalf)
                      AND CASE t.duty WHEN '' THEN false WHEN 'follow_up' THEN d.duty = 'verify' ELSE d.duty <> t.duty END)
      AND NOT conflicted(t.case_id, h.person) AND NOT conflicted(t.case_id, coalesce(h.behalf, ''));
END $$;

CREATE OR REPLACE FUNCTION conflicted(of_case text, who text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF coalesce(who, '') = '' THEN
        RETURN who <> '';
    END IF;
    RETURN EXISTS (SELECT 1 FROM conflicts WHERE case_id = of_case AND person = who);
END $$;
-- +goose StatementEnd
DROP FUNCTION deciders_of;
