package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	refusal := aid.Refuse(aid.Stale, "stale")
	for name, tc := range map[string]struct {
		err  error
		kind aid.Kind
		code string
	}{
		"nothing":                {nil, "", ""},
		"a refusal passes":       {fmt.Errorf("x: %w", refusal), aid.Stale, "stale"},
		"no rows":                {sql.ErrNoRows, aid.NotFound, "not_found"},
		"cancelled":              {context.Canceled, aid.Unavailable, "cancelled"},
		"too late":               {context.DeadlineExceeded, aid.Unavailable, "cancelled"},
		"lost connection":        {driver.ErrBadConn, aid.Unavailable, "database_away"},
		"no connection":          {&net.OpError{Op: "dial", Err: errors.New("refused")}, aid.Unavailable, "database_away"},
		"deadlock":               {&pq.Error{Code: "40P01"}, aid.Unavailable, "database_busy"},
		"restarting":             {&pq.Error{Code: "57P03"}, aid.Unavailable, "database_busy"},
		"read only":              {&pq.Error{Code: "25006"}, aid.Unavailable, "database_busy"},
		"four eyes":              {&pq.Error{Code: "23505", Constraint: "four_eyes"}, aid.Forbidden, "four_eyes"},
		"a decision twice":       {&pq.Error{Code: "23505", Constraint: "decisions_once"}, aid.Conflict, "already_decided"},
		"beyond the fund":        {&pq.Error{Code: "23514", Constraint: "fund_limit"}, aid.Conflict, "money_short"},
		"a second payment":       {&pq.Error{Code: "23505", Constraint: "payments_one_live"}, aid.Conflict, "payment_exists"},
		"another constraint":     {&pq.Error{Code: "23514", Constraint: "cases_check"}, aid.Invalid, "constraint_violated"},
		"an answer of COMMIT":    {commitFailed(&pq.Error{Code: "23514", Constraint: "ledger_balanced"}), aid.Invalid, "constraint_violated"},
		"COMMIT could not order": {commitFailed(&pq.Error{Code: "40001"}), aid.Unavailable, "database_busy"},
		"COMMIT without answer":  {commitFailed(driver.ErrBadConn), aid.Unknown, "commit_unknown"},
		"COMMIT cut off":         {commitFailed(io.ErrUnexpectedEOF), aid.Unknown, "commit_unknown"},
		"COMMIT too late":        {commitFailed(context.Canceled), aid.Unknown, "commit_unknown"},
		// The server ends: it may have committed before it says so.
		"COMMIT at a shutdown": {commitFailed(&pq.Error{Code: "57P01"}), aid.Unknown, "commit_unknown"},
		"COMMIT at a crash":    {commitFailed(&pq.Error{Code: "57P02"}), aid.Unknown, "commit_unknown"},
	} {
		got := translate(tc.err)
		if (got == nil) != (tc.err == nil) || aid.KindOf(got) != tc.kind || aid.CodeOf(got) != tc.code {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// What PostgreSQL quotes of a row goes nowhere.
func TestErrorsQuoteNothing(t *testing.T) {
	t.Parallel()
	for _, said := range []*pq.Error{{Code: "23505"}, {Code: "40001"}, {Code: "42703"}, {Code: "22P02"}} {
		said.Message, said.Detail, said.Hint, said.Where = "canary", "Key (x)=(canary) exists", "canary", "canary"
		err := translate(said)
		for e := err; e != nil; e = errors.Unwrap(e) {
			if text := e.Error(); strings.Contains(text, "canary") {
				t.Errorf("%s: %s", said.Code, text)
			}
		}
	}
}
