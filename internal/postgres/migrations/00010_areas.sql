-- +goose Up
-- Areas move: what an area was and will be is kept by periods, and whose place
-- it took by links. The row in areas is the area as of today; everything that
-- asks who may see or decide reads that. A change of areas is a write of the
-- program's own: an administrator makes it, and the sweep brings it into effect.

CREATE TABLE area_periods (
    area       text NOT NULL REFERENCES areas,
    valid_from date NOT NULL,
    valid_to   date,
    name       text NOT NULL,
    level      text NOT NULL,
    parent     text REFERENCES areas,
    urban      boolean NOT NULL,
    PRIMARY KEY (area, valid_from),
    CHECK (valid_to IS NULL OR valid_to > valid_from)
);
CREATE INDEX area_periods_parent ON area_periods (parent, valid_from);

CREATE TABLE area_predecessors (
    area        text NOT NULL,
    predecessor text NOT NULL REFERENCES areas,
    at          date NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('merged', 'split', 'renamed')),
    takes       boolean NOT NULL,
    PRIMARY KEY (area, at, predecessor),
    FOREIGN KEY (area, at) REFERENCES area_periods (area, valid_from),
    CHECK (area <> predecessor)
);
CREATE UNIQUE INDEX area_predecessors_target ON area_predecessors (predecessor, at) WHERE takes;
CREATE INDEX area_predecessors_predecessor ON area_predecessors (predecessor);

ALTER TABLE areas ADD COLUMN urban boolean NOT NULL DEFAULT false;
ALTER TABLE areas ADD COLUMN gone boolean NOT NULL DEFAULT false;
ALTER TABLE areas ADD COLUMN successor text REFERENCES areas;
ALTER TABLE areas ADD CHECK (gone OR successor IS NULL);
INSERT INTO area_periods (area, valid_from, valid_to, name, level, parent, urban)
    SELECT code, valid_from, valid_to, name, level, parent, urban FROM areas;

-- Who lies below: the code comes from the index itself.
DROP INDEX areas_parent;
CREATE INDEX areas_parent ON areas (parent, code);

-- +goose StatementBegin
CREATE FUNCTION area_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO area_periods (area, valid_from, valid_to, name, level, parent, urban)
    VALUES (NEW.code, NEW.valid_from, NEW.valid_to, NEW.name, NEW.level, NEW.parent, NEW.urban);
    RETURN NULL;
END $$;

-- No area lies in itself, on no day: the way up is followed over the days that
-- all parents on it have in common. The plans of these functions are made when
-- the tables are still small and kept while a whole country comes in: they are
-- to use the indexes from the start.
CREATE FUNCTION area_period_fits() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('areas', 0));
    IF EXISTS (SELECT 1 FROM area_periods o WHERE o.area = NEW.area AND o.valid_from <> NEW.valid_from
               AND o.valid_from < coalesce(NEW.valid_to, 'infinity') AND NEW.valid_from < coalesce(o.valid_to, 'infinity')) THEN
        RAISE EXCEPTION 'an area is one thing at a time' USING ERRCODE = '23514', CONSTRAINT = 'area_periods_overlap';
    END IF;
    IF EXISTS (
        WITH RECURSIVE up (code, since, until) AS (
            SELECT NEW.parent, NEW.valid_from, coalesce(NEW.valid_to, 'infinity')
            UNION
            SELECT p.parent, greatest(p.valid_from, up.since), least(coalesce(p.valid_to, 'infinity'), up.until)
            FROM area_periods p JOIN up ON p.area = up.code
            WHERE greatest(p.valid_from, up.since) < least(coalesce(p.valid_to, 'infinity'), up.until))
        SELECT 1 FROM up WHERE code = NEW.area) THEN
        RAISE EXCEPTION 'an area lies in itself' USING ERRCODE = '23514', CONSTRAINT = 'area_cycle';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION area_lies() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('areas', 0));
    IF EXISTS (
        WITH RECURSIVE up (code) AS (
            SELECT NEW.parent
            UNION SELECT a.parent FROM areas a JOIN up ON a.code = up.code)
        SELECT 1 FROM up WHERE code = NEW.code) THEN
        RAISE EXCEPTION 'an area lies in itself' USING ERRCODE = '23514', CONSTRAINT = 'area_cycle';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER areas_begin AFTER INSERT ON areas FOR EACH ROW EXECUTE FUNCTION area_begins();
CREATE TRIGGER areas_lie AFTER INSERT OR UPDATE OF parent ON areas FOR EACH ROW WHEN (NEW.parent IS NOT NULL) EXECUTE FUNCTION area_lies();
CREATE TRIGGER area_periods_fit AFTER INSERT OR UPDATE ON area_periods FOR EACH ROW EXECUTE FUNCTION area_period_fits();

GRANT INSERT, UPDATE (name, level, parent, urban, valid_from, valid_to, gone, successor) ON areas TO aidflow_app;
GRANT SELECT, INSERT, UPDATE (name, level, parent, urban, valid_to) ON area_periods TO aidflow_app;
GRANT SELECT, INSERT, UPDATE (kind, takes) ON area_predecessors TO aidflow_app;
-- What follows an area that is gone.
GRANT UPDATE (area) ON tasks TO aidflow_app;
GRANT DELETE ON staff_roles TO aidflow_app;

COMMENT ON COLUMN areas.parent IS 'Area one level up today; of one that is gone, what stands in its place. None at the top.';
COMMENT ON COLUMN areas.urban IS 'A ward or town today, not a rural commune.';
COMMENT ON COLUMN areas.gone IS 'It has ended; nothing new happens here.';
COMMENT ON COLUMN areas.successor IS 'Area to which the work of one that is gone has passed; none when it was split without a target, or dissolved.';
COMMENT ON TABLE area_periods IS 'What an area was, is and will be: one row for each time during which it is the same.';
COMMENT ON COLUMN area_periods.area IS 'The area.';
COMMENT ON COLUMN area_periods.valid_from IS 'First day.';
COMMENT ON COLUMN area_periods.valid_to IS 'First day on which it is no longer so; none while nobody knows.';
COMMENT ON COLUMN area_periods.name IS 'Name for people.';
COMMENT ON COLUMN area_periods.level IS 'Name of the level.';
COMMENT ON COLUMN area_periods.parent IS 'Area one level up; none at the top.';
COMMENT ON COLUMN area_periods.urban IS 'A ward or town, not a rural commune.';
COMMENT ON TABLE area_predecessors IS 'Which area took the place, or a part, of which.';
COMMENT ON COLUMN area_predecessors.area IS 'The successor.';
COMMENT ON COLUMN area_predecessors.predecessor IS 'Whose place it took.';
COMMENT ON COLUMN area_predecessors.at IS 'First day of the successor as such.';
COMMENT ON COLUMN area_predecessors.kind IS 'merged, renamed: all of the predecessor; split: a part of it.';
COMMENT ON COLUMN area_predecessors.takes IS 'Open cases, roles, partners and funds of the predecessor go here.';

-- +goose Down
REVOKE DELETE ON staff_roles FROM aidflow_app;
REVOKE UPDATE (area) ON tasks FROM aidflow_app;
REVOKE INSERT, UPDATE ON areas FROM aidflow_app;
DROP TRIGGER areas_lie ON areas;
DROP TRIGGER areas_begin ON areas;
DROP TABLE area_predecessors, area_periods;
DROP FUNCTION area_lies, area_period_fits, area_begins;
DROP INDEX areas_parent;
CREATE INDEX areas_parent ON areas (parent);
ALTER TABLE areas DROP COLUMN successor, DROP COLUMN gone, DROP COLUMN urban;
