package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Phases of a review in which the rules are judged.
const (
	PhaseRequest  = "request"  // on what the request says
	PhaseVisit    = "visit"    // with what the visit saw, before the first approval
	PhaseApproval = "approval" // before an approval that is asked again
)

// Facts gathers what the rules of a case's programme are judged on: the
// request, the register and, once there is one, what the last visit saw.
func (tx *Tx) Facts(c *Case, def *programme.Definition) (programme.Facts, error) {
	content, err := tx.sealedOf(c.ID)
	if err != nil {
		return programme.Facts{}, err
	}
	register, err := tx.RegisterFacts(c)
	if err != nil {
		return programme.Facts{}, err
	}
	seen, err := tx.Seen(c)
	if err != nil {
		return programme.Facts{}, err
	}
	var level string
	if err := tx.get(&level, `SELECT level FROM areas WHERE code = $1`, c.Area); err != nil {
		return programme.Facts{}, err
	}
	today := tx.Now
	if c.SubmittedAt != nil {
		today = *c.SubmittedAt
	}
	today = today.In(def.Location())
	facts := programme.Facts{Requested: c.RequestedAmount, Urgent: c.Urgent, Year: today.Year(), Answers: content.Answers, Visit: seen,
		Area: programme.AreaFacts{Level: level}, Household: householdFacts(content, register, today),
		Applicant: programme.ApplicantFacts{Age: ageOn(content.Applicant.BirthDate, today), Sex: content.Applicant.Sex, HasID: content.Applicant.NationalID != ""}}
	if facts.Applicant.Sex == "" {
		facts.Applicant.Sex = "unknown"
	}
	return facts, nil
}

// Ages at which a member counts as a child or as elderly: the Law on Children
// (under 16) and the Law on the Elderly (60 and older) of Vietnam.
const (
	childUnder  = 16
	elderlyFrom = 60
)

func householdFacts(content sealedCase, register RegisterFacts, today time.Time) programme.HouseholdFacts {
	out := programme.HouseholdFacts{Registered: register.Registered, Classification: register.Classification,
		ScoreA: register.ScoreA, ScoreB: register.ScoreB, Urban: register.Urban, Size: 1 + len(content.Members)}
	ages := []int{ageOn(content.Applicant.BirthDate, today)}
	for _, m := range content.Members {
		ages = append(ages, ageOn(m.BirthDate, today))
	}
	for _, age := range ages {
		switch {
		case age >= elderlyFrom:
			out.Elderly++
		case age >= 0 && age < childUnder:
			out.Children++
		}
	}
	return out
}

// ageOn gives the full years of a person, -1 when the birth date is not known
// or lies ahead.
func ageOn(birth string, today time.Time) int {
	born, err := time.Parse(time.DateOnly, birth)
	if err != nil {
		return -1
	}
	age := today.Year() - born.Year()
	if today.Month() < born.Month() || (today.Month() == born.Month() && today.Day() < born.Day()) {
		age--
	}
	return max(age, -1)
}

// Seen gives what the last completed visit of the round saw; nil before it. What
// was seen before the case moved to another version was seen by another form.
func (tx *Tx) Seen(c *Case) (json.RawMessage, error) {
	visits, err := tx.visitDecisions(c)
	if err != nil || len(visits) == 0 {
		return nil, err
	}
	if moved, err := tx.movedReview(c); err != nil || visits[len(visits)-1].Review <= moved {
		return nil, err
	}
	content, err := tx.Content(visits[len(visits)-1].Decision)
	if err != nil {
		return nil, err
	}
	return seenIn(content.Data), nil
}

func seenIn(data json.RawMessage) json.RawMessage {
	var visit struct {
		Seen json.RawMessage `json:"seen"`
	}
	_ = json.Unmarshal(data, &visit) // the door has checked its form
	return visit.Seen
}

// visitDecision is a completed visit of the verification.
type visitDecision struct {
	Decision string    `db:"id"`
	Task     string    `db:"task_id"`
	Actor    string    `db:"actor"`
	Review   int       `db:"review"`
	At       time.Time `db:"decided_at"`
}

