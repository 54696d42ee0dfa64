package postgres

import (
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Posting is an award that hangs out in the village.
type Posting struct {
	AwardID    string     `db:"award_id"`
	CaseID     string     `db:"case_id"`
	DecisionID string     `db:"decision_id"`
	PostedOn   time.Time  `db:"posted_on"` // a date
	Until      time.Time  `db:"until"`
	OverAt     *time.Time `db:"over_at"`
}

// HangPosting records that an award hangs out since a day (YYYY-MM-DD, local),
// and until when: so many full working days of the programme's calendar, that
// day not counted.
//
// Errors: Invalid date_required; Conflict calendar_unreadable.
func (tx *Tx) HangPosting(c *Case, a *Award, decision, day string) (*Posting, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	on, err := time.ParseInLocation(time.DateOnly, day, def.Location())
	if err != nil || def.Posting == nil {
		return nil, aid.Refuse(aid.Invalid, "date_required")
	}
	calendar, err := tx.calendarOf(c)
	if broken(err) {
		return nil, aid.Refuse(aid.Conflict, "calendar_unreadable")
	}
	if err != nil {
		return nil, err
	}
	until := calendar.AddDays(on.AddDate(0, 0, 1), def.Posting.Days.Days).UTC()
	p := Posting{AwardID: a.ID, CaseID: c.ID, DecisionID: decision, PostedOn: on, Until: until}
	return &p, tx.one(`INSERT INTO postings (award_id, case_id, decision_id, posted_on, until, recorded_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		p.AwardID, p.CaseID, p.DecisionID, day, p.Until, tx.Now)
}

// PostingOf gives how an award hangs out, nil when it does not.
func (tx *Tx) PostingOf(a *Award) (*Posting, error) {
	var p Posting
	err := tx.get(&p, `SELECT award_id, case_id, decision_id, posted_on, until, over_at FROM postings WHERE award_id = $1`, a.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &p, err
}

// EndPosting records that the award goes on: its time in the village is over.
func (tx *Tx) EndPosting(p *Posting) error {
	p.OverAt = &tx.Now
	return tx.one(`UPDATE postings SET over_at = $2 WHERE award_id = $1 AND over_at IS NULL`, p.AwardID, tx.Now)
}

// postingFaults tells what is wrong with what a verifier says of a list that
// hangs: it hung out neither before the award nor in the future.
func (tx *Tx) postingFaults(c *Case, def *programme.Definition, data json.RawMessage) []aid.Fault {
	var said struct {
		Date string `json:"date"`
	}
	if json.Unmarshal(data, &said) != nil || said.Date == "" {
		return nil // the form tells
	}
	on, err := time.ParseInLocation(time.DateOnly, said.Date, def.Location())
	switch {
	case err != nil:
		return []aid.Fault{{Pointer: "/data/date", Code: "bad_format"}}
	case on.After(tx.Now):
		return []aid.Fault{{Pointer: "/data/date", Code: "in_future"}}
	case c.DecidedAt != nil && on.AddDate(0, 0, 1).Before(*c.DecidedAt):
		return []aid.Fault{{Pointer: "/data/date", Code: "before_award"}}
	}
	return nil
}
