-- +goose Up
-- The register of households with its yearly reviews, imports, aid of the past
-- and aid that partners gave themselves.

CREATE TABLE imports (
    id          text PRIMARY KEY,
    what        text NOT NULL CHECK (what IN ('register', 'households_total', 'past_aid', 'partner_aid', 'areas')),
    year        integer CHECK (year BETWEEN 1990 AND 2200),
    format      text NOT NULL CHECK (format IN ('csv', 'xlsx')),
    dry_run     boolean NOT NULL,
    follows     text REFERENCES imports,
    file_hash   bytea NOT NULL,
    chunks      integer NOT NULL,
    size        bigint NOT NULL,
    state       text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed')),
    reason      text NOT NULL DEFAULT '',
    rows_total  integer,
    position    integer NOT NULL DEFAULT 0,
    applied     integer NOT NULL DEFAULT 0,
    unchanged   integer NOT NULL DEFAULT 0,
    faulty      integer NOT NULL DEFAULT 0,
    warned      integer NOT NULL DEFAULT 0,
    created_by  text NOT NULL,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz,
    lease_until timestamptz,
    CHECK (position = applied + unchanged + faulty),
    CHECK (dry_run = (follows IS NULL)),
    CHECK ((state IN ('done', 'failed')) = (finished_at IS NOT NULL))
);
CREATE INDEX imports_open ON imports (created_at) WHERE state IN ('waiting', 'running');
CREATE INDEX imports_of ON imports (created_by, created_at DESC, id DESC);

CREATE TABLE import_chunks (
    import_id text NOT NULL,
    n         integer NOT NULL,
    sealed    bytea NOT NULL,
    stored_at timestamptz NOT NULL,
    PRIMARY KEY (import_id, n)
);
CREATE INDEX import_chunks_age ON import_chunks (stored_at);
ALTER TABLE import_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL;

CREATE TABLE import_faults (
    import_id text NOT NULL REFERENCES imports,
    n         bigint GENERATED ALWAYS AS IDENTITY,
    row       integer NOT NULL,
    col       text NOT NULL,
    code      text NOT NULL,
    params    jsonb NOT NULL DEFAULT '{}',
    warning   boolean NOT NULL,
    PRIMARY KEY (import_id, n)
);

-- A member without an id number is a member too: the key is of the number, or
-- of name and birth date.
ALTER TABLE household_members DROP CONSTRAINT household_members_pkey;
ALTER TABLE household_members ALTER COLUMN national_id_hash DROP NOT NULL;
ALTER TABLE household_members
    ADD COLUMN member_key bytea,
    ADD COLUMN head boolean NOT NULL DEFAULT false,
    ADD COLUMN sealed bytea,
    ADD COLUMN last_year integer;
UPDATE household_members SET member_key = national_id_hash;
ALTER TABLE household_members ALTER COLUMN member_key SET NOT NULL;
ALTER TABLE household_members ADD PRIMARY KEY (household_id, member_key);
CREATE INDEX household_members_number ON household_members (household_id, national_id_hash);

ALTER TABLE households ADD COLUMN reviewed_year integer;
CREATE INDEX households_area ON households (area, code);

CREATE TABLE household_reviews (
    household_id    text NOT NULL REFERENCES households,
    year            integer NOT NULL CHECK (year BETWEEN 1990 AND 2200),
    area            text NOT NULL REFERENCES areas,
    urban           boolean NOT NULL,
    classification  text NOT NULL CHECK (classification IN ('poor', 'near_poor', 'other')),
    declared        text CHECK (declared IN ('poor', 'near_poor', 'other')),
    score_a         integer CHECK (score_a >= 0),
    score_b         integer CHECK (score_b >= 0),
    income_per_head bigint CHECK (income_per_head >= 0),
    indicators      integer CHECK (indicators >= 0),
    rules           text NOT NULL,
    judged_by       text NOT NULL CHECK (judged_by IN ('score', 'income', 'declared')),
    import_id       text REFERENCES imports,
    reviewed_at     timestamptz NOT NULL,
    PRIMARY KEY (household_id, year),
    CHECK (judged_by <> 'declared' OR declared = classification)
);
CREATE INDEX household_reviews_rate ON household_reviews (year, area, classification);

