package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// statedCondition is what an approval asks for before money goes out.
type statedCondition struct {
	Code string `json:"code"`
	Text string `json:"text"`
	Due  string `json:"due"` // YYYY-MM-DD, local; "" for none
}

func statedConditions(data json.RawMessage) []statedCondition {
	var named struct {
		Conditions []statedCondition `json:"conditions"`
	}
	_ = json.Unmarshal(data, &named) // the door has checked its form
	return named.Conditions
}

// conditionFaults checks the conditions of an approval: each is one of the
// programme's, said once, and due today or later.
func (tx *Tx) conditionFaults(def *programme.Definition, data json.RawMessage) []aid.Fault {
	var faults []aid.Fault
	seen := map[string]bool{}
	for i, s := range statedConditions(data) {
		at := "/data/conditions/" + strconv.Itoa(i)
		if !def.ConditionKnown(s.Code) {
			faults = append(faults, aid.Fault{Pointer: at + "/code", Code: "unknown_condition"})
		}
		if said := s.Code + " " + strings.TrimSpace(s.Text); seen[said] {
			faults = append(faults, aid.Fault{Pointer: at, Code: "repeated"})
		} else {
			seen[said] = true
		}
		if s.Due == "" {
			continue
		}
		if end, err := endOfDay(s.Due, def.Location()); err != nil {
			faults = append(faults, aid.Fault{Pointer: at + "/due", Code: "bad_format"})
		} else if !end.After(tx.Now) {
			faults = append(faults, aid.Fault{Pointer: at + "/due", Code: "in_past"})
		}
	}
	return faults
}

// endOfDay is the instant at which a local day ends.
func endOfDay(day string, zone *time.Location) (time.Time, error) {
	at, err := time.ParseInLocation(time.DateOnly, day, zone)
	return at.AddDate(0, 0, 1), err
}

// stateConditions enters the conditions that an approval carries. From now on
// the money waits for them.
func (tx *Tx) stateConditions(c *Case, d aid.Decision, sealed []byte) error {
	if d.Kind != aid.Approve || d.Action != aid.ActionApprove {
		return nil
	}
	var content IntentContent
	if err := tx.open("decisions", "sealed", d.ID, sealed, &content); err != nil {
		return err
	}
	for i, s := range statedConditions(content.Data) {
		err := tx.one(`INSERT INTO conditions (id, case_id, round, decision_id, n, code, due_on, stated_at) VALUES ($1, $2, $3, $4, $5, $6, nullif($7, '')::date, $8)`,
			NewID(aid.ConditionID), c.ID, c.Round, d.ID, i, s.Code, s.Due, tx.Now)
		if err != nil {
			return err
		}
	}
	return nil
}

// Condition is a condition of an approval.
type Condition struct {
	ID         string     `db:"id"`
	DecisionID string     `db:"decision_id"`
	N          int        `db:"n"`
	Code       string     `db:"code"`
	DueOn      *time.Time `db:"due_on"` // a date
	StatedAt   time.Time  `db:"stated_at"`
	TaskID     *string    `db:"task_id"`
	MetAt      *time.Time `db:"met_at"`
	DroppedAt  *time.Time `db:"dropped_at"`
}

const conditionColumns = `k.id, k.decision_id, k.n, k.code, k.due_on, k.stated_at, k.task_id, k.met_at, k.dropped_at`

// Due gives the end of the day by which it is to be met; nil when there is
// none.
func (k Condition) Due(zone *time.Location) *time.Time {
	if k.DueOn == nil {
		return nil
	}
	end, _ := endOfDay(k.DueOn.Format(time.DateOnly), zone) // a date of PostgreSQL
	end = end.UTC()
	return &end
}

// OpenConditions counts the conditions of a case's round that are neither met
// nor dropped.
func (tx *Tx) OpenConditions(c *Case) (int, error) {
	var n int
	err := tx.get(&n, `SELECT count(*) FROM conditions WHERE case_id = $1 AND round = $2 AND met_at IS NULL AND dropped_at IS NULL`, c.ID, c.Round)
	return n, err
}

