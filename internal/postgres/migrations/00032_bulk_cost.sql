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

-- +goose Down
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
