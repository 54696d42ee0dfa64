-- +goose Up
-- The role of the independent checker: it reads what is not personal, and
-- changes nothing.
-- +goose StatementBegin
DO $$ BEGIN
    IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'aidflow_check') THEN
        CREATE ROLE aidflow_check NOLOGIN;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
-- +goose StatementEnd
GRANT SELECT ON funds, fund_balances, fund_purposes, fund_budgets, ledger_transactions, ledger_entries, awards, tranches, payments, attempts, tasks, case_duties,
    intervals, workflows, outbox, withdrawals, conflicts, case_holders, conflicted_decisions TO aidflow_check;
GRANT SELECT (id, fund_id, external_id, amount, currency, received_on) ON contributions TO aidflow_check;
GRANT SELECT (id, kind, method, account_hash) ON payee_accounts TO aidflow_check;
GRANT SELECT (id, task_id, case_id, actor, behalf, action, amount, bound_hash, state, asked_at, decided_at) ON decisions TO aidflow_check;
GRANT SELECT (id, reference, programme, area, status, stage, round, review, parked, imported, fund_id, workflow_id, version, created_at, updated_at) ON cases TO aidflow_check;

-- +goose Down
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM aidflow_check;
