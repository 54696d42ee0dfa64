-- +goose Up
-- Batches in another's name, and plans that are made once.
ALTER TABLE task_batches ADD COLUMN behalf text NOT NULL DEFAULT '';
COMMENT ON COLUMN task_batches.behalf IS 'In whose name its person decides as a delegate; empty: in the own, else for whom a delegation gives it, task by task.';

-- Functions that are asked within every decision and for everybody who is told
-- of a task. As functions in SQL their queries were planned anew with every
-- call, which took many times as long as to run them; in PL/pgSQL a
-- connection plans them once. What they answer is the same.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION conflicted(of_case text, who text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF coalesce(who, '') = '' THEN
        RETURN who <> '';
    END IF;
    RETURN EXISTS (SELECT 1 FROM conflicts WHERE case_id = of_case AND person = who);
END $$;

CREATE OR REPLACE FUNCTION area_path(area text) RETURNS text[] LANGUAGE plpgsql STABLE AS $$
DECLARE
    path text[];
BEGIN
    WITH RECURSIVE up AS (
        SELECT a.code, a.parent, 1 AS n FROM areas a WHERE a.code = area
        UNION ALL SELECT a.code, a.parent, up.n + 1 FROM areas a JOIN up ON a.code = up.parent WHERE up.n < 20)
    SELECT coalesce(array_agg(up.code ORDER BY up.n DESC), '{}') INTO path FROM up;
    RETURN path;
END $$;

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

CREATE OR REPLACE FUNCTION may_hear(who text, about_case text, about_task text, at timestamptz) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN EXISTS (SELECT 1 FROM staff WHERE subject = who AND disabled_at IS NULL)
       AND (about_case IS NULL OR (NOT conflicted(about_case, who) AND EXISTS (
            WITH RECURSIVE place AS (
                SELECT coalesce(t.area, c.area) AS area, coalesce(t.kind, '') AS kind, c.programme
                FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
            up AS (
                SELECT a.code, a.parent FROM areas a JOIN place ON place.area = a.code
                UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
            SELECT 1 FROM place CROSS JOIN up JOIN staff_roles r ON r.area = up.code
            WHERE (r.programmes = '{}' OR place.programme = ANY(r.programmes))
              AND ((r.subject = who AND (r.role <> 'admin' OR place.kind = 'repair_configuration'))
                   OR (r.role NOT IN ('admin', 'auditor', 'intake') AND EXISTS (
                       SELECT 1 FROM delegations d JOIN staff p ON p.subject = d.principal AND p.disabled_at IS NULL
                       WHERE d.principal = r.subject AND d.delegate = who AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
                         AND (d.programmes = '{}' OR place.programme = ANY(d.programmes))))))));
END $$;
-- +goose StatementEnd

-- +goose Down
ALTER TABLE task_batches DROP COLUMN behalf;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION conflicted(of_case text, who text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT who <> '' AND EXISTS (SELECT 1 FROM conflicts WHERE case_id = of_case AND person = who)
$$;

CREATE OR REPLACE FUNCTION area_path(area text) RETURNS text[] LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up AS (
        SELECT code, parent, 1 AS n FROM areas WHERE code = area
        UNION ALL SELECT a.code, a.parent, up.n + 1 FROM areas a JOIN up ON a.code = up.parent WHERE up.n < 20)
    SELECT coalesce(array_agg(code ORDER BY n DESC), '{}') FROM up
$$;

CREATE OR REPLACE FUNCTION deciders(about text, kinds text[], roles text[], at timestamptz) RETURNS SETOF text LANGUAGE sql STABLE AS $$
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
      AND NOT conflicted(t.case_id, h.person) AND NOT conflicted(t.case_id, coalesce(h.behalf, ''))
$$;

CREATE OR REPLACE FUNCTION may_hear(who text, about_case text, about_task text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM staff WHERE subject = who AND disabled_at IS NULL)
       AND (about_case IS NULL OR (NOT conflicted(about_case, who) AND EXISTS (
            WITH RECURSIVE place AS (
                SELECT coalesce(t.area, c.area) AS area, coalesce(t.kind, '') AS kind, c.programme
                FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
            up AS (
                SELECT a.code, a.parent FROM areas a JOIN place ON place.area = a.code
                UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
            SELECT 1 FROM place CROSS JOIN up JOIN staff_roles r ON r.area = up.code
            WHERE (r.programmes = '{}' OR place.programme = ANY(r.programmes))
              AND ((r.subject = who AND (r.role <> 'admin' OR place.kind = 'repair_configuration'))
                   OR (r.role NOT IN ('admin', 'auditor', 'intake') AND EXISTS (
                       SELECT 1 FROM delegations d JOIN staff p ON p.subject = d.principal AND p.disabled_at IS NULL
                       WHERE d.principal = r.subject AND d.delegate = who AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
                         AND (d.programmes = '{}' OR place.programme = ANY(d.programmes))))))))
$$;
-- +goose StatementEnd
