package workflows_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/workflows"
)

// gate is a workflow whose steps tell what the test says; nobody checks
// anything but the workflow itself.
type gate struct {
	env     *testsuite.TestWorkflowEnvironment
	told    aid.Outcome
	applied []string // ids of the decisions that came through
}

// opens starts a workflow whose step opens tells told, and runs script while
// it waits for decisions. Each decision that comes through leaves things as
// they are, until the one with the id "last".
func opens(t *testing.T, fn, in any, opening, deciding string, told aid.Outcome, script func(*gate)) *gate {
	t.Helper()
	var suite testsuite.WorkflowTestSuite
	g := &gate{env: suite.NewTestWorkflowEnvironment(), told: told}
	g.env.SetTestTimeout(time.Minute)
	step := func(name string, do any) {
		g.env.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name})
	}
	step(opening, func(context.Context, any) (aid.Outcome, error) { return g.told, nil })
	step("Attend", func(context.Context, any) (aid.Outcome, error) { return g.told, nil })
	step(deciding, func(_ context.Context, r aid.DecisionRequest) (aid.Outcome, error) {
		g.applied = append(g.applied, r.Decision.ID)
		out := g.told
		if r.Decision.ID == "last" {
			out.Place, out.Tasks = aid.Place{Status: aid.Closed, Stage: aid.Ended}, nil
		}
		return out, nil
	})
	g.env.RegisterDelayedCallback(func() { script(g) }, time.Minute)
	g.env.ExecuteWorkflow(fn, in)
	require.True(t, g.env.IsWorkflowCompleted(), "the last decision did not come through")
	require.NoError(t, g.env.GetWorkflowError())
	return g
}

// send asks the workflow for a decision and keeps the code with which the
// validator refused it: such a refusal leaves no trace in the history.
func (g *gate) send(t *testing.T, d aid.Decision, rejected map[string]string) {
	g.env.UpdateWorkflow(workflows.UpdateDecide, d.ID, &testsuite.TestUpdateCallback{
		OnAccept: func() { rejected[d.ID] = "" },
		OnReject: func(err error) {
			var refusal *temporal.ApplicationError
			require.ErrorAs(t, err, &refusal)
			rejected[d.ID] = refusal.Message()
		},
		OnComplete: func(_ any, err error) { require.NoError(t, err, d.ID) },
	}, d)
}

// The validator of each workflow stops by itself whoever holds another duty,
// is related or has voted, in the own name and in another's: every pair of
// people who are one of it, with every step behind it consenting to anything.
func TestTheValidatorAlone(t *testing.T) {
	t.Parallel()
	for name, w := range map[string]struct {
		fn, in            any
		opening, deciding string
		kind              aid.TaskKind
		duty              string
		place             aid.Place
	}{
		"case": {workflows.SupportRequest, aid.CaseInput{Case: "case_1", Round: 1}, "OpenVerification", "DecideVerification", aid.VerifyDocuments, "verify",
			aid.Place{Status: aid.InReview, Stage: aid.Verification}},
		"disbursement": {workflows.Disbursement, aid.DisbursementInput{Case: "case_1", Award: "awd_1"}, "OpenDisbursement", "ConfirmMilestone", aid.ConfirmMilestone, "verify",
			aid.Place{Status: aid.Paying, Stage: aid.Disbursement}},
		"release": {workflows.Disbursement, aid.DisbursementInput{Case: "case_1", Award: "awd_1"}, "OpenDisbursement", "DecideRelease", aid.ReleasePayment, "release",
			aid.Place{Status: aid.Paying, Stage: aid.Disbursement}},
		"follow-up": {workflows.FollowUp, aid.FollowUpInput{Case: "case_1", Round: 1, Visit: 1, Now: time.Unix(0, 0), WakeAt: &epoch}, "OpenVisit", "CompleteVisit", aid.FollowUpVisit, "follow_up",
			aid.Place{Status: aid.FollowingUp, Stage: aid.FollowUp}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			duties := map[string]string{"verifier": "verify", "approver": "approve:commune", "payer": "pay", "releaser": "release"}
			told := aid.Outcome{Place: w.place, Now: time.Now(), Duties: duties, Barred: []string{"relative"},
				Tasks: []aid.OpenTask{{ID: "task_1", Kind: w.kind, Duty: w.duty, Voters: []string{"voter"}}}}
			may := func(d aid.Decision) []string { // the rule, in other words: what may be said against it
				var against []string
				for _, who := range []string{d.Actor, d.Behalf} {
					held := duties[who]
					mine := held == "" || held == w.duty || (w.duty == "follow_up" && held != "verify")
					switch {
					case who == "relative":
						against = append(against, "conflict_of_interest")
					case !mine:
						against = append(against, "four_eyes")
					case who == "voter" && w.kind != aid.ReleasePayment: // of a release the workflow knows no votes
						against = append(against, "already_decided")
					}
				}
				return against
			}
			people := append(slices.Sorted(maps.Keys(duties)), "relative", "voter", "free", "other")
			asked, rejected := map[string]aid.Decision{}, map[string]string{}
			g := opens(t, w.fn, w.in, w.opening, w.deciding, told, func(g *gate) {
				at := time.Duration(0)
				for _, actor := range people {
					for _, behalf := range append([]string{""}, people...) {
						if behalf == actor {
							continue
						}
						d := aid.Decision{ID: "dec_" + strconv.Itoa(len(asked)), Task: "task_1", Kind: w.kind, Actor: actor, Behalf: behalf, Action: aid.ActionComplete}
						asked[d.ID] = d
						at += time.Second
						g.env.RegisterDelayedCallback(func() { g.send(t, d, rejected) }, at)
					}
				}
				g.env.RegisterDelayedCallback(func() {
					g.send(t, aid.Decision{ID: "last", Task: "task_1", Kind: w.kind, Actor: "free", Action: aid.ActionComplete}, rejected)
				}, at+time.Minute)
			})
			refused := 0
			for id, d := range asked {
				against := may(d)
				if len(against) > 0 {
					refused++
				}
				switch got := rejected[id]; {
				case len(against) == 0 && got != "", len(against) > 0 && !slices.Contains(against, got):
					t.Errorf("%s for %q: refused with %q, may be %v", d.Actor, d.Behalf, got, against)
				case (got == "") != slices.Contains(g.applied, id):
					t.Errorf("%s for %q: refused with %q and applied %v", d.Actor, d.Behalf, got, slices.Contains(g.applied, id))
				}
			}
			require.Greater(t, refused, 20)
			require.Greater(t, len(asked)-refused, 1)
		})
	}
}

