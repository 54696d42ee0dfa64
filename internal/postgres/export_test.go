package postgres

import (
	"context"

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
