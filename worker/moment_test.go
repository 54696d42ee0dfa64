package worker_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

// Two updates come to one workflow in the same moment, before it has answered
// either, in both orders: one outcome each. What PostgreSQL makes of two steps
// at once is tried in activities.
func TestTwoUpdatesInOneMoment(t *testing.T) {
	const withdraws, approves, rejects = "withdraw", "approve", "reject"
	for name, tt := range map[string]struct {
		programme string
		level     string
		moves     []string
		codes     string // of the two, in their order; "-" for none
		status    aid.Status
	}{
		"approved at the last level, then withdrawn": {"medical", "commune", []string{approves, withdraws}, "- -", aid.Withdrawn},
		"withdrawn, then approved at the last level": {"medical", "commune", []string{withdraws, approves}, "- task_closed", aid.Withdrawn},
		"approved at the first level, withdrawn":     {"housing_new", "commune", []string{approves, withdraws}, "- -", aid.Withdrawn},
		"withdrawn, approved at the first level":     {"housing_new", "commune", []string{withdraws, approves}, "- task_closed", aid.Withdrawn},
		"rejected, then withdrawn":                   {"medical", "commune", []string{rejects, withdraws}, "- wrong_state", aid.Rejected},
		"withdrawn, then rejected":                   {"medical", "commune", []string{withdraws, rejects}, "- task_closed", aid.Withdrawn},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, tt.programme))
			tn.liveUntil(people(willing).never(aid.Approve), tn.open(c, aid.Approve))
			rows, err := tn.db.Tasks(t.Context(), tn.manager, postgres.TaskFilter{Case: c}, postgres.Page{Limit: 10})
			require.NoError(t, err)
			var sent []*answer
			in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: rows[0].ID, Actor: "approver1", TaskVersion: rows[0].Version, Action: aid.Action(tt.moves[0])}
			if tt.moves[0] == withdraws {
				in.Action = aid.Action(tt.moves[1])
			}
			if in.Action == aid.ActionReject {
				in.Reason = "not_eligible"
			}
			asked, err := tn.db.RecordIntent(t.Context(), in)
			require.NoError(t, err)
			wish := tn.wish(c)
			for _, m := range tt.moves {
				if m == withdraws {
					sent = append(sent, tn.update(wish.Workflow, workflows.UpdateWithdraw, wish.Withdrawal.ID, wish.Withdrawal))
				} else {
					sent = append(sent, tn.update(asked.Workflow, workflows.UpdateDecide, asked.Decision.ID, asked.Decision))
				}
			}
			tn.live(people(willing).never(aid.Approve))
			var codes []string
			for _, a := range sent {
				require.True(t, a.done)
				codes = append(codes, orDash(a.code()))
			}
			require.Equal(t, tt.codes, strings.Join(codes, " "))
			require.Equal(t, tt.status, tn.status(c))
			require.Equal(t, 1, tn.events(c, "case.withdrawn")+tn.events(c, "case.rejected"))
			require.Zero(t, tn.openTasks())
			require.Equal(t, untouched(), tn.fund()) // not tn.check: this environment's clock stands still between the two, the database's does not
		})
	}
}

func orDash(code string) string {
	if code == "" {
		return "-"
	}
	return code
}
