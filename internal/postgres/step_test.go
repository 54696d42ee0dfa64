package postgres_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// noted makes a step that leaves an event of the given kind.
func noted(t *testing.T, db *pgtest.DB, s aid.Step, kind string) aid.Outcome {
	t.Helper()
	out, err := db.Step(context.Background(), s, "note", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		return aid.Outcome{Result: kind}, tx.AddEvent(c, postgres.Event{Kind: kind, Actor: postgres.System})
	})
	require.NoError(t, err)
	return out
}

// A step is known by its cause. A machine that died after a commit repeats what
// it was doing, perhaps after something else that has taken its number: both
// happen once, and each is told its own result.
func TestStepIsKnownByItsCause(t *testing.T) {
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(1))
	step := func(cause string, seq int) aid.Step {
		return aid.Step{Workflow: c.WorkflowID, Cause: cause, Seq: seq, Case: c.ID}
	}
	require.Equal(t, "a", noted(t, db, step("dec_a", 5), "a").Result)
	require.Equal(t, "b", noted(t, db, step("dec_b", 5), "b").Result, "another's number")
	again := noted(t, db, step("dec_a", 6), "never")
	require.Equal(t, "a", again.Result, "its own result")
	require.Equal(t, aid.Submitted, again.Place.Status)
	events := db.SQL(t).QueryRow(`SELECT count(*) FILTER (WHERE kind IN ('a', 'b')), count(*) FILTER (WHERE kind = 'never') FROM events WHERE case_id = $1`, c.ID)
	var once, never int
	require.NoError(t, events.Scan(&once, &never))
	require.Equal(t, []int{2, 0}, []int{once, never})
}

// A repeated step tells what is open now, not what was open then.
func TestRepeatedStepTellsOfNow(t *testing.T) {
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(2))
	step := aid.Step{Workflow: c.WorkflowID, Cause: "dec_a", Seq: 1, Case: c.ID}
	require.Empty(t, noted(t, db, step, "a").Tasks)
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.FieldVisit, Workflow: c.WorkflowID})
	tasks := noted(t, db, step, "a").Tasks
	require.Len(t, tasks, 1)
	require.Equal(t, task, tasks[0].ID)
}