func (tx *Tx) visitDecisions(c *Case) ([]visitDecision, error) {
	var rows []visitDecision
	err := tx.list(&rows, `SELECT d.id, d.task_id, d.actor, t.review, d.decided_at FROM decisions d JOIN tasks t ON t.id = d.task_id
		WHERE d.case_id = $1 AND t.round = $2 AND t.kind = 'field_visit' AND d.state = 'applied' AND d.action = 'complete'
		ORDER BY d.decided_at, d.id`, c.ID, c.Round)
	return rows, err
}

// SaveFacts keeps the facts that were judged and what the rules said, sealed
// and for good: under which rule, on which facts.
func (tx *Tx) SaveFacts(c *Case, phase string, facts programme.Facts, verdict programme.Verdict) error {
	sealed, err := tx.seal("case_facts", "sealed", factsRow(c.ID, c.Round, c.Review, phase), facts)
	if err != nil {
		return err
	}
	failed := []string{}
	for _, rule := range verdict.Failed {
		failed = append(failed, rule.Code)
	}
	_, err = tx.exec(`INSERT INTO case_facts (case_id, round, review, phase, programme_version, sealed, failed, proposed, because, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
		c.ID, c.Round, c.Review, phase, c.ProgrammeVersion, sealed, pq.Array(failed), verdict.Proposed, pq.Array(append([]string{}, verdict.Because...)), tx.Now)
	return err
}

// Judgement is what the rules said about a case once, and on which facts.
type Judgement struct {
	Round    int            `db:"round"`
	Review   int            `db:"review"`
	Phase    string         `db:"phase"`
	Version  int            `db:"programme_version"`
	Sealed   []byte         `db:"sealed"`
	Failed   pq.StringArray `db:"failed"`
	Proposed int64          `db:"proposed"` // minor units; 0: nothing
	Because  pq.StringArray `db:"because"`
	At       time.Time      `db:"at"`

	Facts *programme.Facts `db:"-"` // nil for a reader without personal data
}

// Judgements gives every judgement of a case, oldest first, and writes the
// look at the facts into the audit.
//
// Errors: NotFound case_not_found.
func (s *Store) Judgements(ctx context.Context, caller *Caller, idOrRef string) ([]Judgement, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	rows := []Judgement{}
	if err != nil || caller.Partner() {
		return rows, err
	}
	plain := caller.seesPersonal(row.Area, row.Programme)
	err = s.Write(ctx, func(tx *Tx) error {
		err := tx.list(&rows, `SELECT round, review, phase, programme_version, sealed, failed, proposed, because, at
			FROM case_facts WHERE case_id = $1 ORDER BY at, phase`, row.ID)
		if err != nil || !plain || len(rows) == 0 {
			return err
		}
		for i := range rows {
			rows[i].Facts = new(programme.Facts)
			if err := tx.open("case_facts", "sealed", factsRow(row.ID, rows[i].Round, rows[i].Review, rows[i].Phase), rows[i].Sealed, rows[i].Facts); err != nil {
				return err
			}
		}
		return tx.AddAudit(caller.Actor(), "read_personal", row.ID, "done", "facts")
	})
	return rows, err
}

// Proposal is what the award rule came to when it was judged last.
type Proposal struct {
	Amount  int64          `db:"proposed"` // minor units; 0: nothing
	Because pq.StringArray `db:"because"`
}

// Proposal gives what the rules propose for a case's round; nil before they
// were judged. Whether the caller may see the case is asked before.
func (s *Store) Proposal(ctx context.Context, caseID string, round int) (*Proposal, error) {
	var p Proposal
	err := s.get(ctx, &p, `SELECT proposed, because FROM case_facts WHERE case_id = $1 AND round = $2 ORDER BY at DESC, phase DESC LIMIT 1`, caseID, round)
	if aid.KindOf(err) == aid.NotFound {
		return nil, nil
	}
	return &p, err
}

// factsRow names a row of case_facts to the vault.
func factsRow(caseID string, round, review int, phase string) string {
	return caseID + "/" + strconv.Itoa(round) + "/" + strconv.Itoa(review) + "/" + phase
}
