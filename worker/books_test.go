package worker_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/checker"
	"github.com/aidflow/aidflow/internal/postgres"
)

// number gives the one number of a query.
func (tn *town) number(query string, args ...any) int {
	tn.t.Helper()
	var n int
	require.NoError(tn.t, tn.conn.QueryRow(query, args...).Scan(&n))
	return n
}

// texts gives the one column of a query.
func (tn *town) texts(query string, args ...any) []string {
	tn.t.Helper()
	rows, err := tn.conn.Query(query, args...)
	require.NoError(tn.t, err)
	defer rows.Close()
	all := []string{}
	for rows.Next() {
		var s string
		require.NoError(tn.t, rows.Scan(&s))
		all = append(all, s)
	}
	require.NoError(tn.t, rows.Err())
	return all
}

// row gives where a case stands, read as the partner would.
func (tn *town) row(id string) *postgres.CaseRow {
	tn.t.Helper()
	row, err := tn.db.CaseByID(context.Background(), tn.db.Partner(tn.t, "portal1"), id)
	require.NoError(tn.t, err)
	return row
}

func (tn *town) status(id string) aid.Status { return tn.row(id).Status }

// is gives a condition: the case has this status.
func (tn *town) is(id string, status aid.Status) func() bool {
	return func() bool {
		return tn.number(`SELECT count(*) FROM cases WHERE id = $1 AND status = $2`, id, status) == 1
	}
}

// open gives a condition: a task of this kind is open.
func (tn *town) open(id string, kind aid.TaskKind) func() bool {
	return func() bool {
		return tn.number(`SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = $2 AND closed_at IS NULL`, id, kind) > 0
	}
}

// events counts the events of a kind.
func (tn *town) events(id, kind string) int {
	return tn.number(`SELECT count(*) FROM events WHERE case_id = $1 AND kind = $2`, id, kind)
}

// fund is what a fund's row of balances says.
type fund struct{ budget, raised, available, reserved, transit, spent int }

func (tn *town) fund() fund {
	tn.t.Helper()
	var f fund
	require.NoError(tn.t, tn.conn.QueryRow(`SELECT b.budget, contributions, available, reserved, in_transit, spent
		FROM fund_balances b JOIN funds f ON f.id = b.fund_id WHERE f.code = $1`, tn.fundAt).
		Scan(&f.budget, &f.raised, &f.available, &f.reserved, &f.transit, &f.spent))
	return f
}

// check looks at everything that must hold after every path: the second
// opinion, and the laws of a world in which nothing is under way.
func (tn *town) check() {
	tn.t.Helper()
	report, err := checker.Check(context.Background(), checker.Config{Database: tn.db.OwnerURL, Rail: tn.books, Grace: 100 * 365 * 24 * time.Hour})
	require.NoError(tn.t, err)
	require.Empty(tn.t, report.Findings)
	for _, law := range laws() {
		require.Empty(tn.t, tn.texts(law.broken), law.name)
	}
	tn.checkBank()
}

// law is something that must always hold; broken lists what breaks it.
type law struct{ name, broken string }

// paidOf is what was paid of a tranche t, is on its way, and is promised by its
// live payments.
const paidOf = `LATERAL (SELECT coalesce(sum(amount) FILTER (WHERE state = 'settled'), 0) AS paid,
	coalesce(sum(amount) FILTER (WHERE state IN ('instructed', 'unknown')), 0) AS away, count(*) FILTER (WHERE state IN ('instructed', 'unknown')) AS ways,
	count(*) FILTER (WHERE state IN ('due', 'queued', 'instructed', 'unknown')) AS live,
	coalesce(sum(amount) FILTER (WHERE state IN ('due', 'queued', 'instructed', 'unknown', 'settled')), 0) AS promised
	FROM payments WHERE tranche_id = t.id) p`

