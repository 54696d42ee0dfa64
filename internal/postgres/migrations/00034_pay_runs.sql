-- +goose Up
-- Payments that travel in files: a fund's own account, pay runs with their
-- lines and files, and what the bank says of them.

ALTER TABLE payments
    ADD COLUMN filed      boolean NOT NULL DEFAULT false,
    ADD COLUMN result_due timestamptz;
COMMENT ON COLUMN payments.filed IS 'Its rail takes files: it waits for a pay run, and no rail can be asked about it.';
COMMENT ON COLUMN payments.result_due IS 'Of one that left in a file: when two persons are asked how it ended, on the case''s clock.';
GRANT UPDATE (result_due) ON payments TO aidflow_app;
CREATE INDEX payments_filed ON payments (fund_id, created_at, id) WHERE filed AND state = 'queued';

ALTER TABLE funds
    ADD COLUMN account_holder text NOT NULL DEFAULT '',
    ADD COLUMN account_bin    text NOT NULL DEFAULT '',
    ADD COLUMN account_number text NOT NULL DEFAULT '',
    ADD COLUMN result_days    integer NOT NULL DEFAULT 5 CHECK (result_days BETWEEN 1 AND 60),
    ADD CONSTRAINT funds_account_whole CHECK ((account_number = '') = (account_holder = '') AND (account_number = '') = (account_bin = ''));
COMMENT ON COLUMN funds.account_holder IS 'Holder of the fund''s own account, from which files pay; empty while it has none.';
COMMENT ON COLUMN funds.account_bin IS 'Bank of the account: six digits.';
COMMENT ON COLUMN funds.account_number IS 'Number of the account: an office''s, nobody''s personal data.';
COMMENT ON COLUMN funds.result_days IS 'Working days after a release in which the bank answers; then two persons are asked.';
GRANT UPDATE (account_holder, account_bin, account_number, result_days) ON funds TO aidflow_app;
GRANT UPDATE (version) ON fund_balances TO aidflow_app;

CREATE TABLE pay_runs (
    id           text PRIMARY KEY,
    fund_id      text NOT NULL REFERENCES funds,
    rail         text NOT NULL,
    currency     char(3) NOT NULL,
    programme    text NOT NULL DEFAULT '',
    area         text NOT NULL DEFAULT '',
    due_until    timestamptz,
    execute_on   date NOT NULL,
    state        text NOT NULL CHECK (state IN ('draft', 'prepared', 'released', 'exported', 'partly_settled', 'closed', 'cancelled')),
    hash         bytea,
    message_id   text NOT NULL UNIQUE,
    settled      integer NOT NULL DEFAULT 0,
    failed       integer NOT NULL DEFAULT 0,
    created_by   text NOT NULL REFERENCES staff,
    created_at   timestamptz NOT NULL,
    prepared_by  text REFERENCES staff,
    prepared_at  timestamptz,
    released_by  text REFERENCES staff,
    released_at  timestamptz,
    exported_at  timestamptz,
    downloads    integer NOT NULL DEFAULT 0,
    ended_at     timestamptz,
    version      integer NOT NULL DEFAULT 1,
    CONSTRAINT pay_runs_two_persons CHECK (released_by <> created_by AND released_by <> prepared_by),
    CONSTRAINT pay_runs_released CHECK ((state IN ('draft', 'prepared') AND released_at IS NULL)
        OR (state IN ('released', 'exported', 'partly_settled', 'closed') AND released_at IS NOT NULL AND hash IS NOT NULL) OR state = 'cancelled')
);
CREATE INDEX pay_runs_newest ON pay_runs (created_at DESC, id DESC);

CREATE TABLE pay_run_lines (
    run_id       text NOT NULL REFERENCES pay_runs,
    n            integer NOT NULL CHECK (n > 0),
    payment_id   text NOT NULL REFERENCES payments,
    case_id      text NOT NULL REFERENCES cases,
    amount       bigint NOT NULL CHECK (amount > 0),
    left_at      timestamptz,
    left_because text NOT NULL DEFAULT '',
    PRIMARY KEY (run_id, n)
);
-- A payment is in one run; whoever wants it in another takes it out first.
CREATE UNIQUE INDEX pay_run_lines_once ON pay_run_lines (payment_id) WHERE left_at IS NULL;

