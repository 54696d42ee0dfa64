package postgres_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// fillInbox opens tasks of every sort: due long ago, soon, late and never, urgent
// and not, claimed by one and by another, of several areas and levels.
func fillInbox(t *testing.T, db *pgtest.DB, cases int) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	kinds := []postgres.NewTask{{Kind: aid.VerifyDocuments}, {Kind: aid.FieldVisit}, {Kind: aid.PreparePayment}, {Kind: aid.ResolvePayment}, {Kind: aid.DecideStalled},
		{Kind: aid.Approve, Level: "commune", Rule: aid.Level{Name: "commune", Mode: aid.ModeAny}},
		{Kind: aid.Approve, Level: "province", Rule: committee("province")},
		{Kind: aid.Approve, Level: "province", Subject: "any", Rule: aid.Level{Name: "province", Mode: aid.ModeAny}}, {Kind: aid.RepairConfiguration}}
	for i := range cases {
		content := request(i)
		content.Urgent = r.IntN(3) == 0
		c := submit(t, db, "portal1", content)
		for _, n := range kinds {
			if r.IntN(3) == 0 {
				continue
			}
			n.Rule = cmp.Or[any](n.Rule, map[string]string{"because": "test"})
			if r.IntN(5) > 0 {
				at := db.Clock.Now().Add(time.Duration(r.IntN(200)-60) * time.Hour).Truncate(24 * time.Hour) // several at once
				n.Due = &at
			}
			if n.Level == "province" {
				n.Area = "51"
			}
			id := openTask(t, db, c.ID, n)
			for _, who := range []string{"verifier1", "verifier2", "treasurer1", "approver1", "approver2"} {
				if r.IntN(4) == 0 {
					_, _ = db.ClaimTask(context.Background(), db.Staff(t, who), id, 0) // who may not is refused
				}
			}
		}
	}
}

// rankOf is the order of the inbox, said once more.
func rankOf(row postgres.TaskRow, now time.Time) int {
	switch late := row.DueAt != nil && !row.DueAt.After(now); {
	case late && row.Urgent:
		return 0
	case late:
		return 1
	case row.Urgent:
		return 2
	}
	return 3
}

func byUrgency(now time.Time) func(a, b postgres.TaskRow) int {
	due := func(r postgres.TaskRow) time.Time {
		if r.DueAt == nil {
			return now.AddDate(1000, 0, 0)
		}
		return *r.DueAt
	}
	return func(a, b postgres.TaskRow) int {
		return cmp.Or(cmp.Compare(rankOf(a, now), rankOf(b, now)), due(a).Compare(due(b)), cmp.Compare(a.ID, b.ID))
	}
}

func everyPage(t *testing.T, limit int, list func(postgres.Page) ([]postgres.TaskRow, error)) []string {
	t.Helper()
	got, page := []string{}, postgres.Page{Limit: limit}
	for {
		rows, err := list(page)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, taskIDs(rows)...)
		if len(rows) < limit {
			return got
		}
		page.After = rows[len(rows)-1].Cursor()
	}
}

// Every view of everybody is what the list of all tasks says it should be, in
// the order of the inbox and in pages of any size; and the counts count it.
func TestViewsOfEverybody(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	fillInbox(t, db, 12)
	viewsOfEverybody(ctx, t, db)
}

// The same in a country with three levels of areas, where some have roles at
// each of them: every index of the inbox is walked.
func TestViewsOfACountry(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	fillInbox(t, db, 12)
	for _, s := range []string{
		`INSERT INTO areas (code, name, level, parent) VALUES ('VN', 'Vietnam', 'country', NULL)`,
		`UPDATE areas SET parent = 'VN' WHERE code IN ('51', '48')`,
		`UPDATE staff_roles SET area = 'VN' WHERE subject IN ('auditor1', 'releaser1', 'approver2')`,
		`UPDATE staff_roles SET area = '51002' WHERE subject IN ('treasurer1')`,
		`INSERT INTO staff_roles (subject, role, area) VALUES ('treasurer1', 'manager', '51001'), ('treasurer1', 'auditor', '48'), ('releaser1', 'manager', '51')`,
		`INSERT INTO staff_roles (subject, role, area, programmes) VALUES ('intake1', 'manager', 'VN', '{other}'), ('verifier2', 'auditor', 'VN', '{medical}')`,
	} {
		exec(t, db, s)
	}
	viewsOfEverybody(ctx, t, db)
}

