package postgres_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// submitIn submits the ith request in an area.
func submitIn(t testing.TB, db *pgtest.DB, i int, code string) *postgres.CreatedCase {
	t.Helper()
	content := request(i)
	content.Area = code
	return submit(t, db, "portal1", content)
}

func onlyIn(t testing.TB, db *pgtest.DB, subject, role, code string, more ...string) {
	t.Helper()
	level := ""
	if len(more) > 0 {
		level = more[0]
	}
	exec(t, db, `INSERT INTO staff (subject, name, created_at) VALUES ($1, $1, now()) ON CONFLICT DO NOTHING`, subject)
	exec(t, db, `INSERT INTO staff_roles (subject, role, area, level) VALUES ($1, $2, $3, $4)`, subject, role, code, level)
}

func caseArea(t testing.TB, db *pgtest.DB, id string) string {
	t.Helper()
	var code string
	require.NoError(t, db.SQL(t).QueryRow(`SELECT area FROM cases WHERE id = $1`, id).Scan(&code))
	return code
}

func taskArea(t testing.TB, db *pgtest.DB, id string) string {
	t.Helper()
	var code string
	require.NoError(t, db.SQL(t).QueryRow(`SELECT area FROM tasks WHERE id = $1`, id).Scan(&code))
	return code
}

// intent is what a person sends for a task as it sees it now.
func intent(t testing.TB, db *pgtest.DB, task, actor string, action aid.Action, data string) error {
	t.Helper()
	version := count(t, db, `SELECT version FROM tasks WHERE id = $1`, task)
	recorded, err := db.RecordIntent(context.Background(), postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: actor,
		TaskVersion: version, Action: action, Data: json.RawMessage(data)})
	if err == nil && recorded.SQLOnly {
		if err = db.ApplyIntent(context.Background(), recorded.Decision); err != nil {
			require.NoError(t, db.RefuseIntent(context.Background(), recorded.Decision.ID, aid.KindOf(err), aid.CodeOf(err)))
		}
	}
	return err
}

// Open cases and tasks follow the successor; what has ended stays where it was.
func TestAMergedCommune(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	onlyIn(t, db, "old", "verifier", "51002")
	onlyIn(t, db, "new", "verifier", "51001")
	c, other := submitIn(t, db, 0, "51002"), submitIn(t, db, 1, "51004")
	ended := submitIn(t, db, 2, "51002")
	exec(t, db, `UPDATE cases SET status = 'rejected', stage = 'closed' WHERE id = $1`, ended.ID)
	draft := request(3)
	draft.Area = "51002"
	sketch := must(db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), draft, true))(t)
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	papers := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	decide(t, db, papers, db.Staff(t, "old"), aid.ActionComplete, "")
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		task, err := tx.LockTask(c, papers)
		if err != nil {
			return err
		}
		return tx.CloseTask(task, "completed")
	})
	must(db.ClaimTask(ctx, db.Staff(t, "old"), visit, 0))(t)
	version := count(t, db, `SELECT version FROM tasks WHERE id = $1`, visit)
	wantCode(t, intent(t, db, visit, "new", aid.ActionComplete, ""), "task_not_found")
	exec(t, db, `INSERT INTO funds (id, code, name, area, currency, rails, created_at) VALUES ('fund_c', 'c', 'C', '51002', 'VND', '{}', now())`)
	exec(t, db, `INSERT INTO fund_balances (fund_id, budget) VALUES ('fund_c', 0)`)
	exec(t, db, `UPDATE partners SET area = '51002' WHERE code = 'portal2'`)
	households := count(t, db, `SELECT count(*) FROM households WHERE area = '51002'`)

	moved := changeAreas(t, db, merge...).Moved
	require.Equal(t, postgres.AreaMoves{Areas: 2, Cases: 2, Tasks: 1, Roles: 1, Partners: 1, Funds: 1, Households: households}, moved)
	require.Equal(t, "51001", caseArea(t, db, c.ID))
	require.Equal(t, "51001", caseArea(t, db, sketch.ID))
	require.Equal(t, "51004", caseArea(t, db, other.ID))
	require.Equal(t, "51002", caseArea(t, db, ended.ID), "what has ended stays")
	require.Equal(t, "51001", taskArea(t, db, visit))
	require.Equal(t, "51002", taskArea(t, db, papers), "so does what was decided")
	require.Equal(t, version+1, count(t, db, `SELECT version FROM tasks WHERE id = $1 AND state = 'claimed'`, visit), "who may decide there too keeps his claim")
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'case.area_moved' AND actor = 'admin1'
		AND data ->> 'from' = '51002' AND data ->> 'to' = '51001'`, c.ID))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM staff_roles WHERE subject = 'old' AND area = '51001'`))
	require.Zero(t, count(t, db, `SELECT count(*) FROM staff_roles WHERE area = '51002'`))
	for _, action := range []string{"move_role", "move_fund", "move_partner"} {
		require.Equal(t, 1, count(t, db, `SELECT count(*) FROM audit WHERE action = $1 AND actor = 'admin1' AND object LIKE '%/51002/51001'`, action), action)
	}

	// The new commune decides and sees the old cases; so does everybody above.
	for _, who := range []string{"new", "manager1", "auditor1"} {
		must(db.CaseByID(ctx, db.Staff(t, who), ended.ID))(t)
	}
	require.NotContains(t, db.Staff(t, "verifier3").CaseAreas(), "51002")
	must(db.ReleaseTask(ctx, db.Staff(t, "old"), visit, 0))(t)
	require.NoError(t, intent(t, db, visit, "new", aid.ActionComplete, ""))

	// Nothing new starts in the old one, and the sweep finds everything in its place.
	content := request(4)
	content.Area = "51002"
	_, err := db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), content, false)
	wantFault(t, err, "/area", "unknown_area")
	require.Equal(t, postgres.AreaMoves{}, must(db.ApplyAreas(ctx))(t))
}

