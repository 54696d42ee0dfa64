package worker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
	"github.com/aidflow/aidflow/internal/postgres"
)

// reform changes areas as an administrator does, from a day of the town's
// clock on: FROM in the rows is that day.
func (tn *town) reform(rows ...string) postgres.AreaMoves {
	tn.t.Helper()
	day := tn.now.UTC().Format(time.DateOnly)
	list, err := area.ReadCSV(strings.NewReader("code,name,level,parent,valid_from,valid_to,urban,predecessors\n" + strings.ReplaceAll(strings.Join(rows, "\n"), "FROM", day) + "\n"))
	require.NoError(tn.t, err)
	report, err := tn.db.ImportAreas(context.Background(), list, postgres.AreaChange{Actor: "admin1"})
	require.NoError(tn.t, err)
	tn.manager = tn.db.Staff(tn.t, "manager1") // he sees the new ones too
	return report.Moved
}

var (
	merged = []string{"51002,Nghĩa Lộ,commune,51,1900-01-01,FROM,,", "51001,Cẩm Thành,commune,51,1900-01-01,FROM,,", "51001,Cẩm Thành,commune,51,FROM,,,51002"}
	halved = []string{"51002,Nghĩa Lộ,commune,51,1900-01-01,FROM,,", "51021,Nghĩa Lộ Đông,commune,51,FROM,,,51002", "51022,Nghĩa Lộ Tây,commune,51,FROM,,,51002"}
)

// communes takes verifying and the approvals of communes from the province and
// gives them to people of single communes: verify_CODE, visit_CODE, approve_CODE.
func (tn *town) communes(codes ...string) {
	tn.t.Helper()
	tn.change(`DELETE FROM staff_roles WHERE role = 'verifier' OR level = 'commune'`)
	for _, code := range codes {
		for _, who := range []struct{ name, role, level string }{{"verify_", "verifier", ""}, {"visit_", "verifier", ""}, {"approve_", "approver", "commune"}} {
			tn.change(`INSERT INTO staff (subject, name, created_at) VALUES ($1, $1, now())`, who.name+code)
			tn.change(`INSERT INTO staff_roles (subject, role, area, level) VALUES ($1, $2, $3, $4)`, who.name+code, who.role, code, who.level)
		}
	}
}

// neighbours are willing people, each in the commune in which the task is.
func neighbours(t postgres.TaskRow, waited time.Duration) *move {
	m := willing(t, waited)
	switch {
	case m == nil:
	case t.Kind == aid.FollowUpVisit:
		m.actor = "visit_" + t.Area
	case m.actor == "verifier1":
		m.actor = "verify_" + t.Area
	case t.Level == "commune":
		m.actor = "approve_" + t.Area
	case t.Level == "province":
		m.actor = "approver2"
		if t.Version > 1 && t.State == "open" && t.Outcome == "" {
			m.actor = "approver4"
		}
	}
	return m
}