CREATE TABLE pay_run_files (
    run_id  text PRIMARY KEY REFERENCES pay_runs,
    name    text NOT NULL,
    type    text NOT NULL,
    hash    bytea NOT NULL,
    sealed  bytea NOT NULL,
    made_at timestamptz NOT NULL
);

REVOKE ALL ON pay_runs, pay_run_lines, pay_run_files FROM aidflow_app;
GRANT SELECT, INSERT ON pay_runs, pay_run_lines, pay_run_files TO aidflow_app;
GRANT UPDATE (state, hash, settled, failed, prepared_by, prepared_at, released_by, released_at, exported_at, downloads, ended_at, version) ON pay_runs TO aidflow_app;
GRANT UPDATE (left_at, left_because) ON pay_run_lines TO aidflow_app;

-- A run goes the way of its states and no other; what was released stays as it
-- was released, whoever asks.
-- +goose StatementBegin
CREATE FUNCTION pay_run_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> OLD.state AND NOT (OLD.state || ' ' || NEW.state = ANY (ARRAY['draft prepared', 'draft cancelled', 'prepared released',
        'prepared cancelled', 'released exported', 'released cancelled', 'exported partly_settled', 'exported closed', 'partly_settled closed'])) THEN
        RAISE EXCEPTION 'a run does not go this way' USING ERRCODE = '23514', CONSTRAINT = 'pay_runs_way';
    END IF;
    IF OLD.released_at IS NOT NULL AND (NEW.hash, NEW.released_by, NEW.released_at, NEW.prepared_by) IS DISTINCT FROM
                                       (OLD.hash, OLD.released_by, OLD.released_at, OLD.prepared_by) THEN
        RAISE EXCEPTION 'what was released stays' USING ERRCODE = '23514', CONSTRAINT = 'pay_runs_stay';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION pay_run_line_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.left_at IS NOT NULL OR EXISTS (SELECT 1 FROM pay_runs r WHERE r.id = OLD.run_id AND r.released_at IS NOT NULL) THEN
        RAISE EXCEPTION 'what was released stays' USING ERRCODE = '23514', CONSTRAINT = 'pay_runs_stay';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER pay_runs_go BEFORE UPDATE ON pay_runs FOR EACH ROW EXECUTE FUNCTION pay_run_goes();
CREATE TRIGGER pay_run_lines_stay BEFORE UPDATE ON pay_run_lines FOR EACH ROW EXECUTE FUNCTION pay_run_line_stays();

COMMENT ON TABLE pay_runs IS 'Payments of one fund that go to its bank in one file.';
COMMENT ON COLUMN pay_runs.id IS 'Id run_.';
COMMENT ON COLUMN pay_runs.fund_id IS 'The fund, from whose account it pays.';
COMMENT ON COLUMN pay_runs.rail IS 'The rail whose file it becomes.';
COMMENT ON COLUMN pay_runs.currency IS 'ISO 4217, of every line.';
COMMENT ON COLUMN pay_runs.programme IS 'Only payments of this programme were taken; empty for all.';
COMMENT ON COLUMN pay_runs.area IS 'Only payments of this area and below it were taken; empty for all.';
COMMENT ON COLUMN pay_runs.due_until IS 'Only payments due until then were taken; empty for all.';
COMMENT ON COLUMN pay_runs.execute_on IS 'The day on which the bank is to pay.';
COMMENT ON COLUMN pay_runs.state IS 'draft, prepared, released, exported, partly_settled, closed or cancelled.';
COMMENT ON COLUMN pay_runs.hash IS 'SHA-256 of the content as it was prepared last, and released.';
COMMENT ON COLUMN pay_runs.message_id IS 'Id of the message in the file: one for ever.';
COMMENT ON COLUMN pay_runs.settled IS 'Lines that the payee has.';
COMMENT ON COLUMN pay_runs.failed IS 'Lines that failed.';
COMMENT ON COLUMN pay_runs.created_by IS 'The treasurer who made it.';
COMMENT ON COLUMN pay_runs.created_at IS 'When, on the wall clock.';
COMMENT ON COLUMN pay_runs.prepared_by IS 'The treasurer who prepared it last.';
COMMENT ON COLUMN pay_runs.prepared_at IS 'When, on the wall clock.';
COMMENT ON COLUMN pay_runs.released_by IS 'The releaser, another person.';
COMMENT ON COLUMN pay_runs.released_at IS 'When, on the wall clock: its payments were instructed.';
COMMENT ON COLUMN pay_runs.exported_at IS 'When its file was taken first.';
COMMENT ON COLUMN pay_runs.downloads IS 'How often its file was taken.';
COMMENT ON COLUMN pay_runs.ended_at IS 'When it was closed or cancelled.';
COMMENT ON COLUMN pay_runs.version IS 'Rises with every change; the ETag.';
COMMENT ON TABLE pay_run_lines IS 'The payments of a run.';
COMMENT ON COLUMN pay_run_lines.run_id IS 'The run.';
COMMENT ON COLUMN pay_run_lines.n IS 'Place in the run and in its file, from 1.';
COMMENT ON COLUMN pay_run_lines.payment_id IS 'The payment.';
COMMENT ON COLUMN pay_run_lines.case_id IS 'Its case.';
COMMENT ON COLUMN pay_run_lines.amount IS 'In minor units, as bound.';
COMMENT ON COLUMN pay_run_lines.left_at IS 'When it left the run before its release; empty while it is in it.';
COMMENT ON COLUMN pay_run_lines.left_because IS 'Why: the code of the cancel, or run_cancelled.';
COMMENT ON TABLE pay_run_files IS 'The file of a released run. Never changed.';
COMMENT ON COLUMN pay_run_files.run_id IS 'The run.';
COMMENT ON COLUMN pay_run_files.name IS 'File name, without personal data.';
COMMENT ON COLUMN pay_run_files.type IS 'Media type.';
COMMENT ON COLUMN pay_run_files.hash IS 'SHA-256 of its bytes.';
COMMENT ON COLUMN pay_run_files.sealed IS 'Its bytes, encrypted.';
COMMENT ON COLUMN pay_run_files.made_at IS 'When the run was released.';