// Nobody of the old area decides who has no role in the new one, and what he
// has claimed is free.
func TestAMergeTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	onlyIn(t, db, "old", "verifier", "51002")
	c := submitIn(t, db, 0, "51002")
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	must(db.ClaimTask(ctx, db.Staff(t, "old"), visit, 0))(t)
	pending := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: visit, Actor: "old", TaskVersion: 2, Action: aid.ActionComplete}
	recorded := must(db.RecordIntent(ctx, pending))(t)
	exec(t, db, `DELETE FROM staff_roles WHERE subject = 'old'`) // the new commune does not take him
	changeAreas(t, db, merge...)
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM tasks WHERE id = $1 AND state = 'open' AND assignee IS NULL AND area = '51001'`, visit))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM intervals WHERE case_id = $1 AND to_at IS NULL AND task_id = $2 AND NOT claimed`, c.ID, visit))
	wantCode(t, intent(t, db, visit, "old", aid.ActionComplete, ""), "task_not_found")
	err := db.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(c.ID)
		if err == nil {
			_, _, err = tx.ApplyDecision(c, recorded.Decision)
		}
		return err
	})
	wantCode(t, err, "task_not_found")
}

// A split without a target: the case waits for an administrator, nobody
// decides meanwhile, and it goes on where the administrator says.
func TestASplitCommune(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	onlyIn(t, db, "old", "verifier", "51003")
	onlyIn(t, db, "east", "verifier", "51")
	c := submitIn(t, db, 0, "51003")
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	provincial := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: aid.Level{Name: "province", Mode: aid.ModeAny}, Area: "51"})
	moved := changeAreas(t, db, split...).Moved
	require.Equal(t, postgres.AreaMoves{Areas: 1, Parked: 1, Left: 1}, moved)
	require.Equal(t, postgres.AreaMoves{Left: 1}, must(db.ApplyAreas(ctx))(t), "it is asked once")
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM cases WHERE parked AND id = $1 AND area = '51003'`, c.ID))
	repair := taskOf(t, db, c.ID, aid.RepairConfiguration)

	for _, who := range []string{"old", "verifier1"} {
		wantCode(t, intent(t, db, visit, who, aid.ActionComplete, ""), "area_gone")
		row := must(db.Task(ctx, db.Staff(t, who), visit))(t)
		require.Equal(t, "area_gone", row.Blocked)
		_, err := db.ClaimTask(ctx, db.Staff(t, who), visit, 0)
		wantCode(t, err, "area_gone")
	}
	require.NotEmpty(t, must(db.Task(ctx, db.Staff(t, "approver5"), provincial))(t).AllowedActions, "a level above is as it was")

	row := must(db.Task(ctx, db.Staff(t, "admin1"), repair))(t)
	asked, is := postgres.AreaAsked(row.Rule)
	require.True(t, is)
	require.Equal(t, postgres.AreaRepair{Because: "area_gone", Area: "51003", Choices: []string{"51031", "51032"}}, asked)
	for data, want := range map[string]string{``: "required", `{"area":"51004"}`: "unknown_area", `{"area":"51003"}`: "unknown_area", `{"area":"none"}`: "unknown_area"} {
		wantFault(t, intent(t, db, repair, "admin1", aid.ActionComplete, data), "/data/area", want)
	}
	require.NoError(t, intent(t, db, repair, "admin1", aid.ActionComplete, `{"area":"51031"}`))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM cases WHERE NOT parked AND id = $1 AND area = '51031'`, c.ID))
	require.Equal(t, "51031", taskArea(t, db, visit))
	require.Equal(t, "51", taskArea(t, db, provincial))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'case.area_moved' AND actor = 'admin1'`, c.ID))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'case.unparked'`, c.ID))
	wantCode(t, intent(t, db, visit, "old", aid.ActionComplete, ""), "task_not_found")
	require.NoError(t, intent(t, db, visit, "verifier1", aid.ActionComplete, ""))
	require.Equal(t, postgres.AreaMoves{Left: 1}, must(db.ApplyAreas(ctx))(t))
}