var epoch = time.Unix(0, 0)

// A relation that becomes known while a case runs bars from the next look on,
// which the store asks for by a signal.
func TestALookTellsWhoIsBarred(t *testing.T) {
	t.Parallel()
	told := aid.Outcome{Place: aid.Place{Status: aid.InReview, Stage: aid.Verification}, Now: time.Now(),
		Tasks: []aid.OpenTask{{ID: "task_1", Kind: aid.VerifyDocuments, Duty: "verify"}}}
	rejected := map[string]string{}
	ask := func(g *gate, id, actor, behalf string) {
		g.send(t, aid.Decision{ID: id, Task: "task_1", Kind: aid.VerifyDocuments, Actor: actor, Behalf: behalf, Action: aid.ActionComplete}, rejected)
	}
	g := opens(t, workflows.SupportRequest, aid.CaseInput{Case: "case_1", Round: 1}, "OpenVerification", "DecideVerification", told, func(g *gate) {
		ask(g, "before", "anna", "")
		g.env.RegisterDelayedCallback(func() {
			g.told.Barred = []string{"anna"}
			g.env.SignalWorkflow(workflows.SignalLook, nil)
		}, time.Second)
		for i, who := range [][2]string{{"anna", ""}, {"boris", "anna"}, {"boris", ""}} {
			g.env.RegisterDelayedCallback(func() { ask(g, fmt.Sprint("after", i), who[0], who[1]) }, time.Duration(i+2)*time.Second)
		}
		g.env.RegisterDelayedCallback(func() { ask(g, "last", "boris", "") }, time.Minute)
	})
	require.Equal(t, map[string]string{"before": "", "after0": "conflict_of_interest", "after1": "conflict_of_interest", "after2": "", "last": ""}, rejected)
	require.Equal(t, []string{"before", "after2", "last"}, g.applied)
}

// What the workflow does not wait for is refused without a trace.
func TestTheValidatorKnowsItsTasks(t *testing.T) {
	t.Parallel()
	told := aid.Outcome{Place: aid.Place{Status: aid.InReview, Stage: aid.Verification}, Now: time.Now(),
		Tasks: []aid.OpenTask{{ID: "task_1", Kind: aid.VerifyDocuments, Duty: "verify"}}}
	rejected := map[string]string{}
	g := opens(t, workflows.SupportRequest, aid.CaseInput{Case: "case_1", Round: 1}, "OpenVerification", "DecideVerification", told, func(g *gate) {
		g.send(t, aid.Decision{ID: "other task", Task: "task_2", Kind: aid.VerifyDocuments, Actor: "anna", Action: aid.ActionComplete}, rejected)
		g.send(t, aid.Decision{ID: "other kind", Task: "task_1", Kind: aid.Approve, Actor: "anna", Action: aid.ActionApprove}, rejected)
		g.env.RegisterDelayedCallback(func() {
			g.send(t, aid.Decision{ID: "last", Task: "task_1", Kind: aid.VerifyDocuments, Actor: "anna", Action: aid.ActionComplete}, rejected)
		}, time.Minute)
	})
	require.Equal(t, map[string]string{"other task": "task_closed", "other kind": "wrong_task_kind", "last": ""}, rejected)
	require.Equal(t, []string{"last"}, g.applied)
}
