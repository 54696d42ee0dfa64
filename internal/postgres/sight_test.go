package postgres_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// twoProgrammes submits a case of each of two programmes in one commune, with
// an open task each, and limits verifier1 to the first.
func twoProgrammes(t *testing.T, db *pgtest.DB) (cases, tasks [2]string) {
	t.Helper()
	for i, programme := range []string{"medical", "other"} {
		content := request(i)
		content.Programme, content.Area = programme, "51001"
		cases[i] = submit(t, db, "portal1", content).ID
		tasks[i] = openTask(t, db, cases[i], postgres.NewTask{Kind: aid.VerifyDocuments})
	}
	exec(t, db, `UPDATE staff_roles SET programmes = '{medical}' WHERE subject = 'verifier1'`)
	return cases, tasks
}

func caseIDs(rows []postgres.CaseRow) []string {
	ids := []string{}
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	slices.Sort(ids)
	return ids
}

// Whoever works for one programme sees nothing of the cases of another: no
// list, read, search, document, task, decision or notification has them.
func TestARoleForAProgrammeShowsItsCases(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	cases, tasks := twoProgrammes(t, db)
	who := db.Staff(t, "verifier1")
	seen := func() []string { return caseIDs(must(db.Cases(ctx, who, postgres.CaseFilter{}, postgres.Page{}))(t)) }
	require.Equal(t, []string{cases[0]}, seen())
	require.Len(t, must(db.Cases(ctx, db.Staff(t, "verifier2"), postgres.CaseFilter{}, postgres.Page{}))(t), 2, "a role for all programmes")

	number := request(1).Applicant.NationalID
	require.Empty(t, must(db.SearchCases(ctx, who, postgres.CaseSearch{NationalID: number}, postgres.Page{}))(t))
	require.Empty(t, must(db.SearchTasks(ctx, who, number, postgres.TaskFilter{}, postgres.Page{}))(t))
	for _, f := range []postgres.TaskFilter{{}, {View: postgres.ViewAll}, {All: true, Sort: "opened"}, {State: "any"}} {
		require.Equal(t, tasks[:1], taskIDs(must(db.Tasks(ctx, who, f, postgres.Page{}))(t)), "%+v", f)
	}
	counted := 0
	for _, n := range must(db.CountTasks(ctx, who, postgres.TaskFilter{}))(t).By {
		if n.View == postgres.ViewAll {
			counted += n.Open
		}
	}
	require.Equal(t, 1, counted)

	other := cases[1]
	decision := asks(t, db, tasks[1], "verifier2", aid.ActionComplete)
	must(db.RecordIntent(ctx, decision))(t)
	exec(t, db, `INSERT INTO notices (kind, case_id, task_id, actor, at) VALUES ('task.opened', $1, $2, 'system', now())`, other, tasks[1])
	for name, read := range map[string]func() error{
		"case":      func() error { _, err := db.CaseByID(ctx, who, other); return err },
		"personal":  func() error { _, err := db.CasePersonal(ctx, who, other); return err },
		"documents": func() error { _, err := db.CaseDocuments(ctx, who, other); return err },
		"timeline":  func() error { _, err := db.Timeline(ctx, who, other, postgres.Page{}); return err },
		"findings":  func() error { _, err := db.Findings(ctx, who, other); return err },
		"task":      func() error { _, err := db.Task(ctx, who, tasks[1]); return err },
		"comments":  func() error { _, err := db.Comments(ctx, who, tasks[1], postgres.Page{}); return err },
		"decision":  func() error { _, err := db.Decision(ctx, who, decision.ID); return err },
		"person":    func() error { _, err := db.Person(ctx, who, other); return err },
		"claim":     func() error { _, err := db.ClaimTask(ctx, who, tasks[1], 0); return err },
		"recusal": func() error {
			return db.Recuse(ctx, who, other, postgres.NewRecusal{ID: postgres.NewID(aid.DecisionID), Reason: "friend"})
		},
	} {
		if err := read(); aid.KindOf(err) != aid.NotFound {
			t.Errorf("%s: %v", name, err)
		}
	}
	require.NotNil(t, must(db.CasePersonal(ctx, who, cases[0]))(t))

	manager := db.Staff(t, "manager1")
	manager.Roles[0].Programmes = []string{"medical"}
	_, err := db.SetPriority(ctx, manager, other, 0, true, "danger")
	wantCode(t, err, "case_not_found")
	must(db.SetPriority(ctx, manager, cases[0], 0, true, "danger"))(t)
}

