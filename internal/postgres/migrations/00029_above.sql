-- +goose Up
-- Who is told when work is late, in one place: for the event, and for the mails.

DROP FUNCTION superiors;
-- The superior of whoever has it, when that person may hear of the case; else
-- the managers of the nearest area upward that has some who may.
-- +goose StatementBegin
CREATE FUNCTION superiors(about_case text, about_task text, who text, at timestamptz) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE place AS (
        SELECT coalesce(t.area, c.area) AS area, c.programme FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
    up AS (
        SELECT a.code, a.parent, 0 AS depth FROM areas a JOIN place ON place.area = a.code
        UNION ALL SELECT a.code, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent WHERE up.depth < 20),
    above AS (
        SELECT s.superior AS person, -1 AS depth FROM staff s WHERE s.subject = who AND s.superior IS NOT NULL
        UNION ALL SELECT r.subject, min(up.depth) FROM place CROSS JOIN up JOIN staff_roles r ON r.area = up.code
            WHERE r.role = 'manager' AND (r.programmes = '{}' OR place.programme = ANY(r.programmes)) GROUP BY r.subject),
    hear AS MATERIALIZED (
        SELECT * FROM above WHERE person IS DISTINCT FROM who AND may_hear(person, about_case, about_task, at))
    SELECT DISTINCT person FROM hear WHERE depth = (SELECT min(depth) FROM hear)
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION superiors;
-- +goose StatementBegin
CREATE FUNCTION superiors(about_case text, about_task text) RETURNS SETOF text LANGUAGE sql STABLE AS $$
    WITH RECURSIVE place AS (
        SELECT coalesce(t.area, c.area) AS area FROM cases c LEFT JOIN tasks t ON t.id = about_task AND t.case_id = c.id WHERE c.id = about_case),
    up AS (
        SELECT a.code, a.parent FROM areas a JOIN place ON place.area = a.code
        UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
    SELECT DISTINCT r.subject FROM staff_roles r JOIN up ON up.code = r.area WHERE r.role = 'manager'
$$;
-- +goose StatementEnd