func viewsOfEverybody(ctx context.Context, t *testing.T, db *pgtest.DB) {
	t.Helper()
	if _, err := db.SQL(t).Exec(`INSERT INTO staff_roles (subject, role, area, level, committee) VALUES
		('verifier1', 'verifier', '51001', '', false), ('verifier1', 'manager', '51002', '', false), ('approver1', 'approver', '51', 'province', false)`); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{"verifier1", "verifier2", "verifier3", "approver1", "approver2", "approver5", "treasurer1", "releaser1", "intake1", "manager1", "auditor1", "admin1"} {
		caller := db.Staff(t, who)
		now := db.Clock.Now()
		everything := must(db.Tasks(ctx, caller, postgres.TaskFilter{All: true, Sort: "opened"}, postgres.Page{}))(t)
		mine := func(r postgres.TaskRow) bool { return r.Assignee != nil && *r.Assignee == who }
		decides := func(r postgres.TaskRow) bool { return caller.MayDecide(&r) == nil }
		inbox := func(r postgres.TaskRow) bool {
			return decides(r) || caller.HasFor(r.Area, r.Programme, aid.RoleManager, aid.RoleAuditor)
		}
		for view, fits := range map[postgres.View]func(postgres.TaskRow) bool{
			"": inbox, postgres.ViewMine: mine, postgres.ViewGroup: decides,
			postgres.ViewUnclaimed: func(r postgres.TaskRow) bool { return inbox(r) && r.Assignee == nil },
			postgres.ViewOverdue:   func(r postgres.TaskRow) bool { return inbox(r) && rankOf(r, now) < 2 },
			postgres.ViewAll:       func(postgres.TaskRow) bool { return true },
		} {
			var rows []postgres.TaskRow
			for _, r := range everything {
				if fits(r) {
					rows = append(rows, r)
				}
			}
			slices.SortFunc(rows, byUrgency(now))
			want := append([]string{}, taskIDs(rows)...)
			for _, limit := range []int{1, 7, 1000} {
				if limit == 1 && len(want) > 20 {
					continue
				}
				got := everyPage(t, limit, func(p postgres.Page) ([]postgres.TaskRow, error) {
					return db.Tasks(ctx, caller, postgres.TaskFilter{View: view}, p)
				})
				if !slices.Equal(got, want) {
					t.Fatalf("%s, view %q, pages of %d: %d tasks, want %d\n%v\n%v", who, view, limit, len(got), len(want), got, want)
				}
			}
			by := must(db.Tasks(ctx, caller, postgres.TaskFilter{View: view, Sort: "opened"}, postgres.Page{}))(t)
			if slices.SortFunc(by, byUrgency(now)); !slices.Equal(taskIDs(by), taskIDs(rows)) {
				t.Fatalf("%s, view %q by opening: %d tasks, want %d", who, view, len(by), len(want))
			}
			counted := 0
			for _, c := range must(db.CountTasks(ctx, caller, postgres.TaskFilter{}))(t).By {
				switch {
				case c.View == view:
					counted += c.Open
				case view == postgres.ViewUnclaimed && c.View == "":
					counted += c.Unclaimed
				case view == postgres.ViewOverdue && c.View == "":
					counted += c.Overdue
				}
			}
			if counted != len(want) {
				t.Fatalf("%s, view %q: counted %d, want %d", who, view, counted, len(want))
			}
		}
	}
}

