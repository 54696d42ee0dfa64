package postgres_test

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// The life of a case in any order: returned, answered, claimed, released, given
// another priority, assigned, without money, before a register, for a milestone
// of the household, for the bank and for the program, parked and repaired,
// while calendars are edited and freezes come and go. Whatever happens, its
// intervals follow each other without a gap and sum to its elapsed time, and
// its clocks have taken exactly the working time of the intervals in which the
// office was awaited: never less than before, nothing in a pause.
func TestClocksCountWhateverHappens(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	if err := flag.Set("rapid.checks", "20"); err != nil { // each is a whole life in the database
		t.Fatal(err)
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		l := newLife(t, rt, db, n)
		if rapid.Bool().Draw(rt, "awarded at once") {
			l.open()
			l.forward()
			l.forward()
			l.award()
		}
		for range rapid.IntRange(4, 22).Draw(rt, "events") {
			l.step()
			l.check()
		}
	})
}

func newLife(t *testing.T, rt *rapid.T, db *pgtest.DB, n int) *life {
	t.Helper()
	return &life{t: t, rt: rt, db: db, id: submit(t, db, "portal1", request(n)).ID, accrued: map[string]time.Duration{}}
}

type life struct {
	t       *testing.T
	rt      *rapid.T
	db      *pgtest.DB
	id      string
	accrued map[string]time.Duration
	over    bool
}

func (l *life) change(fn func(*postgres.Tx, *postgres.Case) error) { change(l.t, l.db, l.id, fn) }

func (l *life) row() *postgres.CaseRow {
	row, err := l.db.CaseByID(context.Background(), l.db.Staff(l.t, "manager1"), l.id)
	if err != nil {
		l.rt.Fatal(err)
	}
	return row
}

// step lets time pass and one thing happen.
func (l *life) step() {
	l.db.Clock.Advance(time.Duration(rapid.IntRange(0, 60*60*70).Draw(l.rt, "seconds")) * time.Second)
	acts := []func(){l.claim, l.release, l.assign, l.urgent, l.editCalendar, l.freeze, l.thaw, l.recount, func() {}}
	switch row := l.row(); row.Status {
	case aid.Submitted:
		acts = append(acts, l.open, l.open, l.open, l.register)
	case aid.InReview:
		acts = append(acts, l.giveBack, l.register, l.park, l.repair, l.forward, l.forward)
	case aid.ActionNeeded:
		acts = append(acts, l.answer, l.answer)
	case aid.WaitingFunds:
		acts = append(acts, l.money, l.award)
	case aid.Approved, aid.Paying:
		acts = append(acts, l.household, l.bank, l.pay, l.program)
	}
	if !l.over && rapid.IntRange(0, 30).Draw(l.rt, "withdrawn") == 0 {
		acts = []func(){l.withdraw}
	}
	rapid.SampledFrom(acts).Draw(l.rt, "act")()
}

func (l *life) task(tx *postgres.Tx, c *postgres.Case) error {
	n := postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Rule: map[string]any{"because": "test"}}
	if c.Stage == aid.Approval {
		n.Kind, n.Level, n.Rule = aid.Approve, "commune", aid.Level{Name: "commune", Mode: aid.ModeAny}
	}
	_, err := tx.OpenOfficeTask(c, n)
	return err
}

func (l *life) open() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		return l.task(tx, c)
	})
}

func (l *life) register() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerRegister})
	})
}

func (l *life) giveBack() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.EndTasks(c, "replaced"); err != nil {
			return err
		}
		if err := tx.MoveCase(c, aid.EventReturn); err != nil {
			return err
		}
		_, err := tx.OpenTask(c, postgres.NewTask{Kind: aid.ProvideInformation, Workflow: c.WorkflowID, Owner: aid.OwnerPartner, Rule: map[string]any{}})
		return err
	})
}

func (l *life) answer() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.EndTasks(c, "replaced"); err != nil {
			return err
		}
		c.Review++
		if err := tx.MoveCase(c, aid.EventProvide); err != nil {
			return err
		}
		return l.task(tx, c)
	})
}

// forward verifies, or finds no money.
func (l *life) forward() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.EndTasks(c, "void"); err != nil {
			return err
		}
		if c.Stage == aid.Verification {
			if err := tx.MoveCase(c, aid.EventVerify); err != nil {
				return err
			}
			return l.task(tx, c)
		}
		fund, err := tx.FundFor(c.Area, c.Currency)
		if err != nil {
			return err
		}
		c.FundID, c.DecidedAt = &fund, &tx.Now
		if err := tx.MoveCase(c, aid.EventWaitFunds); err != nil {
			return err
		}
		return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerFund})
	})
}

