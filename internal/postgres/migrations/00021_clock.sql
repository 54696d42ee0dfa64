-- +goose Up
-- Working calendars that administrators edit, per area; freezes; and clocks:
-- how much working time a task, a stage and a case may take and has taken.

ALTER TABLE calendars ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0);
ALTER TABLE calendars ADD COLUMN changed_at timestamptz NOT NULL DEFAULT '-infinity';
GRANT INSERT ON calendars TO aidflow_app;
GRANT UPDATE (definition, version, changed_at) ON calendars TO aidflow_app;

CREATE TABLE calendar_versions (
    code       text NOT NULL REFERENCES calendars,
    version    integer NOT NULL CHECK (version > 0),
    definition jsonb NOT NULL,
    areas      text[] NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (code, version)
);
INSERT INTO calendar_versions (code, version, definition, areas, changed_by, changed_at)
    SELECT code, version, definition, '{}', 'system', changed_at FROM calendars;
GRANT SELECT, INSERT ON calendar_versions TO aidflow_app;

CREATE TABLE area_calendars (
    area     text PRIMARY KEY REFERENCES areas,
    calendar text NOT NULL REFERENCES calendars
);
CREATE INDEX area_calendars_calendar ON area_calendars (calendar);
GRANT SELECT, INSERT, DELETE ON area_calendars TO aidflow_app;

CREATE TABLE freezes (
    id          text PRIMARY KEY,
    area        text NOT NULL REFERENCES areas,
    programmes  text[] NOT NULL,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    reason_code text NOT NULL,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    ended_by    text NOT NULL DEFAULT '',
    ended_at    timestamptz,
    version     integer NOT NULL DEFAULT 1,
    CHECK (until_at >= from_at)
);
CREATE INDEX freezes_area ON freezes (area);
GRANT SELECT, INSERT ON freezes TO aidflow_app;
GRANT UPDATE (until_at, ended_by, ended_at, version) ON freezes TO aidflow_app;

-- Who is told when work of a person is not done in time.
ALTER TABLE staff ADD COLUMN superior text REFERENCES staff CHECK (superior <> subject);

-- The clock of a task.
ALTER TABLE tasks ADD COLUMN allowed_us bigint CHECK (allowed_us > 0);
ALTER TABLE tasks ADD COLUMN spent_us bigint NOT NULL DEFAULT 0 CHECK (spent_us >= 0);
ALTER TABLE tasks ADD COLUMN counted_at timestamptz;
ALTER TABLE tasks ADD COLUMN calendar text NOT NULL DEFAULT '';
ALTER TABLE tasks ADD COLUMN alarm_kinds text[] NOT NULL DEFAULT '{}';
ALTER TABLE tasks ADD COLUMN rung integer NOT NULL DEFAULT 0;
GRANT UPDATE (urgent, allowed_us, spent_us, counted_at, calendar, alarm_kinds, rung) ON tasks TO aidflow_app;
CREATE INDEX tasks_counted ON tasks (case_id) WHERE closed_at IS NULL AND counted_at IS NOT NULL;

-- The clocks of a case: of the whole, and of its stages.
CREATE TABLE clocks (
    case_id     text NOT NULL REFERENCES cases,
    round       integer NOT NULL,
    scope       text NOT NULL CHECK (scope IN ('case', 'verification', 'approval', 'disbursement')),
    allowed_us  bigint NOT NULL CHECK (allowed_us > 0),
    spent_us    bigint NOT NULL CHECK (spent_us >= 0),
    counted_at  timestamptz,
    paused      text NOT NULL DEFAULT '',
    calendar    text NOT NULL,
    started_at  timestamptz NOT NULL,
    due_at      timestamptz,
    alarms      timestamptz[] NOT NULL DEFAULT '{}',
    alarm_kinds text[] NOT NULL DEFAULT '{}',
    rung        integer NOT NULL DEFAULT 0,
    attend_at   timestamptz,
    warned_at   timestamptz,
    breached_at timestamptz,
    ended_at    timestamptz,
    PRIMARY KEY (case_id, round, scope),
    CHECK (counted_at IS NOT NULL OR attend_at IS NULL)
);
CREATE INDEX clocks_counted ON clocks (case_id) WHERE counted_at IS NOT NULL;
GRANT SELECT, INSERT ON clocks TO aidflow_app;
GRANT UPDATE (allowed_us, spent_us, counted_at, paused, calendar, due_at, alarms, alarm_kinds, rung, attend_at, warned_at, breached_at, ended_at)
    ON clocks TO aidflow_app;