// Filters leave out what does not fit and keep the order.
func TestFiltersOfTheInbox(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	fillInbox(t, db, 10)
	if _, err := db.SQL(t).Exec(`UPDATE cases SET requested_amount = requested_amount + 1000 * length(id) + (random() * 5000000)::bigint`); err != nil {
		t.Fatal(err)
	}
	manager := db.Staff(t, "manager1")
	all := must(db.Tasks(ctx, manager, postgres.TaskFilter{}, postgres.Page{}))(t)
	middle := all[len(all)/2]
	for name, tc := range map[string]struct {
		filter postgres.TaskFilter
		fits   func(postgres.TaskRow) bool
	}{
		"kind":     {postgres.TaskFilter{Kind: "approve"}, func(r postgres.TaskRow) bool { return r.Kind == aid.Approve }},
		"level":    {postgres.TaskFilter{Level: "province"}, func(r postgres.TaskRow) bool { return r.Level == "province" }},
		"both":     {postgres.TaskFilter{Kind: "approve", Level: "commune"}, func(r postgres.TaskRow) bool { return r.Level == "commune" }},
		"neither":  {postgres.TaskFilter{Kind: "field_visit", Level: "commune"}, func(postgres.TaskRow) bool { return false }},
		"area":     {postgres.TaskFilter{Area: middle.Area}, func(r postgres.TaskRow) bool { return r.Area == middle.Area || middle.Area == "51" }},
		"above":    {postgres.TaskFilter{Area: "51"}, func(postgres.TaskRow) bool { return true }},
		"another":  {postgres.TaskFilter{Area: "48"}, func(postgres.TaskRow) bool { return false }},
		"no area":  {postgres.TaskFilter{Area: "99"}, func(postgres.TaskRow) bool { return false }},
		"least":    {postgres.TaskFilter{MinAmount: middle.Amount}, func(r postgres.TaskRow) bool { return r.Amount >= middle.Amount }},
		"most":     {postgres.TaskFilter{MaxAmount: &middle.Amount}, func(r postgres.TaskRow) bool { return r.Amount <= middle.Amount }},
		"before":   {postgres.TaskFilter{OpenedBefore: &middle.OpenedAt}, func(r postgres.TaskRow) bool { return r.OpenedAt.Before(middle.OpenedAt) }},
		"after":    {postgres.TaskFilter{OpenedAfter: &middle.OpenedAt}, func(r postgres.TaskRow) bool { return r.OpenedAt.After(middle.OpenedAt) }},
		"sla":      {postgres.TaskFilter{SLA: "on_time"}, func(r postgres.TaskRow) bool { return r.SLA == "on_time" }},
		"a person": {postgres.TaskFilter{Assignee: "verifier1"}, func(r postgres.TaskRow) bool { return r.Assignee != nil && *r.Assignee == "verifier1" }},
		"held":     {postgres.TaskFilter{State: "claimed"}, func(r postgres.TaskRow) bool { return r.Assignee != nil }},
		"free":     {postgres.TaskFilter{State: "open"}, func(r postgres.TaskRow) bool { return r.Assignee == nil }},
	} {
		var want []string
		for _, r := range all {
			if tc.fits(r) {
				want = append(want, r.ID)
			}
		}
		if got := must(db.Tasks(ctx, manager, tc.filter, postgres.Page{}))(t); !slices.Equal(taskIDs(got), want) {
			t.Errorf("%s: %d tasks, want %d", name, len(got), len(want))
		}
	}
}

