-- +goose Up
-- Versions of programmes as a fund lives with them: one administrator proposes,
-- another publishes, two recall; and a case changes its version only by a
-- recorded act. Each rule stands here too, whatever the program does.

CREATE TABLE programme_drafts (
    id          text PRIMARY KEY,
    code        text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    source      text NOT NULL,
    definition  text NOT NULL,
    state       text NOT NULL DEFAULT 'proposed' CHECK (state IN ('proposed', 'published', 'withdrawn')),
    proposed_by text NOT NULL REFERENCES staff,
    proposed_at timestamptz NOT NULL,
    decided_by  text REFERENCES staff,
    decided_at  timestamptz,
    CHECK ((state = 'proposed') = (decided_by IS NULL) AND (decided_by IS NULL) = (decided_at IS NULL)),
    CONSTRAINT programmes_second_admin CHECK (state <> 'published' OR decided_by <> proposed_by)
);
CREATE UNIQUE INDEX programme_drafts_one_open ON programme_drafts (code) WHERE state = 'proposed';
CREATE INDEX programme_drafts_code ON programme_drafts (code, version);
GRANT SELECT, INSERT ON programme_drafts TO aidflow_app;
GRANT UPDATE (state, decided_by, decided_at) ON programme_drafts TO aidflow_app;

ALTER TABLE programmes
    ADD COLUMN source   text,
    ADD COLUMN draft_id text UNIQUE REFERENCES programme_drafts;
UPDATE programmes SET source = definition;
ALTER TABLE programmes ALTER COLUMN source SET NOT NULL;
GRANT INSERT (code, version, definition, source, published_at, draft_id), UPDATE (closed_at) ON programmes TO aidflow_app;

CREATE TABLE programme_recalls (
    code    text NOT NULL,
    version integer NOT NULL,
    actor   text NOT NULL REFERENCES staff,
    reason  text NOT NULL CHECK (length(reason) BETWEEN 10 AND 500),
    at      timestamptz NOT NULL,
    PRIMARY KEY (code, version, actor),
    FOREIGN KEY (code, version) REFERENCES programmes
);
GRANT SELECT, INSERT ON programme_recalls TO aidflow_app;

CREATE TABLE case_versions (
    case_id      text NOT NULL REFERENCES cases,
    round        integer NOT NULL,
    review       integer NOT NULL,
    from_version integer NOT NULL,
    version      integer NOT NULL,
    actor        text NOT NULL REFERENCES staff,
    reason_code  text NOT NULL CHECK (reason_code IN ('better_for_household', 'asked_by_household', 'error_in_rules', 'law_changed')),
    moved_at     timestamptz NOT NULL,
    PRIMARY KEY (case_id, round, version),
    CHECK (version > from_version)
);
GRANT SELECT, INSERT ON case_versions TO aidflow_app;

-- +goose StatementBegin
CREATE FUNCTION is_administrator(who text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM staff_roles r JOIN staff s USING (subject) WHERE r.subject = who AND r.role = 'admin' AND s.disabled_at IS NULL)
$$;

-- A draft is proposed by an administrator and decided by one, once.
CREATE FUNCTION programme_draft_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' AND (NEW.state <> 'proposed' OR NOT is_administrator(NEW.proposed_by))
       OR TG_OP = 'UPDATE' AND (OLD.state <> 'proposed' OR NEW.state = 'proposed' OR NOT is_administrator(NEW.decided_by)) THEN
        RAISE EXCEPTION 'an administrator proposes, an administrator decides, once' USING ERRCODE = '23514', CONSTRAINT = 'programme_drafts_decided';
    END IF;
    RETURN NEW;
END $$;

-- A version comes from the owner of the tables (a deployment), or from a draft
-- that a second administrator has published, word by word.
CREATE FUNCTION programme_begins() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.source := coalesce(NEW.source, NEW.definition);
    IF NEW.draft_id IS NULL AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'MEMBER')
       OR EXISTS (SELECT 1 FROM programme_drafts d WHERE d.id = NEW.draft_id AND d.state = 'published' AND d.decided_by <> d.proposed_by
                  AND d.code = NEW.code AND d.version = NEW.version AND d.definition = NEW.definition AND d.source = NEW.source) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'two administrators publish' USING ERRCODE = '23514', CONSTRAINT = 'programmes_second_admin';
END $$;

-- A version never changes, and two administrators recall it for good.
CREATE FUNCTION programme_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NULL AND NEW.closed_at IS NOT NULL
       AND (NEW.code, NEW.version, NEW.definition, NEW.source, NEW.published_at, NEW.draft_id)
           IS NOT DISTINCT FROM (OLD.code, OLD.version, OLD.definition, OLD.source, OLD.published_at, OLD.draft_id)
       AND (SELECT count(*) > 1 FROM programme_recalls r WHERE r.code = OLD.code AND r.version = OLD.version) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published version never changes' USING ERRCODE = '23514', CONSTRAINT = 'programmes_never_change';
END $$;

CREATE FUNCTION programme_recalled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT is_administrator(NEW.actor) THEN
        RAISE EXCEPTION 'administrators recall' USING ERRCODE = '23514', CONSTRAINT = 'programme_drafts_decided';
    END IF;
    RETURN NEW;
