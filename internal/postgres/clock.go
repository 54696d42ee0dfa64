package postgres

import (
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

// WholeCase is the scope of the clock of a case from its submit to its last
// payment; the other scopes are stages.
const WholeCase = "case"

// left is why the clock of a stage stands still in which the case is not.
const stageLeft = "left"

// clock is a clock of a case or of one of its stages.
type clock struct {
	Scope string `db:"scope"`
	counted
	Paused  string     `db:"paused"` // who is awaited, or stageLeft
	Started time.Time  `db:"started_at"`
	DueAt   *time.Time `db:"due_at"`
	Rung    int        `db:"rung"`
	EndedAt *time.Time `db:"ended_at"`

	plan   plan
	attend *time.Time
}

const clockSelect = `SELECT scope, allowed_us, spent_us, counted_at, calendar, paused, started_at, due_at, rung, ended_at
	FROM clocks WHERE case_id = $1 AND round = $2 ORDER BY scope`

func (k *clock) running() bool { return k.CountedAt != nil }

// turnClocks starts, stops and ends the clocks of a case when it comes to wait
// in another stage, or for somebody for whom the office's time stands still.
// What was taken stays.
func (tx *Tx) turnClocks(caseID string, w Wait) error {
	c, err := tx.caseOf(caseID)
	if err != nil || c.SubmittedAt == nil {
		return err
	}
	def, err := tx.Rules(c)
	if err != nil || !def.Timed() {
		return err
	}
	calendar, err := tx.calendarOf(c)
	if broken(err) {
		return tx.stopUncounted(c)
	}
	if err != nil {
		return err
	}
	var clocks []clock
	if err := tx.list(&clocks, clockSelect, c.ID, c.Round); err != nil {
		return err
	}
	t := turner{tx: tx, c: c, def: def, calendar: calendar, wait: w}
	for i := range clocks {
		if err := t.turn(&clocks[i]); err != nil {
			return err
		}
	}
	return t.begin(clocks)
}

// caseOf gives the case that the transaction has locked; one that it has just
// made is read.
func (tx *Tx) caseOf(id string) (*Case, error) {
	if tx.locked != nil && tx.locked.ID == id {
		return tx.locked, nil
	}
	var c Case
	err := tx.get(&c, `SELECT `+caseColumns+` FROM cases c WHERE c.id = $1`, id)
	return &c, err
}

// stopUncounted stops the clocks of a case whose calendar cannot be read: what
// they had not counted yet is lost, rather than that somebody else's time is
// counted as the office's. They go on with the next turn.
func (tx *Tx) stopUncounted(c *Case) error {
	_, err := tx.exec(`UPDATE clocks SET counted_at = NULL, attend_at = NULL, due_at = NULL, paused = 'calendar' WHERE case_id = $1 AND counted_at IS NOT NULL`, c.ID)
	return err
}

// turner turns the clocks of one case.
type turner struct {
	tx       *Tx
	c        *Case
	def      *programme.Definition
	calendar *worktime.Calendar
	wait     Wait
}

// over tells that what a clock measures has ended.
func (t turner) over(scope string) bool {
	return t.wait.Stage == aid.Ended || (scope == WholeCase && t.wait.Stage == aid.FollowUp)
}

// still gives why a clock is to stand still; "" when it is to run.
func (t turner) still(scope string) string {
	switch {
	case t.over(scope), scope != WholeCase && scope != string(t.wait.Stage):
		return stageLeft
	}
	return string(standsFor(t.wait.Owner))
}

// turn brings one clock to what the case waits for now.
func (t turner) turn(k *clock) error {
	still := t.still(k.Scope)
	if k.EndedAt != nil || (still == "") == k.running() && still == k.Paused && !t.over(k.Scope) {
		return nil
	}
	if err := t.count(k); err != nil {
		return err
	}
	k.Paused = still
	if t.over(k.Scope) {
		k.EndedAt, k.Paused = &t.tx.Now, ""
	}
	return t.save(k)
}

// count adds what a running clock has taken up to now.
func (t turner) count(k *clock) error {
	calendar, err := t.tx.calendarNamed(t.c, k.Calendar, t.calendar)
	if err != nil {
		return err
	}
	k.Spent = k.at(calendar, t.tx.Now).Microseconds()
	k.CountedAt = nil
	return nil
}

// save writes a clock, running when nobody else is awaited.
func (t turner) save(k *clock) error {
	k.plan, k.attend = plan{}, nil
	if k.Paused == "" && k.EndedAt == nil {
		k.CountedAt, k.Calendar = &t.tx.Now, t.calendar.Code
		run := count{allowed: time.Duration(k.Allowed) * time.Microsecond, spent: time.Duration(k.Spent) * time.Microsecond, from: t.tx.Now, due: k.DueAt}
		k.plan = run.plan(t.calendar, withoutLoss(t.def.Ladder()))
		k.DueAt, k.attend = &k.plan.due, k.plan.next(k.Rung)
	} else if k.Spent < k.Allowed { // one that is over has been over since then
		k.DueAt = nil
	}
	return t.tx.one(`
		INSERT INTO clocks (case_id, round, scope, allowed_us, spent_us, counted_at, paused, calendar, started_at, due_at, alarms, alarm_kinds, attend_at, ended_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT (case_id, round, scope) DO UPDATE SET spent_us = $5, counted_at = $6, paused = $7, calendar = $8, due_at = $10,
			alarms = $11, alarm_kinds = $12, attend_at = $13, ended_at = $14`,
		t.c.ID, t.c.Round, k.Scope, k.Allowed, k.Spent, k.CountedAt, k.Paused, k.Calendar, k.Started, k.DueAt,
		pq.Array(append([]time.Time{}, k.plan.alarms...)), pq.Array(append([]string{}, k.plan.kinds...)), k.attend, k.EndedAt)
}

// withoutLoss leaves out the rungs at which a person loses a task.
func withoutLoss(ladder []programme.Rung) []programme.Rung {
	var out []programme.Rung
	for _, r := range ladder {
		if r.Do != programme.ActReassign {
			out = append(out, r)
		}
	}
	return out
}

// begin starts the clocks that the programme wants from here on and that are
// not there: those of the case, and of the stage.
func (t turner) begin(have []clock) error {
	known := map[string]bool{}
	for _, k := range have {
		known[k.Scope] = true
	}
	for scope, days := range map[string]int{WholeCase: t.def.CaseDeadline.Days, string(t.wait.Stage): t.def.StageDays(string(t.wait.Stage))} {
		if days == 0 || known[scope] || t.over(scope) {
			continue
		}
		k := clock{Scope: scope, Started: t.tx.Now, Paused: string(standsFor(t.wait.Owner))}
		first := countDays(t.calendar, t.tx.Now, days)
		k.Allowed, k.Calendar, k.DueAt = first.allowed.Microseconds(), first.calendar, first.due
		if err := t.save(&k); err != nil {
			return err
		}
	}
	return nil
}

// calendarNamed gives the calendar of a code as it counts for a case; that of
// now when it is the same, or when the other is no more.
func (tx *Tx) calendarNamed(c *Case, code string, now *worktime.Calendar) (*worktime.Calendar, error) {
	if code == "" || code == now.Code {
		return now, nil
	}
	at := place{area: c.Area, programme: c.Programme, offset: offsetOf(c)}
	calendar, err := tx.calendarAt(at, code)
	if broken(err) {
		return now, nil
	}
	return calendar, err
}