// A target of a split that is stated takes the cases by itself.
func TestASplitWithATarget(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submitIn(t, db, 0, "51003")
	changeAreas(t, db, split[0], "51031,Sơn Tịnh Đông,commune,51,2026-03-01,,,51003*", split[2])
	require.Equal(t, "51031", caseArea(t, db, c.ID))
}

// Where a case waits for its fund, or for its partner, it does so again after
// the repair.
func TestWhatACaseWaitsForAfterARepair(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c, asked := submitIn(t, db, 0, "51003"), submitIn(t, db, 1, "51003")
	openTask(t, db, asked.ID, postgres.NewTask{Kind: aid.ProvideInformation, Owner: aid.OwnerPartner})
	exec(t, db, `UPDATE cases SET status = 'waiting_funds', stage = 'approval', fund_id = (SELECT id FROM funds) WHERE id = $1`, c.ID)
	exec(t, db, `UPDATE intervals SET owner = 'fund', stage = 'approval' WHERE case_id = $1 AND to_at IS NULL`, c.ID)
	changeAreas(t, db, split...)
	for id, owner := range map[string]string{c.ID: "fund", asked.ID: "partner"} {
		require.NoError(t, intent(t, db, taskOf(t, db, id, aid.RepairConfiguration), "admin1", aid.ActionComplete, `{"area":"51032"}`))
		require.Equal(t, 1, count(t, db, `SELECT count(*) FROM intervals WHERE case_id = $1 AND to_at IS NULL AND owner = $2`, id, owner), owner)
	}
}

// An approval at a level that is no more: the case is parked, and goes on when
// there is such an area again, or where the administrator says.
func TestALevelThatIsNoMore(t *testing.T) {
	t.Parallel()
	three := []string{"51D,Huyện mẫu,district,51,1900-01-01,2026-04-01,,", "51D1,Xã mẫu một,commune,51D,1900-01-01,2026-04-01,,", "51D1,Xã mẫu một,commune,51,2026-04-01,,,"}
	for name, tc := range map[string]struct {
		mend func(*testing.T, *pgtest.DB) string // gives the data of the completion
		want string
	}{
		"there is one again": {func(t *testing.T, db *pgtest.DB) string {
			changeAreas(t, db, "51E,Khu vực mẫu,district,51,2026-04-02,,,", "51D1,Xã mẫu một,commune,51,2026-04-01,2026-04-02,,", "51D1,Xã mẫu một,commune,51E,2026-04-02,,,")
			db.Clock.Set(date("2026-04-03"))
			must(db.ApplyAreas(context.Background()))(t)
			onlyIn(t, db, "again", "approver", "51E", "district")
			return ``
		}, "51E"},
		"the province decides": {func(t *testing.T, db *pgtest.DB) string {
			onlyIn(t, db, "again", "approver", "51", "district")
			return `{"area":"51"}`
		}, "51"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, ctx := pgtest.New(t), context.Background()
			changeAreas(t, db, three...)
			onlyIn(t, db, "of the district", "approver", "51D", "district")
			c := submitIn(t, db, 0, "51D1")
			task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "district", Rule: aid.Level{Name: "district", Mode: aid.ModeAny}, Area: "51D"})
			db.Clock.Set(date("2026-03-31").Add(16 * time.Hour)) // 23:00 in Vietnam
			require.Equal(t, postgres.AreaMoves{}, must(db.ApplyAreas(ctx))(t), "its day has not come")
			db.Clock.Advance(2 * time.Hour)
			require.Equal(t, postgres.AreaMoves{Areas: 2, Parked: 1, Left: 1}, must(db.ApplyAreas(ctx))(t))
			require.Equal(t, postgres.AreaMoves{Left: 1}, must(db.ApplyAreas(ctx))(t))
			wantCode(t, intent(t, db, task, "of the district", aid.ActionApprove, ""), "area_gone")
			repair := taskOf(t, db, c.ID, aid.RepairConfiguration)
			wantCode(t, intent(t, db, repair, "admin1", aid.ActionComplete, ""), "not_repaired")
			wantFault(t, intent(t, db, repair, "admin1", aid.ActionComplete, `{"area":"51001"}`), "/data/area", "unknown_area")
			wantCode(t, intent(t, db, repair, "admin1", aid.ActionComplete, `{"area":"51"}`), "not_repaired")
			require.NoError(t, intent(t, db, repair, "admin1", aid.ActionComplete, tc.mend(t, db)))
			require.Equal(t, tc.want, taskArea(t, db, task))
			require.NoError(t, intent(t, db, task, "again", aid.ActionApprove, ""))
			require.Equal(t, postgres.AreaMoves{Left: 1}, must(db.ApplyAreas(ctx))(t))
		})
	}
}