CREATE TABLE household_review_members (
    household_id text NOT NULL,
    year         integer NOT NULL,
    member_key   bytea NOT NULL,
    content      bytea NOT NULL,
    import_id    text REFERENCES imports,
    PRIMARY KEY (household_id, year, member_key),
    FOREIGN KEY (household_id, member_key) REFERENCES household_members
);

CREATE TABLE household_totals (
    area       text NOT NULL REFERENCES areas,
    year       integer NOT NULL CHECK (year BETWEEN 1990 AND 2200),
    households integer NOT NULL CHECK (households > 0),
    import_id  text REFERENCES imports,
    PRIMARY KEY (area, year)
);

-- Aid of the past is a closed case that nobody worked on.
ALTER TABLE cases
    ADD COLUMN imported boolean NOT NULL DEFAULT false,
    ADD COLUMN import_source text NOT NULL DEFAULT '',
    ADD CHECK (NOT imported OR (status = 'closed' AND paid_at IS NOT NULL AND amount IS NOT NULL AND workflow_id = ''));

CREATE TABLE partner_aid (
    id               text PRIMARY KEY,
    source           text NOT NULL CHECK (source <> ''),
    reference        text NOT NULL CHECK (reference <> ''),
    programme        text NOT NULL,
    area             text NOT NULL REFERENCES areas,
    given_on         date NOT NULL,
    amount           bigint NOT NULL CHECK (amount > 0),
    currency         char(3) NOT NULL,
    valuation        text NOT NULL CHECK (valuation IN ('cash', 'invoiced', 'estimated')),
    households       integer NOT NULL DEFAULT 1 CHECK (households > 0),
    household_id     text REFERENCES households,
    national_id_hash bytea,
    sealed           bytea NOT NULL,
    content          bytea NOT NULL,
    import_id        text REFERENCES imports,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL,
    CONSTRAINT partner_aid_once UNIQUE (source, reference)
);
CREATE INDEX partner_aid_newest ON partner_aid (area, given_on DESC, id DESC);
CREATE INDEX partner_aid_person ON partner_aid (national_id_hash) WHERE national_id_hash IS NOT NULL;
CREATE INDEX partner_aid_household ON partner_aid (household_id) WHERE household_id IS NOT NULL;

GRANT SELECT, INSERT, DELETE ON import_chunks TO aidflow_app;
GRANT SELECT, INSERT ON imports, import_faults, household_reviews, household_review_members, household_totals, partner_aid TO aidflow_app;
GRANT UPDATE (state, reason, rows_total, position, applied, unchanged, faulty, warned, started_at, finished_at, lease_until)
    ON imports TO aidflow_app;
GRANT UPDATE ON household_reviews TO aidflow_app;
GRANT UPDATE (content, import_id) ON household_review_members TO aidflow_app;
GRANT UPDATE (households, import_id) ON household_totals TO aidflow_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO aidflow_app;