// A duty or a task in hand shows the case, also of another programme; not
// outside the areas of the person.
func TestADutyOrATaskShowsTheCase(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	cases, tasks := twoProgrammes(t, db)
	sees := func(who string) bool {
		_, err := db.CaseByID(ctx, db.Staff(t, who), cases[1])
		if err != nil && aid.CodeOf(err) != "case_not_found" {
			t.Fatal(err)
		}
		return err == nil
	}
	mine := func() int {
		return len(must(db.Tasks(ctx, db.Staff(t, "verifier1"), postgres.TaskFilter{View: postgres.ViewMine}, postgres.Page{}))(t))
	}
	require.False(t, sees("verifier1"))
	must(db.AskColleague(ctx, db.Staff(t, "verifier2"), tasks[1], postgres.NewID(aid.TaskID), "verifier1", "Is the paper of your programme?"))(t)
	require.True(t, sees("verifier1"), "a question to it")
	require.Equal(t, 1, mine())
	require.NotEmpty(t, must(db.CasePersonal(ctx, db.Staff(t, "verifier1"), cases[1]))(t).Applicant.FullName)
	require.Equal(t, 1, count(t, db, `SELECT count(*) WHERE may_hear('verifier1', $1, NULL, now())`, cases[1]))
	exec(t, db, `UPDATE tasks SET state = 'void', closed_at = now() WHERE case_id = $1 AND kind = 'advise'`, cases[1])
	require.False(t, sees("verifier1"), "the question is over")
	require.Zero(t, count(t, db, `SELECT count(*) WHERE may_hear('verifier1', $1, NULL, now())`, cases[1]))

	const duty = `INSERT INTO case_duties (case_id, person, duty, task_id, at) SELECT $1, $2, 'verify', $3, now()`
	exec(t, db, duty, cases[1], "verifier1", tasks[1])
	exec(t, db, duty, cases[1], "verifier3", tasks[1])
	require.True(t, sees("verifier1"), "a duty")
	require.False(t, sees("verifier3"), "of another province")
}

// An auditor of all programmes who verifies in one sees the others masked.
func TestMaskedOutsideTheProgramme(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	cases, _ := twoProgrammes(t, db)
	exec(t, db, `INSERT INTO staff_roles (subject, role, area) VALUES ('verifier1', 'auditor', '51')`)
	who := db.Staff(t, "verifier1")
	require.False(t, must(db.CasePersonal(ctx, who, cases[0]))(t).Masked)
	require.True(t, must(db.CasePersonal(ctx, who, cases[1]))(t).Masked)
}

// What is lent for a programme shows its cases in the principal's areas.
func TestADelegationForAProgrammeShowsItsCases(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	cases, _ := twoProgrammes(t, db)
	sees := func() []string {
		return caseIDs(must(db.Cases(ctx, db.Staff(t, "verifier3"), postgres.CaseFilter{}, postgres.Page{}))(t))
	}
	require.Empty(t, sees())
	exec(t, db, `UPDATE delegations SET programmes = '{other}' WHERE id = $1`, lend(t, db, "verifier2", "verifier3"))
	require.Equal(t, cases[1:], sees())
	p := must(db.CasePersonal(ctx, db.Staff(t, "verifier3"), cases[1]))(t)
	require.False(t, p.Masked)
	exec(t, db, `UPDATE delegations SET revoked_at = now(), revoked_by = 'verifier2'`)
	require.Empty(t, sees())
}

