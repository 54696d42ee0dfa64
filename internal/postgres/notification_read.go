package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// NotificationRow is one line of a person's bell.
type NotificationRow struct {
	ID            string        `db:"id"`
	Kind          string        `db:"kind"`
	Topic         aid.Topic     `db:"topic"`
	At            time.Time     `db:"at"`
	ReadAt        *time.Time    `db:"read_at"`
	CaseID        *string       `db:"case_id"`
	CaseReference *string       `db:"reference"`
	TaskID        *string       `db:"task_id"`
	TaskKind      *aid.TaskKind `db:"task_kind"`
	Level         *string       `db:"level"`
	DueAt         *time.Time    `db:"due_at"`
	TaskState     *string       `db:"task_state"`
	Subject       string        `db:"subject"` // id of a batch, a delegation, a decision
}

// Cursor gives the row's place: newest first.
func (r NotificationRow) Cursor() Cursor { return Cursor{Sort: "newest", ID: r.ID} }

// maxUnread is where the bell stops counting.
const maxUnread = 1000

// atBell is what a person may see of its notifications now: nothing of a case
// that is out of its sight or in which it has a conflict of interest, and no new
// work that is done by somebody. $1 is the person, $2 the argument of the sight.
func atBell(caller *Caller) (from string, mine any) {
	sees, mine := caller.sight(`$2`, `coalesce(t.area, c.area)`, `c.programme`, `n.case_id`, `t.kind`)
	return ` FROM notifications n LEFT JOIN cases c ON c.id = n.case_id LEFT JOIN tasks t ON t.id = n.task_id
	WHERE n.person = $1
	  AND (n.case_id IS NULL OR (` + sees + `))
	  AND NOT (n.topic = 'work' AND t.closed_at IS NOT NULL) AND (n.case_id IS NULL OR NOT conflicted(n.case_id, $1))`, mine
}

// Notifications lists what the caller was told, newest first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Notifications(ctx context.Context, caller *Caller, unread bool, p Page) ([]NotificationRow, error) {
	if p.After != (Cursor{}) && p.After.Sort != "newest" {
		return nil, badCursor()
	}
	rows := []NotificationRow{}
	from, mine := atBell(caller)
	err := s.list(ctx, &rows, `
		SELECT n.id, n.kind, n.topic, n.at, n.read_at, n.case_id, c.reference, n.task_id, t.kind AS task_kind, t.level, t.due_at,
		       t.state AS task_state, n.subject`+from+`
		  AND ($3 = '' OR n.id < $3) AND (NOT $4 OR n.read_at IS NULL) ORDER BY n.id DESC LIMIT $5`,
		caller.Actor(), mine, p.After.ID, unread, p.limit())
	return rows, err
}

// Unread counts what the caller has not read, up to a thousand.
func (s *Store) Unread(ctx context.Context, caller *Caller) (int, error) {
	var n int
	from, mine := atBell(caller)
	err := s.get(ctx, &n, `SELECT count(*) FROM (SELECT 1`+from+` AND n.read_at IS NULL LIMIT $3) AS unread`,
		caller.Actor(), mine, maxUnread)
	return n, err
}

// ReadNotifications marks the caller's notifications as read: those of the
// ids, and, unless upTo is "", that one and all before it. Others' and unknown
// ones are left alone; marking twice changes nothing.
func (s *Store) ReadNotifications(ctx context.Context, caller *Caller, ids []string, upTo string) error {
	return s.Write(ctx, func(tx *Tx) error {
		_, err := tx.exec(`UPDATE notifications SET read_at = $2 WHERE person = $1 AND read_at IS NULL AND (id = ANY($3) OR id <= $4)`,
			caller.Actor(), tx.Wall, pq.Array(append([]string{}, ids...)), upTo)
		return err
	})
}
