package postgres

import (
	"time"

	"github.com/aidflow/aidflow/aid/means"
)

// RegisterFacts is what the register says of the household of a case: the
// newest review that is not later than the year of the request.
type RegisterFacts struct {
	Registered     bool
	Classification string // poor, near_poor, other; unknown without a review that counts
	ScoreA         int    // points; -1 when the review has none
	ScoreB         int
	Urban          bool // the urban lines held in the review
	Year           int  // of the review; 0 without one
	Size           int  // members in that year's list

	Outdated bool // the newest review is older than the year before the request
	Numbered bool // the applicant has an id number
	Member   bool // the applicant is in the household by that number
}

// Poor tells whether the household is poor or near-poor.
func (f RegisterFacts) Poor() bool {
	return f.Classification == string(means.Poor) || f.Classification == string(means.NearPoor)
}

// RegisterFacts looks the household of a case up in the register. A review
// counts for its own year and the year after it, because households are
// reviewed every year: an older one leaves the classification unknown. One that
// another means test than the programme's has judged does not count; one that
// only declares its class does. A household that the register does not have gives facts with Registered false.
func (tx *Tx) RegisterFacts(c *Case) (RegisterFacts, error) {
	facts := RegisterFacts{Classification: string(means.Unknown), ScoreA: -1, ScoreB: -1}
	def, err := tx.Rules(c)
	if err != nil {
		return facts, err
	}
	year := requestYear(c, tx.Now, def.Location())
	var row struct {
		Registered bool    `db:"registered"`
		Urban      *bool   `db:"urban"`
		Year       *int    `db:"year"`
		Class      *string `db:"classification"`
		ScoreA     *int    `db:"score_a"`
		ScoreB     *int    `db:"score_b"`
		Size       int     `db:"size"`
		Numbered   bool    `db:"numbered"`
		Member     bool    `db:"member"`
	}
	err = tx.get(&row, `
		SELECT h.registered, r.urban, r.year, r.classification, r.score_a, r.score_b, p.national_id_hash IS NOT NULL AS numbered,
		       (SELECT count(*) FROM household_review_members l WHERE l.household_id = h.id AND l.year = r.year) AS size,
		       EXISTS (SELECT 1 FROM household_members m WHERE m.household_id = h.id AND m.national_id_hash = p.national_id_hash
		               AND coalesce(m.last_year, r.year, 0) >= coalesce(r.year, 0)) AS member
		FROM cases c JOIN persons p ON p.id = c.person_id JOIN households h ON h.id = c.household_id
		LEFT JOIN LATERAL (SELECT urban, year, classification, score_a, score_b FROM household_reviews
			WHERE household_id = h.id AND year <= $2 AND ($3 = '' OR rules = '' OR split_part(rules, '/', 1) = $3)
			ORDER BY year DESC LIMIT 1) r ON true
		WHERE c.id = $1`, c.ID, year, def.MeansTest)
	if notFound(err) {
		return facts, nil
	}
	if err != nil {
		return facts, err
	}
	facts.Registered, facts.Numbered, facts.Member, facts.Size = row.Registered, row.Numbered, row.Member, row.Size
	if row.Year == nil {
		return facts, nil
	}
	facts.Year, facts.Urban, facts.Outdated = *row.Year, *row.Urban, *row.Year < year-1
	facts.ScoreA, facts.ScoreB = known(row.ScoreA), known(row.ScoreB)
	if !facts.Outdated {
		facts.Classification = *row.Class
	}
	return facts, nil
}

func known(points *int) int {
	if points == nil {
		return -1
	}
	return *points
}

// requestYear gives the year of the request in the programme's zone.
func requestYear(c *Case, now time.Time, loc *time.Location) int {
	if c.SubmittedAt != nil {
		now = *c.SubmittedAt
	}
	return now.In(loc).Year()
}