// A commune that goes to another province: its approvals follow it there.
func TestACommuneThatChangesItsProvince(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submitIn(t, db, 0, "51003")
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.Approve, Level: "province", Rule: aid.Level{Name: "province", Mode: aid.ModeAny}, Area: "51"})
	moved := changeAreas(t, db, "51003,Sơn Tịnh,commune,51,1900-01-01,2026-03-01,,", "51003,Sơn Tịnh,commune,48,2026-03-01,,,").Moved
	require.Equal(t, postgres.AreaMoves{Areas: 1, Tasks: 1}, moved)
	require.Equal(t, "48", taskArea(t, db, task))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = 'repair_configuration' AND area = '51003' AND closed_at IS NULL`, c.ID),
		"nobody approves there: an administrator is called")
}

// What came into an area while it went is found by the next look, and a
// successor that is named later frees what waits.
func TestStragglers(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	changeAreas(t, db, "51002,Nghĩa Lộ,commune,51,1900-01-01,2026-03-01,,")
	c := submitIn(t, db, 0, "51004")
	visit := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	exec(t, db, `UPDATE cases SET area = '51002' WHERE id = $1`, c.ID)
	exec(t, db, `UPDATE tasks SET area = '51002' WHERE id = $1`, visit)
	require.Equal(t, postgres.AreaMoves{Parked: 1}, must(db.ApplyAreas(ctx))(t))
	repair := taskOf(t, db, c.ID, aid.RepairConfiguration)
	wantFault(t, intent(t, db, repair, "admin1", aid.ActionComplete, `{"area":"51"}`), "/data/area", "area_too_wide")
	wantFault(t, intent(t, db, repair, "admin1", aid.ActionComplete, `{"area":"48001"}`), "/data/area", "unknown_area")
	changeAreas(t, db, "51021,Nghĩa Lộ mới,commune,51,2026-03-01,,,51002")
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM cases WHERE id = $1 AND area = '51021' AND NOT parked`, c.ID))
	require.Equal(t, "51021", taskArea(t, db, visit))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM tasks WHERE id = $1 AND state = 'void'`, repair))
}

// What an ended case leaves to do is done by those who are there.
func TestWhatAnEndedCaseLeavesFollows(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	merged, halved := submitIn(t, db, 0, "51002"), submitIn(t, db, 1, "51003")
	tasks := map[string]string{}
	for _, id := range []string{merged.ID, halved.ID} {
		tasks[id] = openTask(t, db, id, postgres.NewTask{Kind: aid.RecoverMoney})
		exec(t, db, `UPDATE cases SET status = 'withdrawn', stage = 'closed' WHERE id = $1`, id)
	}
	changeAreas(t, db, append(append([]string{}, merge...), split...)...)
	require.Equal(t, "51001", taskArea(t, db, tasks[merged.ID]))
	require.Equal(t, "51", taskArea(t, db, tasks[halved.ID]), "the nearest that is there")
	require.Equal(t, "51002", caseArea(t, db, merged.ID))
}

// Areas are asked for only where a repair needs one.
func TestARepairThatNeedsNoArea(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submitIn(t, db, 0, "51001")
	exec(t, db, `DELETE FROM staff_roles WHERE role = 'verifier' AND area = '51'`)
	openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit})
	repair := taskOf(t, db, c.ID, aid.RepairConfiguration)
	wantFault(t, intent(t, db, repair, "admin1", aid.ActionComplete, `{"area":"51002"}`), "/data/area", "unknown_field")
}
