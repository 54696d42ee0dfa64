package worker_test

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// lateWork are the events of the ladders.
const lateWork = `('task.partner_reminded', 'task.reminded', 'task.escalated', 'task.reassigned', 'case.no_answer', 'case.sla_at_risk', 'case.sla_breached', 'case.escalated')`

const walked = `('verify_documents', 'field_visit', 'provide_information', 'approve', 'decide_stalled')`

// rows tells of PostgreSQL what simple.rows tells of the model.
func (wk *walk) rows() []string {
	out := wk.tn.texts(`SELECT concat('case ', c.status, ' ', c.stage, ' review ', c.review, ' returns ', c.returns, ' lowered ', coalesce(c.amount, 0), ' awaits ',
			CASE WHEN c.status = 'approved' THEN 'system' ELSE i.owner END)
		FROM cases c LEFT JOIN intervals i ON i.case_id = c.id AND i.to_at IS NULL WHERE c.id = $1`, wk.c)
	out = append(out, wk.tn.texts(`SELECT concat('task ', t.kind, ' ', t.level, ' ', t.review, ' ', CASE t.state WHEN 'claimed' THEN 'open' ELSE t.state END, ' ', t.outcome,
			' version ', t.version, CASE WHEN t.closed_at IS NULL THEN concat(' held ', t.assignee, ' for ', t.assigned_for) END,
			(SELECT string_agg(concat(' ', d.action, ' ', CASE WHEN d.actor LIKE 'par%' THEN 'partner' ELSE d.actor END, ' ', d.behalf, ' ', d.chair::text), '' ORDER BY
				concat(' ', d.action, ' ', CASE WHEN d.actor LIKE 'par%' THEN 'partner' ELSE d.actor END, ' ', d.behalf, ' ', d.chair::text) COLLATE "C")
			 FROM decisions d WHERE d.task_id = t.id AND d.state = 'applied'))
		FROM tasks t WHERE t.case_id = $1 AND t.kind IN `+walked, wk.c)...)
	out = append(out, wk.tn.texts(`SELECT concat('told ', e.kind, ' ', CASE WHEN t.id IS NULL THEN e.data->>'scope' ELSE concat('task ', t.kind, ' ', t.level, ' ', t.review) END, ' ', count(*))
		FROM events e LEFT JOIN tasks t ON t.id = e.task_id WHERE e.case_id = $1 AND e.kind IN `+lateWork+` AND coalesce(t.kind, 'approve') IN `+walked+`
		GROUP BY e.kind, t.id, t.kind, t.level, t.review, e.data->>'scope'`, wk.c)...)
	out = append(out, wk.tn.texts(`SELECT concat('parked ', t.kind, ' ', t.level, ' ', t.review) FROM tasks r JOIN tasks t ON t.id = r.subject
		WHERE r.case_id = $1 AND r.kind = 'repair_configuration' AND r.closed_at IS NULL AND t.kind IN `+walked, wk.c)...)
	slices.Sort(out)
	return out
}

// same compares the two worlds.
func (wk *walk) same() error {
	real, model := wk.rows(), wk.m.rows()
	if diff := apartFrom(real, model); diff != "" {
		return fmt.Errorf("PostgreSQL (+) and the model (-) differ:\n%s", diff)
	}
	used := map[string]bool{}
	for _, w := range wk.m.works {
		for _, id := range wk.tn.texts(`SELECT id FROM tasks WHERE case_id = $1 AND kind = $2 AND level = $3 AND review = $4 ORDER BY opened_at, id`, wk.c, w.kind, w.level, w.review) {
			if !used[id] {
				w.id, used[id] = id, true
				break
			}
		}
	}
	return errors.Join(wk.sameWaits(), wk.sameDeciders())
}

func apartFrom(real, model []string) string {
	var out strings.Builder
	for _, r := range real {
		if !slices.Contains(model, r) {
			out.WriteString("+ " + r + "\n")
		}
	}
	for _, r := range model {
		if !slices.Contains(real, r) {
			out.WriteString("- " + r + "\n")
		}
	}
	return out.String()
}

// sameWaits compares how long the case has waited for whom. The test
// environment's clock runs a little beside the town's.
func (wk *walk) sameWaits() error {
	if !wk.m.open() {
		return nil
	}
	for _, owner := range []aid.Owner{aid.OwnerOffice, aid.OwnerPartner, aid.OwnerFund} {
		var took sql.NullFloat64
		err := wk.tn.conn.QueryRow(`SELECT sum(extract(epoch FROM coalesce(to_at, $3) - from_at)) FROM intervals WHERE case_id = $1 AND owner = $2`, wk.c, owner, wk.tn.now).Scan(&took)
		if err != nil {
			return err
		}
		if apart := time.Duration(took.Float64*float64(time.Second)) - wk.m.waited[owner]; apart.Abs() > 3*time.Minute {
			return fmt.Errorf("waited for %s %v longer than the model", owner, apart)
		}
	}
	return nil
}

// sameDeciders asks, for one person after the other, what that person may do
// with each open task.
func (wk *walk) sameDeciders() error {
	people := slices.DeleteFunc(slices.Sorted(maps.Keys(wk.m.staff)), func(p string) bool { return p == "partner" || p == "verifier3" })
	wk.looked++
	person := choose(people, wk.looked)
	if wk.unclear(person) {
		return nil
	}
	for _, w := range wk.m.opens(aid.VerifyDocuments, aid.FieldVisit, aid.Approve, aid.DecideStalled) {
		row, err := wk.tn.db.Task(wk.tn.t.Context(), wk.tn.db.Staff(wk.tn.t, person), w.id)
		may := err == nil && len(row.AllowedActions) > 0
		if why := wk.bars(w, person); may != (len(why) == 0) {
			return fmt.Errorf("%s may decide %s: %v %v, the model says %v", person, w.name(), may, err, why)
		}
	}
	return nil
}
