package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// The shipped programme of production asks the province beside the commune
// only where the visit leaves a doubt; there one rejection is a vote and no
// veto. Above its second row the committee decides, and equal votes reject.
func TestTheWaysOfProduction(t *testing.T) {
	both := `{"seen": {"workers": 2, "land_m2": 1500, "place_ready": true}}`
	doubt := `{"seen": {"workers": 1, "land_m2": 1500, "place_ready": true}}`
	tests := []struct {
		name, seen string
		amount     int64
		turns      []turn
		want       aid.Status
		asked      string
	}{
		{"nothing is doubtful", both, 15_000_000, []turn{at("commune", "approver1", yes)}, aid.Approved, "commune 1 done approved"},
		{"one worker less: two of the province, against one", doubt, 15_000_000, []turn{at("province", "approver2", no), at("commune", "approver1", yes), at("province", "approver3", yes), at("province", "approver5", yes)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"equal votes of the committee", both, 16_100_000, []turn{at("commune", "approver1", yes), at("province", "approver2", no), at("province", "approver4", yes)},
			aid.Rejected, "commune 1 done approved, province 1 done rejected"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			content := example(t, "production")
			content.RequestedAmount = tt.amount
			c := tn.submit(content)
			who := inTurn(t, tt.turns...).but(aid.FieldVisit, func(task postgres.TaskRow, _ time.Duration) *move {
				tn.sendPhotos(task, "verifier1")
				return &move{actor: "verifier1", action: aid.ActionComplete, data: tt.seen}
			})
			tn.liveUntil(who, tn.is(c, tt.want))
			require.Equal(t, tt.asked, strings.Join(tn.asked(c), ", "))
			tn.check()
		})
	}
}
