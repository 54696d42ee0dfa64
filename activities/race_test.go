package activities_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

// Two sides start at the same moment, each with its own connection and without
// the workflow, which would put them in a row: PostgreSQL alone says who was
// first. Whichever order it is, there is one outcome, and the record tells one
// story. Each race is run several times, on a case of its own.

const again = 6

// races runs a race again and again and says how often each order came about.
// It fails when an outcome is none of the given ones.
func races(t *testing.T, outcomes []string, race func(w *world) string) {
	t.Helper()
	w := newWorld(t, func(w *world, name string, call func() string) { call() }, nil)
	seen := map[string]int{}
	for i := range again {
		w.clock.at = time.Date(2026, 3, 2+7*i, 3, 0, 0, 0, time.UTC) // a Monday of its own
		got := race(w)
		require.Contains(t, outcomes, got)
		seen[got]++
	}
	t.Log(seen)
}

// atOnce runs functions at the same moment and gives what they say.
func atOnce(all ...func() string) []string {
	said, start, done := make([]string, len(all)), make(chan struct{}), make(chan int)
	for i, fn := range all {
		go func() { <-start; said[i] = fn(); done <- i }()
	}
	close(start)
	for range all {
		<-done
	}
	return said
}

// makes gives a function that makes a step, and says "done" or why not.
func (w *world) makes(name string, in any) func() string {
	return func() string {
		out := w.transitionOf(name, in)
		if out.Refused != "" {
			return out.Refused
		}
		return "done"
	}
}

// transitionOf calls an activity without keeping what it told.
func (w *world) transitionOf(name string, in any) (out aid.Outcome) {
	var err error
	switch in := in.(type) {
	case aid.ApprovalRequest:
		out, err = w.doing.DecideApproval(context.Background(), in)
	case aid.WithdrawRequest:
		out, err = w.doing.Withdraw(context.Background(), in)
	case aid.OpenRequest:
		out, err = w.doing.Attend(context.Background(), in)
	case aid.DecisionRequest:
		out, err = w.doing.DecideVerification(context.Background(), in)
	}
	if err != nil {
		w.t.Errorf("%s: %v", name, err)
	}
	return out
}

// approving stores an approver's verdict, which DecideApproval makes a fact.
func (w *world) approving(actor string, action aid.Action, next ...aid.Level) aid.ApprovalRequest {
	w.t.Helper()
	i := intent{kind: aid.Approve, actor: actor, action: action}
	if aid.NeedsReason(action) {
		i.reason = "not_eligible"
	}
	recorded := w.ask(i)
	return aid.ApprovalRequest{Step: w.stepOf(recorded), Decision: recorded.Decision, Next: next}
}

// toApproval brings another case to the approval of its first level.
func (w *world) toApproval(programme string) {
	w.t.Helper()
	w.submit(programme, fmt.Sprintf("00510%05d", 100+w.cases))
	w.opens()
	w.verifies("verifier1")
}

// task gives a column of the case's last task of a kind.
func (w *world) task(kind aid.TaskKind, column string) string {
	w.t.Helper()
	return w.text(`SELECT coalesce(`+column+`::text, '') FROM tasks WHERE case_id = $1 AND kind = $2 ORDER BY opened_at DESC, id DESC LIMIT 1`, w.caseID, kind)
}

func (w *world) happened(kind string) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.conn.QueryRow(`SELECT count(*) FROM events WHERE case_id = $1 AND kind = $2`, w.caseID, kind).Scan(&n))
	return n
}

// applied counts the decisions that were made on tasks of a kind.
func (w *world) applied(kind aid.TaskKind) int {
	w.t.Helper()
	var n int
	require.NoError(w.t, w.conn.QueryRow(`SELECT count(*) FROM decisions d JOIN tasks t ON t.id = d.task_id
		WHERE d.case_id = $1 AND t.kind = $2 AND d.state = 'applied'`, w.caseID, kind).Scan(&n))
	return n
}

// as01 counts what was done.
func as01(said string) int { return strings.Count(" "+said+" ", " done ") }

func (w *world) withdrawing() aid.WithdrawRequest {
	return aid.WithdrawRequest{Step: w.step(w.workflow()), Withdrawal: aid.Withdrawal{ID: "wish", Actor: w.partner.Actor(), Reason: "applicant_request"}}
}

