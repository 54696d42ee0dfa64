-- +goose Up
-- The program's role can write facts and never rewrite history: events, the
-- ledger, transitions, contributions and the audit are insert-only.
-- +goose StatementBegin
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aidflow_app') THEN
        CREATE ROLE aidflow_app NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
-- +goose StatementEnd
GRANT SELECT ON ALL TABLES IN SCHEMA public TO aidflow_app;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO aidflow_app;
REVOKE INSERT, UPDATE ON areas, programmes, calendars, goose_db_version FROM aidflow_app;
REVOKE UPDATE ON events, ledger_transactions, ledger_entries, transitions, contributions, audit, case_duties, callbacks FROM aidflow_app;
REVOKE UPDATE ON fund_balances FROM aidflow_app;
GRANT UPDATE (budget) ON fund_balances TO aidflow_app;
GRANT DELETE ON idempotency_keys, outbox, case_words TO aidflow_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO aidflow_app;

-- +goose Down
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM aidflow_app;
