package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// commitError marks an error of COMMIT itself: the transaction may have
// happened or not.
type commitError struct{ cause error }

func (e commitError) Error() string { return "commit: " + e.cause.Error() }
func (e commitError) Unwrap() error { return e.cause }

// commitFailed tells a COMMIT that PostgreSQL refused (a deferred constraint,
// a serialization failure) from one whose answer never came. A server that
// ends (class 57) may have committed before it said so.
func commitFailed(err error) error {
	var pe *pq.Error
	if errors.As(err, &pe) && pe.Code.Class() != "57" {
		return err
	}
	return commitError{err}
}

// retryable tells whether a whole transaction may simply be run again.
func retryable(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}

// refusals names the constraints whose violation is an ordinary answer.
func refusals(constraint string) *aid.Error {
	switch constraint {
	case "four_eyes":
		return aid.Refuse(aid.Forbidden, "four_eyes")
	case "decisions_once", "decisions_once_behalf":
		return aid.Refuse(aid.Conflict, "already_decided")
	case "delegations_no_overlap":
		return aid.Refuse(aid.Conflict, "delegation_overlaps")
	case "delegations_no_chain":
		return aid.Refuse(aid.Conflict, "delegation_chain")
	case "delegations_to_another":
		return aid.Refuse(aid.Invalid, "delegation_to_oneself")
	case "staff_roles_by_another":
		return aid.Refuse(aid.Forbidden, "own_roles")
	case "cases_one_open":
		return aid.Refuse(aid.Conflict, "open_case_exists")
	case "cases_partner_id_external_id_key":
		return aid.Refuse(aid.Conflict, "duplicate_external_id")
	case "contributions_fund_id_external_id_key":
		return aid.Refuse(aid.Conflict, "duplicate_external_id")
	case "funds_code_key":
		return aid.Refuse(aid.Conflict, "duplicate_code")
	case "programmes_second_admin":
		return aid.Refuse(aid.Forbidden, "second_administrator")
	case "programme_drafts_one_open":
		return aid.Refuse(aid.Conflict, "programme_draft_exists")
	case "programmes_pkey", "programmes_never_change":
		return aid.Refuse(aid.Conflict, "programme_version_exists")
	case "cases_keep_version":
		return aid.Refuse(aid.Conflict, "wrong_state")
	case "payments_two_persons":
		return aid.Refuse(aid.Forbidden, "not_approved")
	case "payments_as_approved":
		return aid.Refuse(aid.Forbidden, "not_approved")
	case "decisions_without_conflict":
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	case "payments_without_conflict":
		return aid.Refuse(aid.Conflict, "conflict_unreviewed")
	case "staff_relations_once", "staff_relations_account_once":
		return aid.Refuse(aid.Conflict, "relation_exists")
	case "relations_end_by_others":
		return aid.Refuse(aid.Forbidden, "relation_of_oneself")
	case "case_recusals_once":
		return aid.Refuse(aid.Conflict, "recusal_exists")
	case "payments_after_posting":
		return aid.Refuse(aid.Conflict, "objection_open")
	case "payments_after_conditions":
		return aid.Refuse(aid.Conflict, "condition_open")
	}
	return moneyRefusals(constraint)
}

// moneyRefusals are those of funds, ledger and payments.
func moneyRefusals(constraint string) *aid.Error {
	switch constraint {
	case "fund_limit", "fund_parts_not_negative", "free_limit", "purpose_limit", "fund_advances_not_negative":
		return aid.Refuse(aid.Conflict, "money_short")
	case "budget_limit":
		return aid.Refuse(aid.Conflict, "budget_short")
	case "ledger_transactions_reverts_key":
		return aid.Refuse(aid.Conflict, "reverted_already")
	case "ledger_year_closed":
		return aid.Refuse(aid.Conflict, "year_closed")
	case "payments_within_tranche":
		return aid.Refuse(aid.Conflict, "tranche_paid")
	case "payments_not_held":
		return aid.Refuse(aid.Conflict, "tranche_held")
	case "repayments_once":
		return aid.Refuse(aid.Conflict, "repayment_exists")
	case "payments_returned_by_two":
		return aid.Refuse(aid.Forbidden, "not_approved")
	case "payments_after_change", "award_changes_one_open":
		return aid.Refuse(aid.Conflict, "change_open")
	case "award_changes_between_payments":
		return aid.Refuse(aid.Conflict, "payment_on_its_way")
	case "award_changes_second_person":
		return aid.Refuse(aid.Forbidden, "four_eyes")
	case "payments_account_waits":
		return aid.Refuse(aid.Conflict, "account_waits")
	case "pay_run_lines_once":
		return aid.Refuse(aid.Conflict, "run_changed")
	case "pay_runs_two_persons":
		return aid.Refuse(aid.Forbidden, "four_eyes")
	case "pay_runs_way":
		return aid.Refuse(aid.Conflict, "wrong_run_state")
	case "bank_statements_bytes":
		return aid.Refuse(aid.Conflict, "statement_exists")
	case "bank_statements_message":
		return aid.Refuse(aid.Conflict, "statement_message_reused")
	case "payments_one_live", "payments_one_of_case", "payments_tranche_id_n_key":
		return aid.Refuse(aid.Conflict, "payment_exists")
	case "attempts_one_open", "attempts_key_key":
		return aid.Refuse(aid.Conflict, "attempt_exists")
	}
	return nil
}

// translate turns an error of the driver into an aid.Error: the one door
// between pq and the rest of the program. An aid.Error passes unchanged.
func translate(err error) error {
	var ae *aid.Error
	var pe *pq.Error
	var ce commitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &ae):
		return err
	case errors.As(err, &ce):
		return wrap(aid.Unknown, "commit_unknown", err)
	case errors.As(err, &pe):
		return translatePQ(pe)
	case errors.Is(err, sql.ErrNoRows):
		return aid.Refuse(aid.NotFound, "not_found")
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return wrap(aid.Unavailable, "cancelled", err)
	case lost(err):
		return wrap(aid.Unavailable, "database_away", err)
	}
	return err
}

func translatePQ(pe *pq.Error) error {
	if pe.Code.Class() == "23" {
		if e := refusals(pe.Constraint); e != nil {
			e.Cause = safe(pe)
			return e
		}
		return wrap(aid.Invalid, "constraint_violated", safe(pe))
	}
	switch pe.Code {
	case "40001", "40P01", "57P01", "57P02", "57P03", "25006", "53300", "55P03":
		return wrap(aid.Unavailable, "database_busy", safe(pe))
	}
	return safe(pe)
}

// safe keeps what an operator needs and drops detail, hint and position,
// which may quote values.
func safe(pe *pq.Error) error {
	return errors.New("postgresql " + string(pe.Code) + " " + pe.Constraint + " " + pe.Table + " " + pe.Routine)
}

func lost(err error) bool {
	var ne net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &ne)
}

func wrap(kind aid.Kind, code string, cause error) *aid.Error {
	e := aid.Refuse(kind, code)
	e.Cause = cause
	return e
}