// A grant of some programmes, or with a ceiling, shows no other tasks.
func TestABoundedGrantShowsWhatItReaches(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	for i, programme := range []string{"medical", "medical"} {
		content := request(i)
		content.Programme, content.RequestedAmount = programme, int64(1_000_000*(i+1))
		openTask(t, db, submit(t, db, "portal1", content).ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	}
	for name, tc := range map[string]struct {
		programmes []string
		ceiling    int64
		want       int
	}{"all": {nil, 0, 2}, "its programme": {[]string{"other", "medical"}, 0, 2}, "another": {[]string{"other"}, 0, 0}, "ceiling": {nil, 1_000_000, 1}, "low": {nil, 1, 0}} {
		caller := db.Staff(t, "verifier1")
		caller.Roles[0].Programmes, caller.Roles[0].Ceiling = tc.programmes, tc.ceiling
		if got := must(db.Tasks(ctx, caller, postgres.TaskFilter{View: postgres.ViewGroup}, postgres.Page{}))(t); len(got) != tc.want {
			t.Errorf("%s: %d tasks, want %d", name, len(got), tc.want)
		}
	}
}

// A list is as of its first page: a deadline that passes meanwhile neither
// hides nor repeats a task.
func TestALateTaskDoesNotMoveBetweenPages(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier := db.Staff(t, "verifier1")
	var want []string
	for i := range 6 {
		at := db.Clock.Now().Add(time.Duration(i+1) * time.Hour)
		want = append(want, openTask(t, db, submit(t, db, "portal1", request(i)).ID, postgres.NewTask{Kind: aid.VerifyDocuments, Due: &at}))
	}
	got := everyPage(t, 2, func(p postgres.Page) ([]postgres.TaskRow, error) {
		defer db.Clock.Advance(2*time.Hour + 30*time.Minute)
		return db.Tasks(ctx, verifier, postgres.TaskFilter{}, p)
	})
	if !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
}

// What a list compares of case and areas follows them.
func TestTasksFollowTheirCaseAndAreas(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	c := submit(t, db, "portal1", request(0))
	due := db.Clock.Now().Add(240 * time.Hour)
	id := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments, Due: &due})
	look := func() (out struct {
		Path   string
		Amount int64
		Days   int
	}) {
		err := db.SQL(t).QueryRow(`SELECT array_to_string(path, ' '), amount, round(extract(epoch FROM due_at - ranks_at) / 86400) FROM tasks WHERE id = $1`, id).
			Scan(&out.Path, &out.Amount, &out.Days)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	row := must(db.Task(ctx, db.Staff(t, "verifier1"), id))(t)
	if got := look(); got.Path != "51 "+row.Area || got.Amount != 6_000_000 || got.Days != 0 {
		t.Fatalf("%+v", got)
	}
	must(db.AdvanceCase(ctx, db.Staff(t, "manager1"), c.ID, 11*24*time.Hour))(t)
	if late := must(db.Tasks(ctx, db.Staff(t, "verifier1"), postgres.TaskFilter{View: postgres.ViewOverdue}, postgres.Page{}))(t); len(late) != 1 || look().Days != 11 {
		t.Fatalf("%d late, %+v", len(late), look())
	}
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		lowered := int64(4_000_000)
		c.Amount = &lowered
		return tx.SaveCase(c)
	})
	if _, err := db.SQL(t).Exec(`UPDATE areas SET parent = '48' WHERE code = $1`, row.Area); err != nil {
		t.Fatal(err)
	}
	if got := look(); got.Path != "48 "+row.Area || got.Amount != 4_000_000 {
		t.Fatalf("%+v", got)
	}
	if rows := must(db.Tasks(ctx, db.Staff(t, "verifier3"), postgres.TaskFilter{}, postgres.Page{}))(t); len(rows) != 1 {
		t.Fatalf("the new province sees %d", len(rows))
	}
}

