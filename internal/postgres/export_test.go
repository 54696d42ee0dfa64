package postgres

import (
	"context"
	"math"

	"github.com/aidflow/aidflow/aid"
)

// The queries that every look at who may see or decide asks, for a test of
// their plans.
const AreaAtQuery = areaAt

// AreasBelowQuery is the query of an area and all below it.
func AreasBelowQuery() string { return areasBelow("$1") }

// RecordIn is RecordIntent within a transaction, and PrepareIn what follows
// from a treasurer's decision: for tests that take everything back.
func (tx *Tx) RecordIn(in Intent) (RecordedIntent, error) {
	out, err := tx.recordIntent(in)
	return out, translate(err)
}

// PrepareIn is what ApplyIntent does after the decision on a payment.
func (tx *Tx) PrepareIn(c *Case, t *Task, d aid.Decision) error { return tx.preparePayment(c, t, d) }

// Translate is the door between the driver's errors and ours.
func Translate(err error) error { return translate(err) }

// SearchTasksWithin is SearchTasks with other bounds of its ways.
func (s *Store) SearchTasksWithin(ctx context.Context, caller *Caller, text string, few, frequent, together int) ([]TaskRow, error) {
	return s.searchTasks(ctx, caller, text, TaskFilter{}, Page{}, searchBounds{few: few, frequent: frequent, together: together})
}

// AssignIn is AssignTask within a transaction.
func (tx *Tx) AssignIn(c *Case, t *Task, by, to *Caller) error {
	return translate(tx.assign(c, t, by, to))
}

// BatchIn asks for a decision on one task as a batch does, within a
// transaction: kept, checked and recorded. What is left out is refused with
// the code of the item.
func (tx *Tx) BatchIn(by *Caller, behalf, task string, action aid.Action) (RecordedIntent, error) {
	most := int64(math.MaxInt64)
	in := NewBatch{ID: NewID(aid.BatchID), Behalf: behalf, Content: aid.BatchContent{Action: action, MaxAmount: &most, Currency: "VND"}}
	var tasks []chosen
	if err := tx.list(&tasks, `SELECT `+chosenColumns+` FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.id = $1`, task); err != nil {
		return RecordedIntent{}, err
	}
	if err := tx.insertBatch(by, in, tasks); err != nil {
		return RecordedIntent{}, translate(err)
	}
	job := &BatchJob{}
	if err := tx.get(&job.BatchRow, `SELECT `+batchColumns+` FROM task_batches WHERE id = $1`, in.ID); err != nil {
		return RecordedIntent{}, err
	}
	var items []item
	if err := tx.list(&items, `SELECT n, task_id, task_version, amount, decision_id FROM task_batch_items WHERE batch_id = $1`, in.ID); err != nil {
		return RecordedIntent{}, err
	}
	asked, err := tx.askItems(job, items)
	if err != nil {
		return RecordedIntent{}, translate(err)
	}
	if err := tx.one(`UPDATE task_batches SET state = 'done', decided = total - left_out, finished_at = $2 WHERE id = $1`, in.ID, tx.Wall); err != nil {
		return RecordedIntent{}, translate(err)
	}
	if len(asked) == 0 {
		return RecordedIntent{}, aid.Refuse(aid.Forbidden, items[0].code)
	}
	return asked[0], nil
}
