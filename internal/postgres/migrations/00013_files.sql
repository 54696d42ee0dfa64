-- +goose Up
-- Files that are sent: papers, photos of visits, evidence. The bytes are
-- sealed in pieces, here or in a bucket; nothing is served that was not found
-- clean.

CREATE TABLE document_files (
    id          text PRIMARY KEY,
    document_id text UNIQUE,
    case_id     text REFERENCES cases,
    kind        text NOT NULL DEFAULT '',
    task_id     text REFERENCES tasks,
    milestone   text NOT NULL DEFAULT '',
    dated       date,
    visited_on  date,
    uploader    text NOT NULL,
    state       text NOT NULL CHECK (state IN ('receiving', 'quarantine', 'clean', 'infected', 'refused')),
    reason      text NOT NULL DEFAULT '',
    sent_type   text NOT NULL DEFAULT '',
    sent_size   bigint NOT NULL DEFAULT 0,
    sent_hash   bytea,
    sent_chunks integer NOT NULL DEFAULT 0,
    type        text NOT NULL DEFAULT '',
    size        bigint NOT NULL DEFAULT 0,
    hash        bytea,
    chunks      integer NOT NULL DEFAULT 0,
    part        text NOT NULL DEFAULT 'sent' CHECK (part IN ('sent', 'kept')),
    bucket      boolean NOT NULL,
    leftovers   boolean NOT NULL DEFAULT false,
    sealed      bytea,
    flags       text[] NOT NULL DEFAULT '{}',
    received_at timestamptz NOT NULL,
    added_at    timestamptz,
    looked_at   timestamptz,
    look_at     timestamptz,
    looks       integer NOT NULL DEFAULT 0,
    CHECK ((state = 'receiving') = (document_id IS NULL) AND (document_id IS NULL) = (case_id IS NULL)
           AND (document_id IS NULL) = (added_at IS NULL)),
    CHECK (state = 'receiving' OR (kind <> '' AND octet_length(sent_hash) = 32 AND sent_size > 0 AND sealed IS NOT NULL)),
    CHECK ((state = 'clean') = (hash IS NOT NULL) AND (state <> 'clean' OR (octet_length(hash) = 32 AND chunks > 0 AND size > 0))),
    CHECK ((state IN ('infected', 'refused')) <= (reason <> '')),
    CHECK ((state = 'quarantine') = (look_at IS NOT NULL))
);
CREATE INDEX document_files_case ON document_files (case_id, added_at, id) WHERE case_id IS NOT NULL;
CREATE INDEX document_files_task ON document_files (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX document_files_unfinished ON document_files (received_at) WHERE state = 'receiving';
CREATE INDEX document_files_look ON document_files (look_at) WHERE state = 'quarantine';
CREATE INDEX document_files_leftovers ON document_files (id) WHERE leftovers;

CREATE TABLE file_chunks (
    file_id text NOT NULL REFERENCES document_files,
    part    text NOT NULL CHECK (part IN ('sent', 'kept')),
    n       integer NOT NULL CHECK (n >= 0),
    sealed  bytea NOT NULL,
    PRIMARY KEY (file_id, part, n)
);
ALTER TABLE file_chunks ALTER COLUMN sealed SET STORAGE EXTERNAL; -- what is encrypted does not get smaller

-- Only what nobody was told of may vanish, and what a document is never
-- changes: not whose it is, nor its bytes once they were found clean.
-- +goose StatementBegin
CREATE FUNCTION document_file_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'receiving' THEN
        RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' OR (NEW.document_id, NEW.case_id, NEW.kind, NEW.milestone, NEW.uploader, NEW.sent_hash, NEW.sent_size, NEW.added_at)
           IS DISTINCT FROM (OLD.document_id, OLD.case_id, OLD.kind, OLD.milestone, OLD.uploader, OLD.sent_hash, OLD.sent_size, OLD.added_at)
       OR NEW.task_id IS DISTINCT FROM OLD.task_id
       OR (OLD.state <> 'quarantine' AND (NEW.state, NEW.type, NEW.size, NEW.hash, NEW.chunks, NEW.part)
           IS DISTINCT FROM (OLD.state, OLD.type, OLD.size, OLD.hash, OLD.chunks, OLD.part)) THEN
        RAISE EXCEPTION 'a document stays what it is' USING ERRCODE = '23514', CONSTRAINT = 'document_file_stays';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER document_files_stay BEFORE UPDATE OR DELETE ON document_files
    FOR EACH ROW EXECUTE FUNCTION document_file_stays();

-- What a verifier may look at stays as long as its file is clean.
-- +goose StatementBegin
CREATE FUNCTION served_chunk_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM document_files f WHERE f.id = OLD.file_id AND f.state = 'clean' AND f.part = OLD.part) THEN
        RAISE EXCEPTION 'a clean file keeps its bytes' USING ERRCODE = '23514', CONSTRAINT = 'served_chunk_stays';
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER file_chunks_stay BEFORE DELETE ON file_chunks
    FOR EACH ROW EXECUTE FUNCTION served_chunk_stays();

