-- +goose Up
-- How often the tree of areas has changed: whoever keeps what lies below an
-- area asks whether it still does, instead of reading the tree for each request.

CREATE TABLE area_tree (
    version bigint NOT NULL
);
INSERT INTO area_tree VALUES (1);
COMMENT ON TABLE area_tree IS 'One row: the state of the tree of areas.';
COMMENT ON COLUMN area_tree.version IS 'Rises whenever an area comes, goes or moves.';
GRANT SELECT ON area_tree TO aidflow_app;

-- +goose StatementBegin
CREATE FUNCTION area_tree_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE area_tree SET version = version + 1;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER areas_tree AFTER INSERT OR DELETE OR TRUNCATE OR UPDATE OF code, parent ON areas FOR EACH STATEMENT EXECUTE FUNCTION area_tree_changed();

-- Whoever has a task of a case in hand or a duty in it hears of it, also when
-- the own roles are for other programmes.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION may_hear(who text, about_case text, about_task text, at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM staff WHERE subject = who AND disabled_at IS NULL)
       AND (about_case IS NULL OR (NOT conflicted(about_case, who) AND EXISTS (
            WITH RECURSIVE place AS (
                SELECT coalesce(t.area, c.area) AS area, coalesce(t.kind, '') AS kind, c.programme,
                       EXISTS (SELECT 1 FROM case_duties d WHERE d.case_id = c.id AND d.person = who)
                       OR EXISTS (SELECT 1 FROM tasks h WHERE h.case_id = c.id AND h.closed_at IS NULL AND h.assignee = who) AS held
                FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
            up AS (
                SELECT a.code, a.parent FROM areas a JOIN place ON place.area = a.code
                UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
            SELECT 1 FROM place CROSS JOIN up JOIN staff_roles r ON r.area = up.code
            WHERE (r.programmes = '{}' OR place.programme = ANY(r.programmes) OR place.held)
              AND ((r.subject = who AND (r.role <> 'admin' OR place.kind = 'repair_configuration'))
                   OR (r.role NOT IN ('admin', 'auditor', 'intake') AND EXISTS (
                       SELECT 1 FROM delegations d JOIN staff p ON p.subject = d.principal AND p.disabled_at IS NULL
                       WHERE d.principal = r.subject AND d.delegate = who AND d.revoked_at IS NULL AND d.from_at <= at AND d.until_at > at
                         AND (d.programmes = '{}' OR place.programme = ANY(d.programmes) OR place.held)))))))
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
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
DROP TRIGGER areas_tree ON areas;
DROP FUNCTION area_tree_changed();
DROP TABLE area_tree;