func TestSearchInTheInbox(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	verifier := db.Staff(t, "verifier1")
	ids := map[string]string{}
	for i, name := range []string{"Nguyễn Thị Đào", "Nguyễn Văn Đạo", "Trần Thị Mai"} {
		content := request(i)
		content.Applicant.FullName = name
		ids[name] = openTask(t, db, submit(t, db, "portal1", content).ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	}
	mai := must(db.Task(ctx, verifier, ids["Trần Thị Mai"]))(t)
	for text, want := range map[string][]string{
		"dao": {ids["Nguyễn Thị Đào"], ids["Nguyễn Văn Đạo"]}, "NGUYEN thi": {ids["Nguyễn Thị Đào"]}, "thị đào": {ids["Nguyễn Thị Đào"]},
		"mai tran": {mai.ID}, "mai nguyen": nil, "nobody": nil, "  ": nil, "?!": nil,
		*mai.CaseReference: {mai.ID}, "P1-000002": {mai.ID}, mai.CaseID: {mai.ID}, request(2).Applicant.NationalID: {mai.ID},
	} {
		rows, err := db.SearchTasks(ctx, verifier, text, postgres.TaskFilter{}, postgres.Page{})
		got := taskIDs(rows)
		slices.Sort(got)
		slices.Sort(want)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"dao", "nguyen thi", "nguyen", "mai nguyen", "mai", "nguyen dao"} {
		want := taskIDs(must(db.SearchTasks(ctx, verifier, text, postgres.TaskFilter{}, postgres.Page{}))(t))
		for _, b := range [][3]int{{0, 1, 1}, {0, 1, 2}, {0, 9, 9}, {1, 1, 9}, {1, 2, 1}, {9, 1, 2}} {
			if got := taskIDs(must(db.SearchTasksWithin(ctx, verifier, text, b[0], b[1], b[2]))(t)); !slices.Equal(got, want) {
				t.Errorf("%q within %v: %v, want %v", text, b, got, want)
			}
		}
	}
	for who, want := range map[string]int{"verifier3": 0, "manager1": 1, "treasurer1": 0} {
		if rows := must(db.SearchTasks(ctx, db.Staff(t, who), "mai", postgres.TaskFilter{}, postgres.Page{}))(t); len(rows) != want {
			t.Errorf("%s finds %d", who, len(rows))
		}
	}
	if rows := must(db.SearchTasks(ctx, verifier, "mai", postgres.TaskFilter{View: postgres.ViewMine}, postgres.Page{}))(t); len(rows) != 0 {
		t.Error("found what is not mine")
	}
	must(db.ClaimTask(ctx, verifier, mai.ID, 0))(t)
	if rows := must(db.SearchTasks(ctx, verifier, "mai", postgres.TaskFilter{View: postgres.ViewMine}, postgres.Page{}))(t); len(rows) != 1 {
		t.Error("mine is not found")
	}
}

// Everybody who asks for the next task at the same time gets another one, and
// nobody goes away empty while there is one.
func TestNextOneForEach(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	const tasks, callers = 8, 12
	for i := range tasks {
		openTask(t, db, submit(t, db, "portal1", request(i)).ID, postgres.NewTask{Kind: aid.VerifyDocuments})
	}
	who := make([]*postgres.Caller, callers)
	for i := range who {
		name := fmt.Sprintf("clerk%d", i)
		if _, err := db.SQL(t).Exec(`WITH s AS (INSERT INTO staff (subject, name, created_at) VALUES ($1, $1, now()) RETURNING subject)
			INSERT INTO staff_roles (subject, role, area) SELECT subject, 'verifier', '51' FROM s`, name); err != nil {
			t.Fatal(err)
		}
		who[i] = db.Staff(t, name)
	}
	got, errs := make([]string, callers), make([]error, callers)
	var all sync.WaitGroup
	for i, caller := range who {
		all.Go(func() {
			row, err := db.ClaimNextTask(ctx, caller, postgres.TaskFilter{})
			if errs[i] = err; err == nil {
				got[i] = row.ID
			}
		})
	}
	all.Wait()
	seen, empty := map[string]bool{}, 0
	for i := range who {
		switch {
		case aid.CodeOf(errs[i]) == "no_task":
			empty++
		case errs[i] != nil:
			t.Fatal(errs[i])
		case seen[got[i]]:
			t.Fatalf("%s was given twice", got[i])
		default:
			seen[got[i]] = true
		}
	}
	if len(seen) != tasks || empty != callers-tasks {
		t.Fatalf("%d given, %d empty", len(seen), empty)
	}
	for i, caller := range who {
		if errs[i] == nil {
			if again := must(db.ClaimNextTask(ctx, caller, postgres.TaskFilter{}))(t); again.ID != got[i] {
				t.Fatalf("%s has %s and gets %s", caller.ID, got[i], again.ID)
			}
			break
		}
	}
}
