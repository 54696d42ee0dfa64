package postgres

import "context"

// SendSignal puts a signal to a workflow into the outbox.
func (tx *Tx) SendSignal(workflow, name string) error {
	return tx.one(`INSERT INTO outbox (kind, workflow_id, name, created_at) VALUES ('signal', $1, $2, $3)`, workflow, name, tx.Wall)
}

// Message is something that has to leave.
type Message struct {
	ID         int64  `db:"id"`
	WorkflowID string `db:"workflow_id"`
	Name       string `db:"name"`
}

// Dispatch takes up to limit unsent messages, sends each with fn and marks
// those that were sent. Two dispatchers never take the same message; a message
// whose sender dies is taken again, so receivers must bear a copy.
func (s *Store) Dispatch(ctx context.Context, limit int, fn func(context.Context, Message) error) (sent int, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		sent = 0
		var all []Message
		err := tx.list(&all, `SELECT id, workflow_id, name FROM outbox WHERE sent_at IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED`, limit)
		if err != nil {
			return err
		}
		for _, m := range all {
			query := `UPDATE outbox SET sent_at = $2, attempts = attempts + 1 WHERE id = $1`
			if fn(ctx, m) != nil {
				query = `UPDATE outbox SET attempts = attempts + 1, created_at = greatest(created_at, $2) WHERE id = $1`
			} else {
				sent++
			}
			if _, err := tx.exec(query, m.ID, tx.Wall); err != nil {
				return err
			}
		}
		return nil
	})
	return sent, err
}