END $$;

-- A case that was submitted keeps its version. Only a returned one moves, to a
-- newer version of its programme, by an act that is written down.
CREATE FUNCTION case_keeps_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'draft' OR (OLD.status = 'action_needed' AND NEW.programme = OLD.programme AND EXISTS (
        SELECT 1 FROM case_versions v WHERE v.case_id = OLD.id AND v.round = OLD.round
          AND v.from_version = OLD.programme_version AND v.version = NEW.programme_version)) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a case keeps its version' USING ERRCODE = '23514', CONSTRAINT = 'cases_keep_version';
END $$;
-- +goose StatementEnd
CREATE TRIGGER programme_drafts_decided BEFORE INSERT OR UPDATE ON programme_drafts FOR EACH ROW EXECUTE FUNCTION programme_draft_decided();
CREATE TRIGGER programmes_begin BEFORE INSERT ON programmes FOR EACH ROW EXECUTE FUNCTION programme_begins();
CREATE TRIGGER programmes_stay BEFORE UPDATE OR DELETE ON programmes FOR EACH ROW EXECUTE FUNCTION programme_stays();
CREATE TRIGGER programme_recalls_by BEFORE INSERT ON programme_recalls FOR EACH ROW EXECUTE FUNCTION programme_recalled();
CREATE TRIGGER cases_keep_version BEFORE UPDATE OF programme, programme_version ON cases FOR EACH ROW
    WHEN ((NEW.programme, NEW.programme_version) IS DISTINCT FROM (OLD.programme, OLD.programme_version)) EXECUTE FUNCTION case_keeps_version();

COMMENT ON COLUMN programmes.source IS 'The text as it was sent and reviewed, with its comments; the definition where a deployment sent none.';
COMMENT ON COLUMN programmes.draft_id IS 'The draft that two administrators made a version; none when a deployment brought it.';
COMMENT ON COLUMN programmes.closed_at IS 'Since when it is recalled: no new case is pinned to it. None while it is not.';
COMMENT ON TABLE programme_drafts IS 'Versions of programmes that an administrator has proposed, and what became of them.';
COMMENT ON COLUMN programme_drafts.id IS 'Id.';
COMMENT ON COLUMN programme_drafts.code IS 'The programme.';
COMMENT ON COLUMN programme_drafts.version IS 'The version that it is to become.';
COMMENT ON COLUMN programme_drafts.source IS 'The text as it was sent, with its comments: what the second administrator reviews.';
COMMENT ON COLUMN programme_drafts.definition IS 'What the text means, as JSON.';
COMMENT ON COLUMN programme_drafts.state IS 'proposed, published or withdrawn.';
COMMENT ON COLUMN programme_drafts.proposed_by IS 'The administrator who proposed it.';
COMMENT ON COLUMN programme_drafts.proposed_at IS 'When, on the wall clock.';
COMMENT ON COLUMN programme_drafts.decided_by IS 'Who published it, another administrator, or who withdrew it.';
COMMENT ON COLUMN programme_drafts.decided_at IS 'When, on the wall clock.';
COMMENT ON TABLE programme_recalls IS 'Wishes of administrators to recall a version; the second one recalls it. Never changed.';
COMMENT ON COLUMN programme_recalls.code IS 'The programme.';
COMMENT ON COLUMN programme_recalls.version IS 'The version.';
COMMENT ON COLUMN programme_recalls.actor IS 'The administrator.';
COMMENT ON COLUMN programme_recalls.reason IS 'Why, in words that name nobody.';
COMMENT ON COLUMN programme_recalls.at IS 'When, on the wall clock.';
COMMENT ON TABLE case_versions IS 'Moves of returned cases to newer versions of their programmes. Approvals of reviews up to the move count no more. Never changed.';
COMMENT ON COLUMN case_versions.case_id IS 'The case.';
COMMENT ON COLUMN case_versions.round IS 'Its round.';
COMMENT ON COLUMN case_versions.review IS 'The last review under the old version.';
COMMENT ON COLUMN case_versions.from_version IS 'The old version.';
COMMENT ON COLUMN case_versions.version IS 'The new version.';
COMMENT ON COLUMN case_versions.actor IS 'The manager who moved it.';
COMMENT ON COLUMN case_versions.reason_code IS 'Why.';
COMMENT ON COLUMN case_versions.moved_at IS 'When, on the case''s clock.';

-- +goose Down
DROP TRIGGER cases_keep_version ON cases;
DROP TRIGGER programmes_stay ON programmes;
DROP TRIGGER programmes_begin ON programmes;
REVOKE INSERT, UPDATE ON programmes FROM aidflow_app;
REVOKE INSERT (code, version, definition, source, published_at, draft_id), UPDATE (closed_at) ON programmes FROM aidflow_app;
DROP TABLE case_versions, programme_recalls;
ALTER TABLE programmes DROP COLUMN draft_id, DROP COLUMN source;
DROP TABLE programme_drafts;
DROP FUNCTION case_keeps_version, programme_recalled, programme_stays, programme_begins, programme_draft_decided, is_administrator;
