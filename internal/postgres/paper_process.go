package postgres

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/papers"
)

// paperProcess reads what has happened to a case, as far as papers tell it:
// nothing sealed.
func (tx *Tx) paperProcess(c *Case) (papers.Facts, error) {
	f := papers.Facts{Reference: deref(c.Reference), Requested: c.RequestedAmount, Currency: c.Currency, CreatedAt: c.CreatedAt}
	if c.SubmittedAt != nil {
		f.SubmittedAt = *c.SubmittedAt
	}
	for _, read := range []func(*papers.Facts, *Case) error{tx.paperVisits, tx.paperCommittee, tx.paperDecision, tx.paperAnyPayment} {
		if err := read(&f, c); err != nil {
			return f, err
		}
	}
	return f, nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// paperVisits finds the visits of the last review that has any: who went,
// when. What they saw is sealed with their decisions; see openVisits.
func (tx *Tx) paperVisits(f *papers.Facts, c *Case) error {
	var rows []struct {
		ID string    `db:"id"`
		By string    `db:"by"`
		At time.Time `db:"decided_at"`
	}
	err := tx.list(&rows, `
		SELECT d.id, coalesce(s.name, d.actor) AS by, d.decided_at
		FROM decisions d JOIN tasks t ON t.id = d.task_id LEFT JOIN staff s ON s.subject = d.actor
		WHERE d.case_id = $1 AND t.round = $2 AND t.kind = 'field_visit' AND d.state = 'applied' AND d.action = 'complete'
		  AND t.review = (SELECT max(x.review) FROM tasks x JOIN decisions y ON y.task_id = x.id
		       WHERE x.case_id = $1 AND x.round = $2 AND x.kind = 'field_visit' AND y.state = 'applied' AND y.action = 'complete')
		ORDER BY d.decided_at, d.id`, c.ID, c.Round)
	for _, r := range rows {
		f.Visits = append(f.Visits, papers.Visit{Decision: r.ID, By: r.By, At: r.At})
	}
	return err
}

// openVisits opens what the verifiers recorded.
func (tx *Tx) openVisits(f *papers.Facts) error {
	for i, v := range f.Visits {
		content, err := tx.Content(v.Decision)
		if err != nil {
			return err
		}
		var data struct {
			Seen   json.RawMessage   `json:"seen"`
			Photos []json.RawMessage `json:"photos"`
		}
		_ = json.Unmarshal(content.Data, &data) // a visit recorded in another form tells its note
		f.Visits[i].Seen, f.Visits[i].Photos, f.Visits[i].Note = data.Seen, len(data.Photos), content.Note
	}
	return nil
}

// maskedFields keeps the names of what was recorded, without what was.
func maskedFields(raw json.RawMessage) json.RawMessage {
	fields := map[string]any{}
	if json.Unmarshal(raw, &fields) != nil {
		return nil
	}
	for name := range fields {
		fields[name] = true
	}
	masked, _ := json.Marshal(fields) // a map of truths
	return masked
}

// paperCommittee reads the last vote of a committee that has ended.
func (tx *Tx) paperCommittee(f *papers.Facts, c *Case) error {
	var t struct {
		ID     string    `db:"id"`
		Level  string    `db:"level"`
		Rule   []byte    `db:"rule"`
		Result string    `db:"outcome"`
		At     time.Time `db:"closed_at"`
		Area   string    `db:"area"`
	}
	err := tx.get(&t, `
		WITH RECURSIVE up AS (
			SELECT code, name, level, parent FROM areas WHERE code = $3
			UNION ALL SELECT a.code, a.name, a.level, a.parent FROM areas a JOIN up ON a.code = up.parent)
		SELECT t.id, t.level, t.rule, t.outcome, t.closed_at, coalesce((SELECT name FROM up WHERE up.level = t.level), '') AS area
		FROM tasks t WHERE t.case_id = $1 AND t.round = $2 AND t.kind = 'approve' AND t.state = 'done' AND t.rule ->> 'mode' = 'committee'
		ORDER BY t.closed_at DESC, t.id DESC LIMIT 1`, c.ID, c.Round, c.Area)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	var level aid.Level
	if err := json.Unmarshal(t.Rule, &level); err != nil {
		return err
	}
	f.Committee = &papers.Committee{Level: t.Level, Area: t.Area, Quorum: level.Quorum, ChairNeeded: level.Chair, Result: t.Result, At: t.At,
		Unanimity: level.Decides == aid.DecidesUnanimity, Tie: cmp.Or(level.Tie, aid.TieChair), Veto: level.Veto()}
	return tx.paperVotes(f.Committee, t.ID)
}

func (tx *Tx) paperVotes(m *papers.Committee, task string) error {
	var rows []struct {
		Name   string     `db:"name"`
		Action aid.Action `db:"action"`
		Reason string     `db:"reason_code"`
		Chair  bool       `db:"chair"`
		Amount *int64     `db:"amount"`
		At     time.Time  `db:"decided_at"`
	}
	err := tx.list(&rows, `SELECT coalesce(s.name, d.actor) AS name, d.action, d.reason_code, d.chair, d.amount, d.decided_at
		FROM decisions d LEFT JOIN staff s ON s.subject = d.actor WHERE d.task_id = $1 AND d.state = 'applied' ORDER BY d.decided_at, d.id`, task)
	for _, r := range rows {
		m.Votes = append(m.Votes, papers.Vote{Name: r.Name, Action: string(r.Action), Reason: r.Reason, Chair: r.Chair, At: r.At})
		if r.Action == aid.ActionApprove && r.Amount != nil { // a committee votes on one amount
			m.Amount = *r.Amount
		}
	}
	return err
}

// paperOverrides reads in spite of what the case was approved.
func (tx *Tx) paperOverrides(f *papers.Facts, c *Case) error {
	var rows []struct {
		Code   string `db:"code"`
		Reason string `db:"override_reason"`
		By     string `db:"by"`
	}
	err := tx.list(&rows, `SELECT f.code, f.override_reason, coalesce(s.name, f.overridden_by) AS by
		FROM case_findings f LEFT JOIN staff s ON s.subject = f.overridden_by
		WHERE f.case_id = $1 AND f.round = $2 AND f.overridden_by IS NOT NULL AND f.gone_at IS NULL ORDER BY f.overridden_at, f.key`, c.ID, c.Round)
	for _, r := range rows {
		f.Overrides = append(f.Overrides, papers.Override{Finding: r.Code, Reason: r.Reason, By: r.By})
	}
	return err
}