COMMENT ON TABLE imports IS 'Files that were read in: first as a dry run, then in earnest. What is kept of a file is its hash and how each of its rows ended.';
COMMENT ON COLUMN imports.id IS 'imp_ and a UUIDv7.';
COMMENT ON COLUMN imports.what IS 'What the rows are.';
COMMENT ON COLUMN imports.year IS 'The review year of a register or of totals.';
COMMENT ON COLUMN imports.format IS 'csv or xlsx, by content.';
COMMENT ON COLUMN imports.dry_run IS 'A dry run does everything and takes it back.';
COMMENT ON COLUMN imports.follows IS 'The finished dry run of the same file that an import in earnest follows; the file''s chunks are there.';
COMMENT ON COLUMN imports.file_hash IS 'Keyed hash of the file''s SHA-256.';
COMMENT ON COLUMN imports.chunks IS 'How many chunks the file has.';
COMMENT ON COLUMN imports.size IS 'Bytes of the file.';
COMMENT ON COLUMN imports.state IS 'waiting for a worker, running, done, or failed as a whole.';
COMMENT ON COLUMN imports.reason IS 'Code of what failed.';
COMMENT ON COLUMN imports.rows_total IS 'Rows of the file, once known.';
COMMENT ON COLUMN imports.position IS 'Rows that are accounted for; a run that was killed goes on behind them.';
COMMENT ON COLUMN imports.applied IS 'Rows that changed something.';
COMMENT ON COLUMN imports.unchanged IS 'Rows that said what was known.';
COMMENT ON COLUMN imports.faulty IS 'Rows that were refused.';
COMMENT ON COLUMN imports.warned IS 'Rows with a warning, among those that were not refused.';
COMMENT ON COLUMN imports.created_by IS 'Who brought it.';
COMMENT ON COLUMN imports.created_at IS 'When.';
COMMENT ON COLUMN imports.started_at IS 'When a worker first took it.';
COMMENT ON COLUMN imports.finished_at IS 'When it ended.';
COMMENT ON COLUMN imports.lease_until IS 'Until when the worker that has it may be silent.';
COMMENT ON TABLE import_chunks IS 'The content of a file, sealed, until its import has ended.';
COMMENT ON COLUMN import_chunks.import_id IS 'The import that there will be once all of the file has come.';
COMMENT ON COLUMN import_chunks.n IS 'Its place in the file, from 0.';
COMMENT ON COLUMN import_chunks.stored_at IS 'When it came.';
COMMENT ON COLUMN import_chunks.sealed IS 'The bytes, sealed for this place.';
COMMENT ON TABLE import_faults IS 'What was wrong in which row; never the value.';
COMMENT ON COLUMN import_faults.import_id IS 'The import.';
COMMENT ON COLUMN import_faults.n IS 'Order in which they were found.';
COMMENT ON COLUMN import_faults.row IS 'Row of the file as a spreadsheet counts: the header is row 1; 0 for the file as a whole.';
COMMENT ON COLUMN import_faults.col IS 'Name of the column; empty for the row as a whole.';
COMMENT ON COLUMN import_faults.code IS 'What is wrong.';
COMMENT ON COLUMN import_faults.params IS 'Numbers and names of columns for the message.';
COMMENT ON COLUMN import_faults.warning IS 'The row was taken all the same.';
COMMENT ON COLUMN household_members.member_key IS 'Keyed hash of the id number, or of name and birth date of a member without one.';
COMMENT ON COLUMN household_members.head IS 'The head of the household in the newest list.';
COMMENT ON COLUMN household_members.sealed IS 'The member as the newest list has it, sealed; empty for members known by number only.';
COMMENT ON COLUMN household_members.last_year IS 'The newest list that names the member.';
COMMENT ON COLUMN households.reviewed_year IS 'Year of the newest review.';
COMMENT ON TABLE household_reviews IS 'What the yearly review came to for a household, by the means test of that year.';
COMMENT ON COLUMN household_reviews.household_id IS 'The household.';
COMMENT ON COLUMN household_reviews.year IS 'Year of the review.';
COMMENT ON COLUMN household_reviews.area IS 'The area as of then.';
COMMENT ON COLUMN household_reviews.urban IS 'Whether the urban lines held.';
COMMENT ON COLUMN household_reviews.classification IS 'Computed by the means test, or declared where the list gives nothing to compute from.';
COMMENT ON COLUMN household_reviews.declared IS 'What the list itself says.';
COMMENT ON COLUMN household_reviews.score_a IS 'Points of score A, the proxy of income.';
COMMENT ON COLUMN household_reviews.score_b IS 'Points of score B, deprivation.';
COMMENT ON COLUMN household_reviews.income_per_head IS 'A head and month, minor units.';
COMMENT ON COLUMN household_reviews.indicators IS 'Deprived indicators.';
COMMENT ON COLUMN household_reviews.rules IS 'Means test and period that judged, for example vn/2022-01-01; empty when nothing was computed.';
COMMENT ON COLUMN household_reviews.judged_by IS 'score, income, or declared.';
COMMENT ON COLUMN household_reviews.import_id IS 'The import that brought it.';
COMMENT ON COLUMN household_reviews.reviewed_at IS 'When it was recorded.';
COMMENT ON TABLE household_review_members IS 'Who stood in which year''s list, and a hash of what the row said: the same row again changes nothing.';
COMMENT ON COLUMN household_review_members.household_id IS 'The household.';
COMMENT ON COLUMN household_review_members.year IS 'Year of the list.';
COMMENT ON COLUMN household_review_members.member_key IS 'The member.';
COMMENT ON COLUMN household_review_members.content IS 'Keyed hash of the row.';
COMMENT ON COLUMN household_review_members.import_id IS 'The import that brought it.';
COMMENT ON TABLE household_totals IS 'All households of an area in a year: what a poverty rate is divided by.';
COMMENT ON COLUMN household_totals.area IS 'The area as of then.';
COMMENT ON COLUMN household_totals.year IS 'The year.';
COMMENT ON COLUMN household_totals.households IS 'How many.';
COMMENT ON COLUMN household_totals.import_id IS 'The import that brought it.';
COMMENT ON COLUMN cases.imported IS 'Aid of the past: it was given before, and nobody works on it here. Never counted as work.';
COMMENT ON COLUMN cases.import_source IS 'Whose records an imported case comes from.';
COMMENT ON TABLE partner_aid IS 'Aid that units, organisations and persons gave themselves. It is not the fund''s money and not in the ledger. Never changed.';
COMMENT ON COLUMN partner_aid.id IS 'paid_ and a UUIDv7.';
COMMENT ON COLUMN partner_aid.source IS 'The organisation that gave it, or private. No personal data.';
COMMENT ON COLUMN partner_aid.reference IS 'The source''s own number of it; with the source unique.';
COMMENT ON COLUMN partner_aid.programme IS 'The programme that it corresponds to.';
COMMENT ON COLUMN partner_aid.area IS 'The area as of then.';
COMMENT ON COLUMN partner_aid.given_on IS 'When it was given.';
COMMENT ON COLUMN partner_aid.amount IS 'Its worth in minor units.';
COMMENT ON COLUMN partner_aid.currency IS 'Of the amount.';
COMMENT ON COLUMN partner_aid.valuation IS 'Where the amount comes from: cash, an invoice, or an estimate.';
COMMENT ON COLUMN partner_aid.households IS 'How many households it reached; more than one names nobody.';
COMMENT ON COLUMN partner_aid.household_id IS 'The household, where it is named.';
COMMENT ON COLUMN partner_aid.national_id_hash IS 'Keyed hash of the person''s id number.';
COMMENT ON COLUMN partner_aid.sealed IS 'The person, sealed.';
COMMENT ON COLUMN partner_aid.content IS 'Keyed hash of the whole record: the same again changes nothing, another under the same number is refused.';
COMMENT ON COLUMN partner_aid.import_id IS 'The import that brought it.';
COMMENT ON COLUMN partner_aid.created_by IS 'Who recorded it.';
COMMENT ON COLUMN partner_aid.created_at IS 'When.';

-- +goose Down
DROP TABLE partner_aid, household_totals, household_review_members, household_reviews, import_faults, import_chunks;
ALTER TABLE cases DROP COLUMN import_source, DROP COLUMN imported;
ALTER TABLE households DROP COLUMN reviewed_year;
DROP INDEX households_area;
ALTER TABLE household_members DROP CONSTRAINT household_members_pkey;
DELETE FROM household_members WHERE national_id_hash IS NULL;
DROP INDEX household_members_number;
ALTER TABLE household_members DROP COLUMN last_year, DROP COLUMN sealed, DROP COLUMN head, DROP COLUMN member_key;
ALTER TABLE household_members ALTER COLUMN national_id_hash SET NOT NULL;
ALTER TABLE household_members ADD PRIMARY KEY (household_id, national_id_hash);
DROP TABLE imports;