// Whatever roles somebody has, the database shows what the roles say one by
// one, of cases and of tasks.
func TestSightIsWhatTheRolesSay(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	programmes, communes := []string{"medical", "other", "schooling"}, []string{"51001", "51002", "51003"}
	type made struct{ id, task, area, programme string }
	var all []made
	for i, programme := range programmes {
		for j, area := range communes {
			content := request(3*i + j)
			content.Programme, content.Area = programme, area
			id := submit(t, db, "portal1", content).ID
			all = append(all, made{id, openTask(t, db, id, postgres.NewTask{Kind: aid.VerifyDocuments}), area, programme})
		}
	}
	repair := openTask(t, db, all[0].id, postgres.NewTask{Kind: aid.RepairConfiguration})
	exec(t, db, `UPDATE tasks SET state = 'claimed', assignee = 'somebody', claimed_at = now() WHERE id = $1`, all[4].task)
	r := rand.New(rand.NewPCG(3, 3))
	roles := []aid.Role{aid.RoleVerifier, aid.RoleApprover, aid.RoleManager, aid.RoleAuditor, aid.RoleAdmin, aid.RoleIntake}
	for range 60 {
		who := &postgres.Caller{Kind: postgres.CallerStaff, ID: "somebody"}
		for range r.IntN(4) {
			g := postgres.RoleGrant{Role: roles[r.IntN(len(roles))], Area: "51", Covers: append([]string{"51"}, communes...)}
			if n := r.IntN(4); n < len(communes) {
				g.Area, g.Covers = communes[n], communes[n:n+1]
			}
			for range r.IntN(3) {
				g.Programmes = append(g.Programmes, programmes[r.IntN(len(programmes))])
			}
			who.Roles = append(who.Roles, g)
		}
		cases, tasks := []string{}, []string{}
		for i, m := range all {
			sees, here, repairs := false, false, false
			for _, g := range who.Roles {
				covers := slices.Contains(g.Covers, m.area)
				here = here || covers && g.Role != aid.RoleAdmin
				sees = sees || covers && g.Role != aid.RoleAdmin && (len(g.Programmes) == 0 || slices.Contains(g.Programmes, m.programme))
				repairs = repairs || covers && g.Role == aid.RoleAdmin
			}
			if sees = sees || (here && i == 4); sees {
				cases, tasks = append(cases, m.id), append(tasks, m.task)
			}
			if i == 0 && (sees || repairs) {
				tasks = append(tasks, repair)
			}
		}
		slices.Sort(cases)
		slices.Sort(tasks)
		name := fmt.Sprintf("%+v", who.Roles)
		require.Equal(t, cases, caseIDs(must(db.Cases(ctx, who, postgres.CaseFilter{}, postgres.Page{}))(t)), name)
		got := taskIDs(must(db.Tasks(ctx, who, postgres.TaskFilter{All: true, Sort: "opened"}, postgres.Page{}))(t))
		slices.Sort(got)
		require.Equal(t, tasks, append([]string{}, got...), name)
	}
}

// Areas that move are seen at once by a process that has kept what was below.
func TestKeptAreasFollowTheTree(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	require.Contains(t, db.Staff(t, "verifier1").CaseAreas(), "51003")
	exec(t, db, `UPDATE areas SET parent = '48' WHERE code = '51003'`)
	require.NotContains(t, db.Staff(t, "verifier1").CaseAreas(), "51003")
	require.Contains(t, db.Staff(t, "verifier3").CaseAreas(), "51003")
	require.NotContains(t, db.Partner(t, "portal1").Areas, "51003")
	exec(t, db, `INSERT INTO areas (code, name, level, parent) VALUES ('51777', 'New', 'commune', '51')`)
	require.Contains(t, db.Staff(t, "verifier1").CaseAreas(), "51777")
}