-- What is to be counted anew after a calendar, a freeze or an area has changed.
CREATE TABLE recounts (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    calendar   text NOT NULL DEFAULT '',
    areas      text[] NOT NULL,
    programmes text[] NOT NULL DEFAULT '{}',
    after_case text NOT NULL DEFAULT '',
    cases      integer NOT NULL DEFAULT 0,
    asked_at   timestamptz NOT NULL,
    done_at    timestamptz
);
CREATE INDEX recounts_open ON recounts (id) WHERE done_at IS NULL;
GRANT SELECT, INSERT ON recounts TO aidflow_app;
GRANT UPDATE (after_case, cases, done_at) ON recounts TO aidflow_app;

COMMENT ON COLUMN calendars.version IS 'Rises with every edit: the ETag.';
COMMENT ON COLUMN calendars.changed_at IS 'When this version came into force, on the wall clock; -infinity for one that always was.';
COMMENT ON TABLE calendar_versions IS 'Every version of a calendar. Time that has passed is counted by the version that was in force then. Insert-only.';
COMMENT ON COLUMN calendar_versions.code IS 'The calendar.';
COMMENT ON COLUMN calendar_versions.version IS '1, 2, 3 ... within the calendar.';
COMMENT ON COLUMN calendar_versions.definition IS 'Zone, working hours and days off, as JSON.';
COMMENT ON COLUMN calendar_versions.areas IS 'The areas that worked by it.';
COMMENT ON COLUMN calendar_versions.changed_by IS 'The administrator; system for one that was shipped.';
COMMENT ON COLUMN calendar_versions.changed_at IS 'From when it counts, on the wall clock.';
COMMENT ON TABLE area_calendars IS 'The calendar by which an area and everything below it works; the nearest one upward counts, without one that of the programme.';
COMMENT ON COLUMN area_calendars.area IS 'The area.';
COMMENT ON COLUMN area_calendars.calendar IS 'Its calendar.';
COMMENT ON TABLE freezes IS 'Times in which no working time runs in an area and everything below it. One that has begun can be ended, not undone.';
COMMENT ON COLUMN freezes.id IS 'Id with the prefix frz.';
COMMENT ON COLUMN freezes.area IS 'The area.';
COMMENT ON COLUMN freezes.programmes IS 'Codes of the programmes that stand still; empty: all.';
COMMENT ON COLUMN freezes.from_at IS 'Its beginning, on the clock of the cases.';
COMMENT ON COLUMN freezes.until_at IS 'Its end, excluded. Equal to the beginning when it was taken back before.';
COMMENT ON COLUMN freezes.reason_code IS 'Why: disaster, epidemic, audit, stop or other.';
COMMENT ON COLUMN freezes.created_by IS 'Who ordered it.';
COMMENT ON COLUMN freezes.created_at IS 'When, on the wall clock.';
COMMENT ON COLUMN freezes.ended_by IS 'Who ended it early; empty when nobody did.';
COMMENT ON COLUMN freezes.ended_at IS 'When it was ended early, on the wall clock.';
COMMENT ON COLUMN freezes.version IS 'Rises with every change: the ETag.';
COMMENT ON COLUMN staff.superior IS 'Whom the clock tells when a task of this person is late; empty: the managers of the area.';
COMMENT ON COLUMN tasks.allowed_us IS 'Working time that the task may take, in microseconds; empty when its deadline is no working time.';
COMMENT ON COLUMN tasks.spent_us IS 'Working time that it had taken at counted_at, that of earlier reviews included. Never falls.';
COMMENT ON COLUMN tasks.counted_at IS 'Up to when spent_us is counted; from there its clock runs. Empty without a working time.';
COMMENT ON COLUMN tasks.calendar IS 'The calendar by which it is counted since then.';
COMMENT ON COLUMN tasks.alarm_kinds IS 'What each of the alarms is: remind, breach, notify_superior, reassign.';
COMMENT ON COLUMN tasks.rung IS 'How many of the alarms have rung.';
COMMENT ON TABLE clocks IS 'The clocks of a case as a whole and of its stages. They stand still while the household, the partner, a register or a fund is awaited.';
COMMENT ON COLUMN clocks.case_id IS 'The case.';
COMMENT ON COLUMN clocks.round IS 'The round of the case.';
COMMENT ON COLUMN clocks.scope IS 'case, or the stage.';
COMMENT ON COLUMN clocks.allowed_us IS 'Working time that it may take, in microseconds.';
COMMENT ON COLUMN clocks.spent_us IS 'Working time that it had taken at counted_at, or when it stopped. Never falls.';
COMMENT ON COLUMN clocks.counted_at IS 'Up to when spent_us is counted; from there it runs. Empty while it stands still.';
COMMENT ON COLUMN clocks.paused IS 'Who is awaited while it stands still; left: the case is not in this stage. Empty while it runs or when it has ended.';
COMMENT ON COLUMN clocks.calendar IS 'The calendar by which it is counted since then.';
COMMENT ON COLUMN clocks.started_at IS 'When it ran for the first time, on the case''s clock.';
COMMENT ON COLUMN clocks.due_at IS 'When its time is over if nobody else is awaited before; empty while it stands still.';
COMMENT ON COLUMN clocks.alarms IS 'Instants to attend to, rising, on the case''s clock.';
COMMENT ON COLUMN clocks.alarm_kinds IS 'What each of them is: remind, breach, notify_superior.';
COMMENT ON COLUMN clocks.rung IS 'How many of them have rung.';
COMMENT ON COLUMN clocks.attend_at IS 'The next one; empty when there is none or the clock stands still.';
COMMENT ON COLUMN clocks.warned_at IS 'When its first alarm rang.';
COMMENT ON COLUMN clocks.breached_at IS 'When its time was over.';
COMMENT ON COLUMN clocks.ended_at IS 'When what it measures was over: the case ended, or was paid.';
COMMENT ON TABLE recounts IS 'Changes of calendars, freezes and areas after which the deadlines of open work are counted anew, in batches.';
COMMENT ON COLUMN recounts.id IS 'Number, in the order of the changes.';
COMMENT ON COLUMN recounts.calendar IS 'The calendar that was changed; empty when none was.';
COMMENT ON COLUMN recounts.areas IS 'Areas in which, and below which, cases are touched besides.';
COMMENT ON COLUMN recounts.programmes IS 'Programmes that are touched; empty: all.';
COMMENT ON COLUMN recounts.after_case IS 'The last case that was counted.';
COMMENT ON COLUMN recounts.cases IS 'How many have been counted.';
COMMENT ON COLUMN recounts.asked_at IS 'When it was changed, on the wall clock.';
COMMENT ON COLUMN recounts.done_at IS 'When the last case was counted.';

-- +goose Down
DROP TABLE recounts, clocks, freezes, area_calendars, calendar_versions;
DROP INDEX tasks_counted;
ALTER TABLE tasks DROP COLUMN allowed_us, DROP COLUMN spent_us, DROP COLUMN counted_at, DROP COLUMN calendar, DROP COLUMN alarm_kinds, DROP COLUMN rung;
ALTER TABLE staff DROP COLUMN superior;
ALTER TABLE calendars DROP COLUMN version, DROP COLUMN changed_at;
REVOKE INSERT, UPDATE ON calendars FROM aidflow_app;
