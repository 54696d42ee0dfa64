package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// batchMost is how many tasks one batch may be about.
const batchMost = 20_000

// BatchRow is a batch as its person sees it. Of Total tasks each is decided,
// left out, cancelled, or still to come; in a dry run decided means: would be.
type BatchRow struct {
	ID         string     `db:"id"`
	CreatedBy  string     `db:"created_by"`
	Behalf     string     `db:"behalf"` // in whose name; "": as of a single decision that names nobody
	CreatedAt  time.Time  `db:"created_at"`
	DryRun     bool       `db:"dry_run"`
	Follows    *string    `db:"follows"`
	Action     aid.Action `db:"action"`
	Reason     string     `db:"reason_code"`
	MaxAmount  *int64     `db:"max_amount"` // minor units of Currency
	Currency   string     `db:"currency"`
	State      string     `db:"state"` // waiting, running, done, cancelled
	Total      int        `db:"total"`
	Decided    int        `db:"decided"`
	LeftOut    int        `db:"left_out"`
	Cancelled  int        `db:"cancelled"`
	Stopping   bool       `db:"stopping"` // asked to stop, not stopped yet
	StartedAt  *time.Time `db:"started_at"`
	FinishedAt *time.Time `db:"finished_at"`

	Reasons map[string]int `db:"-"` // tasks left out, by code; of one batch only
}

const batchColumns = `id, created_by, behalf, created_at, dry_run, follows, action, reason_code, max_amount, currency, state, total, decided, left_out,
	cancelled, cancel_asked IS NOT NULL AND finished_at IS NULL AS stopping, started_at, finished_at`

// Cursor gives the row's place in the list of batches.
func (r BatchRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

// Batch gives a batch to who asked for it.
//
// Errors: NotFound batch_not_found.
func (s *Store) Batch(ctx context.Context, caller *Caller, id string) (*BatchRow, error) {
	var row BatchRow
	err := s.get(ctx, &row, `SELECT `+batchColumns+` FROM task_batches WHERE id = $1 AND created_by = $2`, id, caller.Actor())
	if err != nil {
		return nil, noBatch(err)
	}
	var codes []struct {
		Code string `db:"code"`
		N    int    `db:"n"`
	}
	err = s.list(ctx, &codes, `SELECT code, count(*) AS n FROM task_batch_items WHERE batch_id = $1 AND state = 'left_out' GROUP BY code`, id)
	row.Reasons = map[string]int{}
	for _, c := range codes {
		row.Reasons[c.Code] = c.N
	}
	return &row, err
}

func noBatch(err error) error {
	if notFound(err) || aid.KindOf(err) == aid.NotFound {
		return aid.Refuse(aid.NotFound, "batch_not_found")
	}
	return err
}

// Batches lists what the caller has asked for, the newest first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Batches(ctx context.Context, caller *Caller, p Page) ([]BatchRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	rows := []BatchRow{}
	err = s.list(ctx, &rows, `SELECT `+batchColumns+` FROM task_batches WHERE created_by = $1
		AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3)) ORDER BY created_at DESC, id DESC LIMIT $4`,
		caller.Actor(), at, p.After.ID, p.limit())
	return rows, err
}

// BatchItem is one task of a batch and what became of it.
type BatchItem struct {
	N        int           `db:"n"`
	Task     string        `db:"task_id"`
	Kind     *aid.TaskKind `db:"kind"` // nil for a task that is not the caller's to see
	Level    *string       `db:"level"`
	Case     *string       `db:"case_id"`
	Ref      *string       `db:"reference"`
	Amount   int64         `db:"amount"`   // when it was chosen, minor units
	Currency *string       `db:"currency"` // of the amount
	Decision string        `db:"decision_id"`
	Asked    bool          `db:"was_asked"` // the decision exists
	State    string        `db:"state"`     // waiting, asked, decided, left_out, cancelled
	Code     string        `db:"code"`      // why it was left out
	EndedAt  *time.Time    `db:"ended_at"`

	// Of a task that was left out because somebody was first: who decided it,
	// and who has it now; nil for nobody. On the clock of the case.
	OvertakenBy *string     `db:"overtaken_by"`
	Overtaking  *aid.Action `db:"overtaking"`
	OvertakenAt *time.Time  `db:"overtaken_at"`
	Holder      *string     `db:"holder"`
	HeldAt      *time.Time  `db:"held_at"`
	Assigned    bool        `db:"assigned"` // the holder was given it
}

// Cursor gives the row's place in the batch.
func (i BatchItem) Cursor() Cursor { return Cursor{Sort: strconv.Itoa(i.N), ID: i.Task} }

