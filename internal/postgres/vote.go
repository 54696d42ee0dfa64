package postgres

import "github.com/aidflow/aidflow/aid"

// cast are the votes on the task on which this transaction has made a decision:
// nobody else makes one while the task is locked.
type cast struct {
	task string
	cast []aid.Vote
}

// voted keeps what was read before the transaction's own decision, and that.
func (tx *Tx) voted(t *Task, before []ballot, own aid.Vote) {
	tx.votes = &cast{task: t.ID}
	for _, b := range before {
		tx.votes.cast = append(tx.votes.cast, aid.Vote{Actor: b.Actor, Action: b.Action, Chair: b.Chair})
	}
	tx.votes.cast = append(tx.votes.cast, own)
}

// Votes gives the applied decisions on a task, in their order. Whoever was in
// the chair when voting stays it, whatever happens to the role.
func (tx *Tx) Votes(t *Task) ([]aid.Vote, error) {
	if tx.votes != nil && tx.votes.task == t.ID {
		return tx.votes.cast, nil
	}
	var rows []struct {
		Actor  string     `db:"actor"`
		Action aid.Action `db:"action"`
		Chair  bool       `db:"chair"`
	}
	err := tx.list(&rows, `SELECT actor, action, chair FROM decisions WHERE task_id = $1 AND state = 'applied' ORDER BY decided_at, id`, t.ID)
	var votes []aid.Vote
	for _, r := range rows {
		votes = append(votes, aid.Vote{Actor: r.Actor, Action: r.Action, Chair: r.Chair})
	}
	return votes, err
}

// Voted records that a task stays open after a vote: whoever had claimed it is
// done with it, and what it shows has changed. When those who may still vote
// cannot bring it to its end, an administrator is called.
func (tx *Tx) Voted(c *Case, t *Task) error {
	err := tx.one(`UPDATE tasks SET state = 'open', assignee = NULL, claimed_at = NULL, claimed_until = NULL, assigned_by = NULL, version = version + 1 WHERE id = $1 AND closed_at IS NULL`, t.ID)
	if err != nil {
		return err
	}
	if !c.Status.Open() {
		return nil // what an ended case leaves to do keeps nobody waiting
	}
	if err := tx.BeginWait(c.ID, Wait{Stage: c.Stage, Owner: aid.OwnerOffice, Task: t.ID, Level: t.Level}); err != nil {
		return err
	}
	return tx.parkIfNobody(c, t)
}

// AppliedDecisions gives the ids of the applied decisions on a task.
func (tx *Tx) AppliedDecisions(t *Task) ([]string, error) {
	var ids []string
	err := tx.list(&ids, `SELECT id FROM decisions WHERE task_id = $1 AND state = 'applied' ORDER BY decided_at, id`, t.ID)
	return ids, err
}

// RejectionReason gives the reason code of the last applied rejection of a
// task.
func (tx *Tx) RejectionReason(t *Task) (string, error) {
	var reason string
	err := tx.get(&reason, `SELECT reason_code FROM decisions WHERE task_id = $1 AND state = 'applied' AND action = 'reject'
		ORDER BY decided_at DESC, id DESC LIMIT 1`, t.ID)
	return reason, err
}