CREATE TABLE bank_statements (
    id         text PRIMARY KEY,
    fund_id    text NOT NULL REFERENCES funds,
    rail       text NOT NULL,
    format     text NOT NULL DEFAULT '',
    bank_id    text NOT NULL DEFAULT '',
    run_id     text REFERENCES pay_runs,
    file_hash  bytea NOT NULL,
    covers     boolean NOT NULL DEFAULT false,
    from_on    date,
    to_on      date,
    state      text NOT NULL CHECK (state IN ('refused', 'received', 'applied')),
    reason     text NOT NULL DEFAULT '',
    lines      integer NOT NULL DEFAULT 0,
    created_by text NOT NULL REFERENCES staff,
    created_at timestamptz NOT NULL,
    applied_at timestamptz,
    CHECK ((state = 'refused') = (reason <> '')),
    CHECK ((state = 'applied') = (applied_at IS NOT NULL))
);
-- What was believed once is not taken again: neither the same bytes nor the
-- same message.
CREATE UNIQUE INDEX bank_statements_bytes ON bank_statements (file_hash) WHERE state <> 'refused';
CREATE UNIQUE INDEX bank_statements_message ON bank_statements (fund_id, format, bank_id) WHERE state <> 'refused';
CREATE INDEX bank_statements_newest ON bank_statements (created_at DESC, id DESC);
CREATE INDEX bank_statements_open ON bank_statements (created_at, id) WHERE state = 'received';

CREATE TABLE bank_statement_lines (
    statement_id text NOT NULL REFERENCES bank_statements,
    n            integer NOT NULL CHECK (n > 0),
    key          text NOT NULL DEFAULT '',
    said         text NOT NULL CHECK (said IN ('accepted', 'settled', 'refused', 'failed')),
    returned     boolean NOT NULL,
    credit       boolean NOT NULL,
    amount       bigint NOT NULL CHECK (amount >= 0),
    currency     text NOT NULL,
    booked_on    date,
    booking      bytea,
    code         text NOT NULL DEFAULT '',
    sealed       bytea NOT NULL,
    state        text NOT NULL CHECK (state IN ('waiting', 'applied', 'unmatched')),
    because      text NOT NULL DEFAULT '',
    payment_id   text REFERENCES payments,
    PRIMARY KEY (statement_id, n),
    CHECK ((state = 'unmatched') = (because <> ''))
);
CREATE INDEX bank_statement_lines_waiting ON bank_statement_lines (statement_id, n) WHERE state = 'waiting';
CREATE INDEX bank_statement_lines_unmatched ON bank_statement_lines (statement_id, n) WHERE state = 'unmatched';
CREATE INDEX bank_statement_lines_payment ON bank_statement_lines (payment_id);