// BatchItems lists the tasks of a batch in its order; state "" means all,
// code "" any.
//
// Errors: NotFound batch_not_found; Invalid invalid_cursor.
func (s *Store) BatchItems(ctx context.Context, caller *Caller, id, state, code string, p Page) ([]BatchItem, error) {
	if _, err := s.Batch(ctx, caller, id); err != nil {
		return nil, err
	}
	after, err := strconv.Atoi(p.After.Sort)
	if err != nil && p.After != (Cursor{}) {
		return nil, badCursor()
	}
	rows := []BatchItem{}
	err = s.list(ctx, &rows, `
		SELECT i.n, i.task_id, t.kind, t.level, c.id AS case_id, c.reference, i.amount, c.currency, i.decision_id, i.state, i.code, i.ended_at,
		       EXISTS (SELECT 1 FROM decisions d WHERE d.id = i.decision_id) AS was_asked,
		       w.actor AS overtaken_by, w.action AS overtaking, w.decided_at AS overtaken_at, coalesce(t.assigned_by IS NOT NULL, false) AS assigned,
		       CASE WHEN i.code = 'task_claimed' AND t.closed_at IS NULL AND coalesce(t.lapses_at > $6, true) THEN t.assignee END AS holder, t.claimed_at AS held_at
		FROM task_batch_items i LEFT JOIN tasks t ON t.id = i.task_id AND i.task_version > 0 LEFT JOIN cases c ON c.id = t.case_id
		LEFT JOIN LATERAL (SELECT d.actor, d.action, d.decided_at FROM decisions d WHERE d.task_id = t.id AND d.state = 'applied'
			AND CASE i.code WHEN 'already_decided' THEN $7 IN (d.actor, d.behalf) ELSE t.state = 'done' END
			ORDER BY d.decided_at DESC, d.id DESC LIMIT 1) w ON i.code IN ('task_closed', 'already_decided', 'task_claimed')
		WHERE i.batch_id = $1 AND i.n > $2 AND ($3 = '' OR i.state = $3) AND ($4 = '' OR i.code = $4) ORDER BY i.n LIMIT $5`,
		id, after, state, code, p.limit(), s.Now(), caller.Actor())
	return rows, err
}

// CancelBatch asks a batch to stop. Decisions that are on their way are made;
// what it has not come to is left as it is. Asked again, or when it has ended,
// it changes nothing.
//
// Errors: NotFound batch_not_found.
func (s *Store) CancelBatch(ctx context.Context, caller *Caller, id string) (*BatchRow, error) {
	err := s.Write(ctx, func(tx *Tx) error {
		var b BatchRow
		err := tx.get(&b, `SELECT `+batchColumns+` FROM task_batches WHERE id = $1 AND created_by = $2 FOR UPDATE`, id, caller.Actor())
		if err != nil {
			return noBatch(err)
		}
		if b.FinishedAt != nil || b.Stopping {
			return nil
		}
		if err := tx.one(`UPDATE task_batches SET cancel_asked = $2 WHERE id = $1`, id, tx.Wall); err != nil {
			return err
		}
		tx.acting = Standing{Actor: b.CreatedBy, Behalf: b.Behalf}
		if err := tx.AddAudit(caller.Actor(), "cancel_batch", id, "done", ""); err != nil || b.State != "waiting" {
			return err
		}
		return tx.endBatch(id, "cancelled")
	})
	if err != nil {
		return nil, err
	}
	return s.Batch(ctx, caller, id)
}

// endBatch ends a batch; what it has not come to is cancelled.
func (tx *Tx) endBatch(id, state string) error {
	n, err := tx.exec(`UPDATE task_batch_items SET state = 'cancelled', ended_at = $2 WHERE batch_id = $1 AND state = 'waiting'`, id, tx.Wall)
	if err != nil {
		return err
	}
	return tx.one(`UPDATE task_batches SET state = $2, cancelled = $3, finished_at = $4, lease_until = NULL WHERE id = $1 AND finished_at IS NULL`,
		id, state, n, tx.Wall)
}

// batchNote opens the note of a batch.
func (tx *Tx) batchNote(id string, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	plain, err := tx.vault.Open("task_batches", "sealed", id, sealed)
	return string(plain), err
}

func (tx *Tx) sealNote(id, note string) ([]byte, error) {
	if note == "" {
		return nil, nil
	}
	return tx.vault.Seal("task_batches", "sealed", id, []byte(note))
}

// filterJSON keeps by what tasks were chosen.
func filterJSON(f *TaskFilter) (any, error) {
	if f == nil {
		return nil, nil
	}
	raw, err := json.Marshal(f)
	return raw, err
}
