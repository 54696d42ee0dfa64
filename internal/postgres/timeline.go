package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// TimelineRow is one event of a case with who made it.
type TimelineRow struct {
	ID          string          `db:"id"`
	N           int             `db:"n"` // 1, 2, 3 ... within the case
	Kind        string          `db:"kind"`
	At          time.Time       `db:"at"`
	ActorKind   string          `db:"actor_kind"` // partner, staff, system
	Actor       string          `db:"actor"`
	ActorName   string          `db:"actor_name"` // for staff who look; "" for partners and the system
	Behalf      string          `db:"behalf"`     // in whose name, when a delegate acted; "" for partners
	BehalfName  string          `db:"behalf_name"`
	TaskID      *string         `db:"task_id"`
	TaskKind    *aid.TaskKind   `db:"task_kind"`
	Level       *string         `db:"level"`
	RuleVersion int             `db:"rule_version"` // version of the programme that was followed
	Version     int             `db:"version"`      // of the case after the event
	Data        json.RawMessage `db:"data"`         // codes, ids and amounts
}

// Cursor gives the event's place in the timeline.
func (r TimelineRow) Cursor() Cursor { return Cursor{Sort: strconv.Itoa(r.N), ID: r.ID} }

// Timeline tells what happened to a case, oldest first. A partner does not
// learn which member of the staff did it.
//
// Errors: NotFound case_not_found; Invalid invalid_cursor.
func (s *Store) Timeline(ctx context.Context, caller *Caller, idOrRef string, p Page) ([]TimelineRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	after := 0
	if p.After != (Cursor{}) {
		if after, err = strconv.Atoi(p.After.Sort); err != nil {
			return nil, badCursor()
		}
	}
	rows := []TimelineRow{}
	err = s.list(ctx, &rows, `
		SELECT e.id, e.n, e.kind, e.at, e.version, e.data, e.task_id, t.kind AS task_kind, t.level,
		       coalesce((e.data ->> 'programme_version')::int, 0) AS rule_version,
		       CASE WHEN e.actor = 'system' THEN 'system' WHEN p.id IS NOT NULL THEN 'partner' ELSE 'staff' END AS actor_kind,
		       CASE WHEN $4 AND p.id IS NULL AND e.actor <> 'system' THEN '' ELSE e.actor END AS actor,
		       CASE WHEN $4 THEN '' ELSE coalesce(st.name, p.name, '') END AS actor_name,
		       CASE WHEN $4 THEN '' ELSE e.behalf END AS behalf, CASE WHEN $4 THEN '' ELSE coalesce(bs.name, '') END AS behalf_name
		FROM events e LEFT JOIN staff bs ON bs.subject = e.behalf LEFT JOIN tasks t ON t.id = e.task_id LEFT JOIN partners p ON p.id = e.actor LEFT JOIN staff st ON st.subject = e.actor
		WHERE e.case_id = $1 AND e.n > $2 ORDER BY e.n LIMIT $3`, row.ID, after, p.limit(), caller.Partner())
	return rows, err
}

// WaitRow is one interval of a case: who was awaited, for what, how long.
type WaitRow struct {
	Interval
	TaskKind *aid.TaskKind `db:"task_kind"`
	Calendar time.Duration // elapsed; until the case's now when it is still open
	Working  time.Duration // working time of the calendar of its area within it
	Paused   bool          // somebody outside is awaited: the office's clock stands still
}

// Waits gives where the time of a case went, oldest first. The intervals sum
// to the case's whole time.
//
// Errors: NotFound case_not_found.
func (s *Store) Waits(ctx context.Context, caller *Caller, idOrRef string) ([]WaitRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	rows := []WaitRow{}
	err = s.list(ctx, &rows, `
		SELECT i.case_id, i.n, i.stage, i.task_id, i.level, i.claimed, i.owner, i.from_at, i.to_at, t.kind AS task_kind
		FROM intervals i LEFT JOIN tasks t ON t.id = i.task_id WHERE i.case_id = $1 ORDER BY i.n`, row.ID)
	if err != nil {
		return nil, err
	}
	calendar, err := s.calendarOf(ctx, &row.Case)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		to := row.Now
		if rows[i].To != nil {
			to = *rows[i].To
		}
		rows[i].Calendar, rows[i].Working = to.Sub(rows[i].From), calendar.Between(rows[i].From, to)
		rows[i].Paused = pauses(rows[i].Owner)
	}
	return rows, nil
}

// pauses tells whether a wait for somebody stops the office's clock (STATES:
// household, partner, register and fund do; rail and hand-over do not).
func pauses(owner aid.Owner) bool {
	switch owner {
	case aid.OwnerHousehold, aid.OwnerPartner, aid.OwnerRegister, aid.OwnerFund:
		return true
	}
	return false
}