// A commune merges while one of its cases is verified, another is approved,
// and another is paid: the people of the new commune decide what is open, what
// was decided stands, and all are paid.
func TestACommuneMergesInTheMiddle(t *testing.T) {
	tests := []struct {
		name  string
		until func(tn *town, c string) func() bool // when it merges
		left  []string                             // open tasks then
	}{
		{"verification", func(tn *town, c string) func() bool {
			return func() bool { return slices.Contains(tn.leftOf(c), "field_visit 51002") }
		}, []string{"field_visit 51002"}},
		{"approval", func(tn *town, c string) func() bool {
			return func() bool { return slices.Contains(tn.leftOf(c), "approve 51002") }
		}, []string{"approve 51002"}},
		{"payment", func(tn *town, c string) func() bool {
			return func() bool { return slices.Contains(tn.leftOf(c), "prepare_payment 51002") }
		}, []string{"prepare_payment 51002"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			tn.communes("51001", "51002")
			content := example(t, "medical")
			content.Area = "51002"
			c := tn.submit(content)
			// The old commune does half of the verification, and then all but what is left.
			kind, _, _ := strings.Cut(tt.left[0], " ")
			tn.liveUntil(people(neighbours).never(aid.TaskKind(kind)), func() bool { return slices.Equal(tn.leftOf(c), tt.left) })
			before := tn.holders(c)
			hashes := tn.texts(`SELECT encode(bound_hash, 'hex') FROM decisions WHERE case_id = $1 AND state = 'applied' ORDER BY id`, c)
			ids := tn.texts(`SELECT id FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, c)
			tn.change(`DELETE FROM staff_roles WHERE area = '51002' AND subject <> 'approve_51002'`) // the new commune takes one of them over

			moved := tn.reform(merged...)
			require.Equal(t, [3]int{1, 1, 1}, [3]int{moved.Cases, moved.Tasks, moved.Roles})
			require.Equal(t, []string{strings.ReplaceAll(tt.left[0], "51002", "51001")}, tn.leftOf(c))
			require.Equal(t, ids, tn.texts(`SELECT id FROM tasks WHERE case_id = $1 AND closed_at IS NULL`, c), "the tasks stay the same")
			require.Empty(t, tn.because(c))
			if kind == "field_visit" {
				row, err := tn.db.Task(context.Background(), tn.manager, ids[0])
				require.NoError(t, err)
				tn.decide(*row, move{actor: "visit_51002", action: aid.ActionComplete, refuse: "task_not_found"})
			}
			tn.live(neighbours)
			require.Equal(t, aid.Closed, tn.status(c))
			require.NotEmpty(t, tn.row(c).PaidAt)
			require.Subset(t, tn.holders(c), before, "who had a duty has it")
			require.Equal(t, hashes, tn.texts(`SELECT encode(bound_hash, 'hex') FROM decisions WHERE case_id = $1 AND state = 'applied' ORDER BY id LIMIT $2`, c, len(hashes)))
			require.Equal(t, 1, tn.events(c, "case.area_moved"))
			require.Zero(t, tn.events(c, "case.parked"))
			for _, task := range tn.texts(`SELECT d.actor || ' ' || t.area FROM tasks t JOIN decisions d ON d.task_id = t.id WHERE d.actor ~ '_51' AND d.state = 'applied'`) {
				require.True(t, strings.HasSuffix(task[:strings.Index(task, " ")], task[strings.Index(task, " ")+1:]), "decided in the commune of then: %s", task)
			}
			tn.check()
		})
	}
}

// A commune is split while its case is in approval: nobody decides until an
// administrator has said where the household lives, and then its people do.
func TestACommuneIsSplitInTheMiddle(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.communes("51002")
	content := example(t, "medical")
	content.Area = "51002"
	c := tn.submit(content)
	tn.liveUntil(people(neighbours).never(aid.Approve), func() bool { return slices.Equal(tn.leftOf(c), []string{"approve 51002"}) })
	approval := tn.texts(`SELECT id FROM tasks WHERE kind = 'approve'`)[0]
	require.Equal(t, 1, tn.reform(halved...).Parked)
	require.Equal(t, "area_gone", tn.because(c))
	row, err := tn.db.Task(context.Background(), tn.manager, approval)
	require.NoError(t, err)
	tn.decide(*row, move{actor: "approve_51002", action: aid.ActionApprove, refuse: "area_gone"})

	tn.change(`INSERT INTO staff (subject, name, created_at) SELECT n || '_51022', n, now() FROM unnest(ARRAY['verify', 'visit', 'approve']) n`)
	tn.change(`INSERT INTO staff_roles (subject, role, area, level) VALUES ('verify_51022', 'verifier', '51022', ''), ('visit_51022', 'verifier', '51022', ''), ('approve_51022', 'approver', '51022', 'commune')`)
	require.Equal(t, "invalid_content", tn.repaired(c), "it has to be said where")
	require.Empty(t, tn.repairedWith(c, `{"area":"51022"}`))
	require.Empty(t, tn.because(c))
	require.Equal(t, []string{"approve 51022"}, tn.leftOf(c))
	tn.live(neighbours)
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"approve_51022"}, tn.texts(`SELECT actor FROM decisions WHERE task_id = $1`, approval))
	require.Equal(t, 1, tn.events(c, "case.unparked"))
	tn.check()
}

// A reform that is decided today and begins next week: the sweep brings it
// into effect on its day, and the case goes on in the new commune.
func TestAReformOfNextWeek(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.communes("51001", "51002")
	content := example(t, "medical")
	content.Area = "51002"
	c := tn.submit(content)
	begin := tn.now.AddDate(0, 0, 7).Format(time.DateOnly)
	rows := strings.Split(strings.ReplaceAll(strings.Join(merged, "\n"), "FROM", begin), "\n")
	require.Equal(t, postgres.AreaMoves{Areas: 1}, tn.reform(rows...), "only its end is known")
	tn.liveUntil(people(neighbours).never(aid.Approve), func() bool {
		_, err := tn.db.ApplyAreas(context.Background())
		require.NoError(t, err)
		return tn.row(c).Area == "51001"
	})
	require.Equal(t, begin, tn.now.Add(7*time.Hour).Format(time.DateOnly), "on its day, in Vietnam")
	tn.live(neighbours)
	require.Equal(t, aid.Closed, tn.status(c))
	tn.check()
}

// leftOf gives the kinds and areas of the open tasks of a case.
func (tn *town) leftOf(id string) []string {
	tn.t.Helper()
	return tn.texts(`SELECT kind || ' ' || area FROM tasks WHERE case_id = $1 AND closed_at IS NULL ORDER BY kind`, id)
}

func (tn *town) holders(id string) []string {
	tn.t.Helper()
	return tn.texts(`SELECT person || ' ' || duty FROM case_duties WHERE case_id = $1 ORDER BY 1`, id)
}