GRANT SELECT, INSERT, DELETE ON document_files, file_chunks TO aidflow_app;
GRANT UPDATE (document_id, case_id, kind, task_id, milestone, dated, visited_on, state, reason, sent_type, sent_size, sent_hash, sent_chunks,
    type, size, hash, chunks, part, leftovers, sealed, flags, added_at, looked_at, look_at, looks) ON document_files TO aidflow_app;

COMMENT ON TABLE document_files IS 'A file that was sent. Its bytes are in file_chunks, or in the bucket under its id.';
COMMENT ON COLUMN document_files.id IS 'Id file_, by which the bytes are stored; nobody outside hears it.';
COMMENT ON COLUMN document_files.document_id IS 'Id doc_; that of the row in case_documents when it is a paper of the checklist. Empty while it is received.';
COMMENT ON COLUMN document_files.case_id IS 'The case; empty while it is received.';
COMMENT ON COLUMN document_files.kind IS 'Kind of document in the programme''s words, visit_photo or evidence.';
COMMENT ON COLUMN document_files.task_id IS 'The task that it is evidence for, if any.';
COMMENT ON COLUMN document_files.milestone IS 'Code of the milestone that it is evidence for, if any.';
COMMENT ON COLUMN document_files.dated IS 'Date on the paper, as the sender says.';
COMMENT ON COLUMN document_files.visited_on IS 'Day of the visit that a photo shows, local date; that of the upload when the sender does not say.';
COMMENT ON COLUMN document_files.uploader IS 'Who sent it: a partner or a member of staff.';
COMMENT ON COLUMN document_files.state IS 'receiving, quarantine (complete, not yet found clean), clean, infected or refused; the last two have no bytes.';
COMMENT ON COLUMN document_files.reason IS 'Code: why it is not clean, or why it still waits.';
COMMENT ON COLUMN document_files.sent_type IS 'Media type of what was sent, by its content.';
COMMENT ON COLUMN document_files.sent_size IS 'Bytes that were sent.';
COMMENT ON COLUMN document_files.sent_hash IS 'SHA-256 of what was sent.';
COMMENT ON COLUMN document_files.sent_chunks IS 'Pieces of what was sent.';
COMMENT ON COLUMN document_files.type IS 'Media type of what is kept.';
COMMENT ON COLUMN document_files.size IS 'Bytes that are kept.';
COMMENT ON COLUMN document_files.hash IS 'SHA-256 of what is kept.';
COMMENT ON COLUMN document_files.chunks IS 'Pieces of what is kept.';
COMMENT ON COLUMN document_files.part IS 'What is kept: sent (as it came) or kept (encoded anew).';
COMMENT ON COLUMN document_files.bucket IS 'Whether the pieces are in the bucket, not in file_chunks.';
COMMENT ON COLUMN document_files.leftovers IS 'Whether pieces that nobody needs may still be there.';
COMMENT ON COLUMN document_files.sealed IS 'Name of the file, and when and where an image says it was taken, encrypted.';
COMMENT ON COLUMN document_files.flags IS 'What is odd about a photo: codes.';
COMMENT ON COLUMN document_files.received_at IS 'When it began to come, on the wall clock.';
COMMENT ON COLUMN document_files.added_at IS 'When it was complete, on the case''s clock.';
COMMENT ON COLUMN document_files.looked_at IS 'When it was found clean, infected or to be refused, on the wall clock.';
COMMENT ON COLUMN document_files.look_at IS 'When to look at it next, on the wall clock; until then somebody may be looking.';
COMMENT ON COLUMN document_files.looks IS 'How often somebody has begun to look at it.';
COMMENT ON TABLE file_chunks IS 'Pieces of files, each sealed with its place: file, part, number and whether it is the last.';
COMMENT ON COLUMN file_chunks.file_id IS 'The file.';
COMMENT ON COLUMN file_chunks.part IS 'sent, or kept: encoded anew.';
COMMENT ON COLUMN file_chunks.n IS 'Number of the piece, from 0.';
COMMENT ON COLUMN file_chunks.sealed IS 'The bytes, encrypted.';

-- +goose Down
DROP TABLE file_chunks, document_files;
DROP FUNCTION document_file_stays, served_chunk_stays;