func (l *life) money() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		c.Review++
		if err := tx.MoveCase(c, aid.EventBack); err != nil {
			return err
		}
		return l.task(tx, c)
	})
}

func (l *life) park() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error { return tx.Park(c, c.WorkflowID, "step", "fault") })
}

func (l *life) repair() {
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.EndTasks(c, "void", aid.RepairConfiguration); err != nil {
			return err
		}
		return tx.WaitForOpenTask(c, aid.OwnerOffice)
	})
}

func (l *life) withdraw() {
	l.over = true
	l.change(func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.EndTasks(c, "void"); err != nil {
			return err
		}
		if err := tx.MoveCase(c, aid.EventWithdraw); err != nil {
			return err
		}
		return tx.EndWait(c.ID)
	})
}

// tasks gives the open tasks of the case, as a verifier and an approver see
// them.
func (l *life) tasks() []string {
	rows, err := l.db.Tasks(context.Background(), l.db.Staff(l.t, "manager1"), postgres.TaskFilter{Case: l.id}, postgres.Page{})
	if err != nil {
		l.rt.Fatal(err)
	}
	var ids []string
	for _, r := range rows {
		ids = append(ids, r.ID)
	}
	return ids
}

func (l *life) claim() {
	for _, id := range l.tasks() {
		for _, who := range []string{"verifier1", "approver1"} {
			_, _ = l.db.ClaimTask(context.Background(), l.db.Staff(l.t, who), id, 0) // most may not
		}
	}
}

// assign gives tasks to somebody: it takes no time and gives none.
func (l *life) assign() {
	for _, id := range l.tasks() {
		who := rapid.SampledFrom([]string{"verifier1", "verifier2", "approver1", "treasurer1"}).Draw(l.rt, "assignee")
		_, _ = l.db.AssignTask(context.Background(), l.db.Staff(l.t, "manager1"), id, who, 0) // most may not
	}
}

func (l *life) release() {
	for _, id := range l.tasks() {
		if _, err := l.db.ReleaseTask(context.Background(), l.db.Staff(l.t, "manager1"), id, 0); err != nil {
			l.rt.Fatal(err)
		}
	}
}

func (l *life) urgent() {
	_, err := l.db.SetPriority(context.Background(), l.db.Staff(l.t, "manager1"), l.id, 0, rapid.Bool().Draw(l.rt, "urgent"), "corrected")
	if err != nil && aid.CodeOf(err) != "wrong_state" {
		l.rt.Fatal(err)
	}
}

func (l *life) editCalendar() {
	ctx, admin := context.Background(), l.db.Staff(l.t, "admin1")
	now, err := l.db.CalendarByCode(ctx, "vn-office")
	if err != nil {
		l.rt.Fatal(err)
	}
	rules := now.Rules
	rules.Holidays = nil
	today := l.db.Now()
	for day := range 12 {
		if rapid.IntRange(0, 3).Draw(l.rt, "off") == 0 {
			rules.Holidays = append(rules.Holidays, worktime.Holiday{Date: today.AddDate(0, 0, day-4).Format(time.DateOnly), Name: "x"})
		}
	}
	if rapid.Bool().Draw(l.rt, "saturday") {
		rules.Week = map[string][][]string{"mon": {{"08:00", "12:00"}}, "tue": {{"07:00", "17:30"}}, "wed": {{"00:00", "24:00"}}, "sat": {{"09:00", "10:30"}}}
	}
	if _, err := l.db.EditCalendar(ctx, admin, "vn-office", now.Version, rules, nil); err != nil {
		l.rt.Fatal(err)
	}
}

func (l *life) freeze() {
	from := time.Time{}
	if rapid.Bool().Draw(l.rt, "later") {
		from = l.db.Now().Add(time.Duration(rapid.IntRange(1, 90).Draw(l.rt, "begins")) * time.Hour)
	}
	until := l.db.Now().Add(time.Duration(rapid.IntRange(91, 200).Draw(l.rt, "ends")) * time.Hour)
	_, err := l.db.CreateFreeze(context.Background(), l.db.Staff(l.t, "manager1"), postgres.Freeze{ID: postgres.NewID(aid.FreezeID), Area: "51", From: from, Until: until, Reason: "disaster"})
	if err != nil {
		l.rt.Fatal(err)
	}
}

func (l *life) freezes() []postgres.Freeze {
	all, err := l.db.Freezes(context.Background(), l.db.Staff(l.t, "manager1"), postgres.Page{})
	if err != nil {
		l.rt.Fatal(err)
	}
	return all
}