// The household withdraws in the moment of an approval, of the last level or
// of one before it: the case is withdrawn, once, and nothing stays reserved or
// open, whether the approval came first or was refused.
func TestAWithdrawalRacesAnApproval(t *testing.T) {
	t.Parallel()
	for _, programme := range []string{"medical", "housing_new"} {
		t.Run(programme, func(t *testing.T) {
			t.Parallel()
			races(t, []string{"done done", "task_closed done"}, func(w *world) string {
				w.toApproval(programme)
				a, b := w.approving("approver1", aid.ActionApprove, w.levels[1:]...), w.withdrawing()
				said := atOnce(w.makes("DecideApproval", a), w.makes("Withdraw", b))
				require.Equal(t, "withdrawn", w.text(`SELECT status FROM cases WHERE id = $1`, w.caseID))
				require.Equal(t, 1, w.happened("case.withdrawn"))
				require.Equal(t, as01(said[0]), w.applied(aid.Approve))
				require.Equal(t, "0", w.text(`SELECT count(*) FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, w.caseID))
				require.Equal(t, "0", w.text(`SELECT sum(reserved + in_transit + spent) FROM fund_balances`))
				require.Equal(t, "0", w.text(`SELECT count(*) FROM awards WHERE case_id = $1 AND state <> 'cancelled'`, w.caseID))
				return strings.Join(said, " ")
			})
		})
	}
}

// Rejected or withdrawn, never both.
func TestAWithdrawalRacesARejection(t *testing.T) {
	t.Parallel()
	races(t, []string{"done wrong_state", "task_closed done"}, func(w *world) string {
		w.toApproval("medical")
		a, b := w.approving("approver1", aid.ActionReject), w.withdrawing()
		said := atOnce(w.makes("DecideApproval", a), w.makes("Withdraw", b))
		require.Equal(t, as01(said[0]), w.happened("case.rejected"))
		require.Equal(t, as01(said[1]), w.happened("case.withdrawn"))
		return strings.Join(said, " ")
	})
}

// rings sets the clock to a while before the first alarm of a sort of the open
// task, and gives its instant.
func (w *world) rings(kind aid.TaskKind, sort string, before time.Duration) time.Time {
	w.t.Helper()
	var at time.Time
	require.NoError(w.t, w.conn.QueryRow(`SELECT alarms[array_position(alarm_kinds, $3)] FROM tasks WHERE case_id = $1 AND kind = $2 AND closed_at IS NULL`,
		w.caseID, kind, sort).Scan(&at))
	w.clock.at = at.UTC().Add(-before)
	return at.UTC()
}

// The task is taken back from who is late in the moment in which that person
// decides: decided, or taken back, never both and never neither.
func TestAnEscalationRacesADecision(t *testing.T) {
	t.Parallel()
	races(t, []string{"done", "stale"}, func(w *world) string {
		w.toApproval("medical")
		at := w.rings(aid.Approve, "reassign", time.Minute)
		_, err := w.store.ClaimTask(t.Context(), w.db.Staff(t, "approver1"), w.task(aid.Approve, "id"), 0)
		require.NoError(t, err)
		a := w.approving("approver1", aid.ActionApprove)
		w.clock.at = at
		said := atOnce(w.makes("DecideApproval", a), w.makes("Attend", aid.OpenRequest{Step: w.step(a.Workflow)}))
		require.Equal(t, "done", said[1])
		require.Equal(t, 1-as01(said[0]), w.happened("task.reassigned"))
		require.Equal(t, as01(said[0]), w.applied(aid.Approve))
		if said[0] == "stale" {
			require.Equal(t, "open", w.task(aid.Approve, "state"))
			require.Empty(t, w.task(aid.Approve, "assignee"))
		}
		return said[0]
	})
}

// A decision at the very deadline counts, whoever is first: the breach neither
// closes nor approves, and the record says late either way. A moment before it
// was in time either way.
func TestADecisionAtTheDeadline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		before time.Duration
		sla    []string
		late   bool
	}{"at it": {0, []string{"breached"}, true}, "a moment before": {time.Microsecond, []string{"on_time", "at_risk"}, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			races(t, []string{"done done"}, func(w *world) string {
				w.toApproval("medical")
				w.rings(aid.Approve, "breach", tt.before)
				id := w.task(aid.Approve, "id")
				a := w.approving("approver1", aid.ActionApprove)
				said := atOnce(w.makes("DecideApproval", a), w.makes("Attend", aid.OpenRequest{Step: w.step(a.Workflow)}))
				require.Equal(t, 1, w.applied(aid.Approve))
				row, err := w.store.Task(t.Context(), w.db.Staff(t, "manager1"), id)
				require.NoError(t, err)
				require.Equal(t, "done approved", row.State+" "+row.Outcome)
				require.Contains(t, tt.sla, row.SLA)
				clock, err := w.store.TaskClock(t.Context(), id)
				require.NoError(t, err)
				require.Equal(t, tt.late, clock.BreachedAt != nil, "the clock of a task that is %s", row.SLA)
				require.Equal(t, tt.late, clock.Accrued >= clock.Allowed)
				require.LessOrEqual(t, w.happened("case.sla_breached"), 1)
				if !tt.late {
					require.Zero(t, w.happened("case.sla_breached"))
				}
				return strings.Join(said, " ")
			})
		})
	}
}

// A claim lapses in the moment in which its holder and somebody else decide:
// one of them has decided, the other is told that the task is closed, and the
// claim has lapsed once.
func TestALapseRacesTwoDecisions(t *testing.T) {
	t.Parallel()
	races(t, []string{"done task_closed", "task_closed done"}, func(w *world) string {
		w.submit("medical", fmt.Sprintf("00510%05d", 100+w.cases))
		w.opens()
		id := w.task(aid.VerifyDocuments, "id")
		row, err := w.store.ClaimTask(t.Context(), w.db.Staff(t, "verifier1"), id, 0)
		require.NoError(t, err)
		w.clock.at = row.ClaimedUntil.UTC()
		var both []func() string
		for _, who := range []string{"verifier1", "verifier2"} {
			d := w.ask(intent{kind: aid.VerifyDocuments, actor: who, action: aid.ActionComplete})
			both = append(both, w.makes("DecideVerification", aid.DecisionRequest{Step: w.stepOf(d), Decision: d.Decision}))
		}
		said := atOnce(append(both, func() string {
			if _, err := w.store.LapseClaims(context.Background()); err != nil {
				return err.Error()
			}
			return "done"
		})...)
		require.Equal(t, "done", said[2])
		require.Equal(t, 1, w.happened("task.claim_lapsed"))
		require.Equal(t, 1, w.applied(aid.VerifyDocuments))
		return strings.Join(said[:2], " ")
	})
}

// Two claims: one has the task, the other is told who has. A claim beside a
// decision of somebody else: claimed or decided, never both.
func TestTwoClaims(t *testing.T) {
	t.Parallel()
	races(t, []string{"done task_claimed", "task_claimed done"}, func(w *world) string {
		w.submit("medical", fmt.Sprintf("00510%05d", 100+w.cases))
		w.opens()
		claim := w.claiming(w.task(aid.VerifyDocuments, "id"))
		said := atOnce(claim("verifier1"), claim("verifier2"))
		require.Equal(t, 1, w.happened("task.claimed"))
		require.Equal(t, []string{"verifier1", "verifier2"}[slices.Index(said, "done")], w.task(aid.VerifyDocuments, "assignee"))

		visit := w.claiming(w.task(aid.FieldVisit, "id"))
		d := w.ask(intent{kind: aid.FieldVisit, actor: "verifier1", action: aid.ActionComplete})
		beside := atOnce(w.makes("DecideVerification", aid.DecisionRequest{Step: w.stepOf(d), Decision: d.Decision}), visit("verifier2"))
		require.Contains(t, []string{"done task_closed", "task_claimed done"}, strings.Join(beside, " "))
		require.Equal(t, as01(beside[0]), w.applied(aid.FieldVisit))
		return strings.Join(said, " ")
	})
}

func (w *world) claiming(task string) func(who string) func() string {
	return func(who string) func() string {
		caller := w.db.Staff(w.t, who)
		return func() string {
			_, err := w.store.ClaimTask(context.Background(), caller, task, 0)
			switch e := aid.CodeOf(err); {
			case err == nil:
				return "done"
			case e != "":
				return e
			default:
				return err.Error()
			}
		}
	}
}