func laws() []law {
	return []law{
		{"each book of a fund sums to zero", `
			SELECT fund_id || ' ' || book FROM ledger_entries GROUP BY fund_id, book, currency HAVING sum(amount) <> 0`},
		{"the tranches of an award come to no more than it, and to it with what went back", `
			SELECT a.id FROM awards a JOIN tranches t ON t.award_id = a.id GROUP BY a.id, a.amount
			HAVING sum(t.amount - t.released) > a.amount OR sum(t.amount) < a.amount`},
		{"a tranche is over when all of it is paid or has gone back, and paying when one payment is on its way", `
			SELECT t.id FROM tranches t, ` + paidOf + `
			WHERE (t.state = 'settled') <> (p.paid > 0 AND p.paid + t.released = t.amount)
				OR (t.state = 'skipped') <> (t.released = t.amount)
				OR (t.state = 'paying') <> (p.ways = 1)
				OR p.live > 1 OR p.promised > t.amount - t.released`},
		{"the waits of an ended case sum to its time, and an open case waits for something", `
			SELECT c.id FROM cases c JOIN intervals i ON i.case_id = c.id GROUP BY c.id, c.closed_at, c.created_at
			HAVING CASE WHEN c.closed_at IS NULL THEN count(*) FILTER (WHERE i.to_at IS NULL) <> 1
				ELSE count(*) FILTER (WHERE i.to_at IS NULL) > 0 OR sum(i.to_at - i.from_at) <> c.closed_at - c.created_at END`},
		{"an ended case has no open task, but for money to get back", `
			SELECT t.id || ' ' || t.kind FROM tasks t JOIN cases c ON c.id = t.case_id
			WHERE t.closed_at IS NULL AND c.closed_at IS NOT NULL AND t.kind <> 'recover_money'`},
		{"an ended case is parked nowhere and none of its workflows goes on", `
			SELECT c.id FROM cases c JOIN workflows w ON w.case_id = c.id WHERE c.closed_at IS NOT NULL AND (c.parked OR w.ended_at IS NULL)
				AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.workflow_id = w.id AND t.closed_at IS NULL)`},
		{"an ended case promises no money", `
			SELECT c.id FROM cases c JOIN awards a ON a.case_id = c.id WHERE c.closed_at IS NOT NULL AND a.state NOT IN ('completed', 'cancelled')`},
		{"the events of a case are numbered without a gap and its version never falls", `
			SELECT case_id || ' ' || n FROM (SELECT case_id, n, version, row_number() OVER w AS nth, lag(version) OVER w AS before
				FROM events WINDOW w AS (PARTITION BY case_id ORDER BY n)) x WHERE n <> nth OR version < before`},
		{"nobody holds two duties in a case, and who followed up had not verified", `
			SELECT d.case_id || ' ' || d.actor FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE d.state = 'applied' AND t.duty <> ''
			GROUP BY d.case_id, d.actor HAVING count(DISTINCT t.duty) > 1 AND bool_or(t.duty = 'verify')
				OR count(DISTINCT t.duty) FILTER (WHERE t.duty <> 'follow_up') > 1`},
		{"every decision was applied or refused", `SELECT id FROM decisions WHERE state = 'intent'`},
		{"every signal was sent", `SELECT workflow_id FROM outbox WHERE sent_at IS NULL`},
	}
}

// checkBank compares the bank's books with the ledger: what it has moved is
// what the fund has spent, payment by payment, and what the bank has returned
// since.
func (tn *town) checkBank() {
	tn.t.Helper()
	books, err := tn.bank.Books(context.Background())
	require.NoError(tn.t, err)
	require.True(tn.t, books.Balanced, "the bank's books balance")
	sum, keys := 0, map[string]bool{}
	for _, m := range books.Movements {
		require.False(tn.t, keys[m.Key], "the bank moved %s twice", m.Key)
		keys[m.Key] = true
		sum += int(m.Amount)
		require.Equal(tn.t, 1, tn.number(`SELECT count(*) FROM payments p JOIN attempts a ON a.payment_id = p.id
			WHERE a.key = $1 AND p.amount = $2 AND p.state IN ('settled', 'returned') AND a.state = 'settled'`, m.Key, m.Amount), "payment %s", m.Key)
	}
	require.Equal(tn.t, tn.number(`SELECT count(*) FROM payments WHERE state IN ('settled', 'returned')`), len(keys))
	back := tn.number(`SELECT coalesce(sum(amount), 0) FROM payments WHERE state = 'returned'`)
	require.Equal(tn.t, tn.fund().spent, sum-back, "spent, and moved by the bank")
}

func TestEveryProgrammeToClosedDoor(t *testing.T) {
	for _, tt := range []struct {
		programme string
		payments  int
		visits    int
	}{{"housing_new", 3, 3}, {"medical", 1, 1}, {"schooling", 2, 1}} {
		t.Run(tt.programme, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			request := example(t, tt.programme)
			c := tn.submit(request)
			tn.live(willing)
			require.Equal(t, aid.Closed, tn.status(c))
			require.Equal(t, tt.payments, tn.events(c, "payment.settled"))
			require.Equal(t, tt.visits, tn.events(c, "follow_up.completed"))
			require.Equal(t, int(request.RequestedAmount), tn.fund().spent)
			tn.check()
		})
	}
}