func (l *life) thaw() {
	for _, f := range l.freezes() {
		_, err := l.db.EndFreeze(context.Background(), l.db.Staff(l.t, "manager1"), f.ID, f.Version)
		if err != nil && aid.CodeOf(err) != "freeze_over" {
			l.rt.Fatal(err)
		}
	}
}

func (l *life) recount() {
	if _, err := l.db.Recount(context.Background(), rapid.IntRange(1, 50).Draw(l.rt, "batch")); err != nil {
		l.rt.Fatal(err)
	}
}

// check compares the clocks with the intervals.
func (l *life) check() {
	row := l.row()
	waits, err := l.db.Waits(context.Background(), l.db.Staff(l.t, "manager1"), l.id)
	if err != nil {
		l.rt.Fatal(err)
	}
	var sum time.Duration
	for i, w := range waits {
		switch {
		case w.N != i+1, i > 0 && !waits[i-1].To.Equal(w.From):
			l.rt.Fatalf("interval %d: a gap or an overlap", w.N)
		case (w.To == nil) != (i == len(waits)-1 && !l.over):
			l.rt.Fatalf("interval %d is open: %v", w.N, w.To == nil)
		}
		if w.To != nil {
			sum += w.To.Sub(w.From)
		}
	}
	end := row.Now
	if l.over {
		end = *waits[len(waits)-1].To
	} else {
		sum += end.Sub(waits[len(waits)-1].From)
	}
	if elapsed := end.Sub(waits[0].From); sum != elapsed || !waits[0].From.Equal(row.CreatedAt) {
		l.rt.Fatalf("the intervals sum to %v, %v have passed", sum, elapsed)
	}
	l.checkClocks(row, waits)
}

func (l *life) checkClocks(row *postgres.CaseRow, waits []postgres.WaitRow) {
	clocks, err := l.db.CaseClocks(context.Background(), row)
	if err != nil {
		l.rt.Fatal(err)
	}
	if len(clocks) == 0 {
		l.rt.Fatal("no clock runs")
	}
	for _, k := range clocks {
		if want := l.worked(k.Scope, waits, row.Now); k.Accrued != want {
			l.rt.Fatalf("the clock of %s has %v, its intervals %v", k.Scope, k.Accrued, want)
		}
		l.grows(k.Scope, k)
	}
	for _, id := range l.tasks() {
		k, err := l.db.TaskClock(context.Background(), id)
		if err != nil {
			l.rt.Fatal(err)
		}
		if k != nil {
			l.grows(id, *k)
		}
	}
}

func (l *life) grows(name string, k postgres.ClockRow) {
	if k.Accrued < l.accrued[name] {
		l.rt.Fatalf("%s had %v and has %v", name, l.accrued[name], k.Accrued)
	}
	l.accrued[name] = k.Accrued
	if left := k.Allowed - k.Accrued; k.Paused == "" && k.EndedAt == nil && left > 0 && k.DueAt == nil {
		l.rt.Fatalf("%s runs and has no deadline", name)
	}
}

// worked counts the working time of the intervals in which the office was
// awaited, piece by piece, each by the version of the calendar that was in
// force.
func (l *life) worked(scope string, waits []postgres.WaitRow, now time.Time) time.Duration {
	eras := l.eras()
	var freezes []worktime.Span
	for _, f := range l.freezes() {
		freezes = append(freezes, worktime.Span{From: f.From, Until: f.Until})
	}
	var sum time.Duration
	for _, w := range waits {
		paused := slices.Contains([]aid.Owner{aid.OwnerHousehold, aid.OwnerPartner, aid.OwnerRegister, aid.OwnerFund}, w.Owner)
		if paused || (scope != postgres.WholeCase && string(w.Stage) != scope) {
			continue
		}
		to := now
		if w.To != nil {
			to = *w.To
		}
		for i, era := range eras {
			from, until := w.From, to
			if era.begins.After(from) {
				from = era.begins
			}
			if i+1 < len(eras) && eras[i+1].begins.Before(until) {
				until = eras[i+1].begins
			}
			if from.Before(until) {
				sum += era.calendar.Frozen(freezes...).Between(from, until)
			}
		}
	}
	return sum
}

type calendarEra struct {
	begins   time.Time
	calendar *worktime.Calendar
}

func (l *life) eras() []calendarEra {
	versions, err := l.db.CalendarVersions(context.Background(), "vn-office", postgres.Page{})
	if err != nil {
		l.rt.Fatal(err)
	}
	var eras []calendarEra
	for _, v := range slices.Backward(versions) {
		c, err := worktime.New(v.Rules)
		if err != nil {
			l.rt.Fatal(err)
		}
		e := calendarEra{calendar: c}
		if v.ChangedAt != nil {
			e.begins = *v.ChangedAt
		}
		eras = append(eras, e)
	}
	return eras
}