// StandingConditions gives the open conditions of the approvals on which an
// award rests, and drops those of approvals that do not stand: who decided
// anew has said anew what is to be met.
func (tx *Tx) StandingConditions(c *Case, a *Award) ([]Condition, error) {
	moved, err := tx.movedReview(c)
	if err != nil {
		return nil, err
	}
	var rows []Condition
	err = tx.list(&rows, `SELECT `+conditionColumns+` FROM conditions k JOIN decisions d ON d.id = k.decision_id JOIN tasks t ON t.id = d.task_id
		WHERE k.case_id = $1 AND k.round = $2 AND k.met_at IS NULL AND k.dropped_at IS NULL AND `+standingTask+`
		  AND d.state = 'applied' AND d.bound_hash = $3 AND d.amount >= $4 AND t.review > $5
		ORDER BY k.stated_at, k.decision_id, k.n`, c.ID, c.Round, a.BoundHash, a.Amount, moved)
	if err != nil {
		return nil, err
	}
	open, err := tx.OpenConditions(c)
	if err != nil || open == len(rows) {
		return rows, err
	}
	stand := []string{}
	for _, k := range rows {
		stand = append(stand, k.ID)
	}
	_, err = tx.exec(`UPDATE conditions SET dropped_at = $3 WHERE case_id = $1 AND round = $2 AND met_at IS NULL AND dropped_at IS NULL AND id <> ALL($4)`,
		c.ID, c.Round, tx.Now, pq.Array(stand))
	return rows, err
}

// AskCondition names the task by which a condition is met.
func (tx *Tx) AskCondition(k Condition, task string) error {
	return tx.one(`UPDATE conditions SET task_id = $2 WHERE id = $1`, k.ID, task)
}

// MeetCondition records that the condition of a decided task is met.
func (tx *Tx) MeetCondition(t *Task) error {
	return tx.one(`UPDATE conditions SET met_at = $2 WHERE id = $1 AND met_at IS NULL AND dropped_at IS NULL`, t.Subject, tx.Now)
}

// ConditionRow is a condition as a reader sees it.
type ConditionRow struct {
	Condition
	Level    string `db:"level"` // of the approval that asks for it
	StatedBy string `db:"stated_by"`
	Round    int    `db:"round"`
	Sealed   []byte `db:"sealed"`
	Text     string `db:"-"` // "" where Masked
	Masked   bool   `db:"-"` // the caller does not see what is personal
}

// State tells how a condition stands: stated until the money is reserved, then
// open, and met or dropped in the end.
func (r ConditionRow) State() string {
	switch {
	case r.MetAt != nil:
		return "met"
	case r.DroppedAt != nil:
		return "dropped"
	case r.TaskID != nil:
		return "open"
	}
	return "stated"
}

// Conditions lists what the approvals of a case ask for before money goes out,
// oldest first, and writes the look into the audit. A partner sees those of its
// own case: the household has to meet them. An auditor does not see the words.
//
// Errors: NotFound case_not_found.
func (s *Store) Conditions(ctx context.Context, caller *Caller, idOrRef string) ([]ConditionRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	plain, action := caller.Partner() || caller.seesPersonal(row.Area, row.Programme), "read_masked"
	if plain {
		action = "read_personal"
	}
	rows := []ConditionRow{}
	err = s.Write(ctx, func(tx *Tx) error {
		err := tx.list(&rows, `SELECT `+conditionColumns+`, k.round, t.level, d.actor AS stated_by, d.sealed
			FROM conditions k JOIN decisions d ON d.id = k.decision_id JOIN tasks t ON t.id = d.task_id
			WHERE k.case_id = $1 ORDER BY k.stated_at, k.decision_id, k.n`, row.ID)
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if rows[i].Masked = !plain; plain {
				if rows[i].Text, err = tx.conditionText(rows[i]); err != nil {
					return err
				}
			}
		}
		return tx.AddAudit(caller.Actor(), action, row.ID, "done", "conditions")
	})
	return rows, err
}

func (tx *Tx) conditionText(r ConditionRow) (string, error) {
	var content IntentContent
	if err := tx.open("decisions", "sealed", r.DecisionID, r.Sealed, &content); err != nil {
		return "", err
	}
	if stated := statedConditions(content.Data); r.N < len(stated) {
		return stated[r.N].Text, nil
	}
	return "", nil
}