REVOKE ALL ON bank_statements, bank_statement_lines FROM aidflow_app;
GRANT SELECT, INSERT ON bank_statements, bank_statement_lines TO aidflow_app;
GRANT UPDATE (state, applied_at) ON bank_statements TO aidflow_app;
GRANT UPDATE (state, because, payment_id) ON bank_statement_lines TO aidflow_app;

COMMENT ON TABLE bank_statements IS 'Files of a bank that came in, the refused ones too.';
COMMENT ON COLUMN bank_statements.id IS 'Id sta_.';
COMMENT ON COLUMN bank_statements.fund_id IS 'The fund whose account or run it speaks of.';
COMMENT ON COLUMN bank_statements.rail IS 'The rail that read it.';
COMMENT ON COLUMN bank_statements.format IS 'pain.002, camt.053, camt.054 or csv; empty where it could not be read.';
COMMENT ON COLUMN bank_statements.bank_id IS 'The bank''s id of the message.';
COMMENT ON COLUMN bank_statements.run_id IS 'The run that it answers; empty where it is no answer.';
COMMENT ON COLUMN bank_statements.file_hash IS 'Keyed hash of the bytes.';
COMMENT ON COLUMN bank_statements.covers IS 'Every movement of the account in the period is in it.';
COMMENT ON COLUMN bank_statements.from_on IS 'First day of the period of a full statement.';
COMMENT ON COLUMN bank_statements.to_on IS 'Last day of it.';
COMMENT ON COLUMN bank_statements.state IS 'refused; received: its lines are being applied; applied.';
COMMENT ON COLUMN bank_statements.reason IS 'Why it was refused, as a code.';
COMMENT ON COLUMN bank_statements.lines IS 'Number of lines.';
COMMENT ON COLUMN bank_statements.created_by IS 'Who brought it.';
COMMENT ON COLUMN bank_statements.created_at IS 'When, on the wall clock.';
COMMENT ON COLUMN bank_statements.applied_at IS 'When its last line was applied, on the wall clock.';
COMMENT ON TABLE bank_statement_lines IS 'What the bank said, line by line.';
COMMENT ON COLUMN bank_statement_lines.statement_id IS 'The statement.';
COMMENT ON COLUMN bank_statement_lines.n IS 'Place in the file, from 1.';
COMMENT ON COLUMN bank_statement_lines.key IS 'Key of the payment that the end-to-end id names; empty where it can be none of ours.';
COMMENT ON COLUMN bank_statement_lines.said IS 'accepted, settled, refused or failed.';
COMMENT ON COLUMN bank_statement_lines.returned IS 'Money that had been paid came back.';
COMMENT ON COLUMN bank_statement_lines.credit IS 'Money came in; false: it left.';
COMMENT ON COLUMN bank_statement_lines.amount IS 'In minor units; 0 in an answer that does not repeat it.';
COMMENT ON COLUMN bank_statement_lines.currency IS 'ISO 4217; empty in an answer that does not repeat it.';
COMMENT ON COLUMN bank_statement_lines.booked_on IS 'Day of the booking; empty where nothing was booked.';
COMMENT ON COLUMN bank_statement_lines.booking IS 'Keyed hash of the bank''s own id of the booking: the same movement in another file has the same. Empty where nothing was booked, or the bank gives none.';
COMMENT ON COLUMN bank_statement_lines.code IS 'Reason of the bank.';
COMMENT ON COLUMN bank_statement_lines.sealed IS 'End-to-end id, reference, and name, account and text of the other side, encrypted.';
COMMENT ON COLUMN bank_statement_lines.state IS 'waiting, applied or unmatched.';
COMMENT ON COLUMN bank_statement_lines.because IS 'Why it moved no payment, as a code.';
COMMENT ON COLUMN bank_statement_lines.payment_id IS 'The payment that it speaks of.';

-- +goose Down
DROP TABLE bank_statement_lines, bank_statements, pay_run_files, pay_run_lines, pay_runs;
DROP FUNCTION pay_run_line_stays, pay_run_goes;
REVOKE UPDATE (version) ON fund_balances FROM aidflow_app;
ALTER TABLE funds DROP CONSTRAINT funds_account_whole, DROP COLUMN result_days, DROP COLUMN account_number, DROP COLUMN account_bin, DROP COLUMN account_holder;
DROP INDEX payments_filed;
ALTER TABLE payments DROP COLUMN result_due, DROP COLUMN filed;
