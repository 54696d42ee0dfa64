package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// HouseholdRow is a household of the register with one of its reviews, nothing
// personal.
type HouseholdRow struct {
	ID         string  `db:"id"`
	Code       string  `db:"code"`
	Area       string  `db:"area"`
	Urban      bool    `db:"urban"`
	Year       int     `db:"year"`
	Class      string  `db:"classification"`
	Declared   *string `db:"declared"`
	ScoreA     *int    `db:"score_a"`
	ScoreB     *int    `db:"score_b"`
	Income     *int64  `db:"income_per_head"`
	Indicators *int    `db:"indicators"`
	Rules      string  `db:"rules"`
	By         string  `db:"judged_by"`
	Size       int     `db:"size"`
}

// Cursor gives the row's place in the list of households.
func (r HouseholdRow) Cursor() Cursor { return Cursor{Sort: r.Code, ID: r.ID} }

const householdColumns = `h.id, h.code, r.area, r.urban, r.year, r.classification, r.declared, r.score_a, r.score_b, r.income_per_head, r.indicators,
	r.rules, r.judged_by, (SELECT count(*) FROM household_review_members l WHERE l.household_id = r.household_id AND l.year = r.year) AS size`

// HouseholdFilter narrows the list of households; zero values pass everything.
type HouseholdFilter struct {
	Area           string // and everything below it
	Year           int    // of the review; 0: each household's newest
	Classification string
	Code           string
	NationalID     string // of any member
}

// Households lists the households that the caller's areas have, by code.
func (s *Store) Households(ctx context.Context, caller *Caller, f HouseholdFilter, p Page) ([]HouseholdRow, error) {
	var hash []byte
	if f.NationalID != "" {
		hash = s.vault.Hash("national-id", f.NationalID)
	}
	rows := []HouseholdRow{}
	err := s.list(ctx, &rows, `SELECT `+householdColumns+`
		FROM households h JOIN household_reviews r ON r.household_id = h.id AND r.year = coalesce(nullif($3, 0), h.reviewed_year)
		WHERE r.area = ANY($1) AND ($2::text IS NULL OR r.area IN (SELECT unnest((`+areasBelow("$2")+`))))
		  AND ($4::text IS NULL OR r.classification = $4) AND ($5::text IS NULL OR h.code = $5)
		  AND ($6::bytea IS NULL OR EXISTS (SELECT 1 FROM household_members m WHERE m.household_id = h.id AND m.national_id_hash = $6))
		  AND h.code > $7
		ORDER BY h.code LIMIT $8`,
		pq.Array(caller.CaseAreas()), text(f.Area), f.Year, text(f.Classification), text(f.Code), hash, p.After.Sort, p.limit())
	return rows, err
}

// HouseholdDetail is a household with all its reviews, the newest first, and
// the members of the newest list.
type HouseholdDetail struct {
	Reviews []HouseholdRow
	Members []HouseholdMember
	Masked  bool // names and numbers of the members are left out
}

// HouseholdMember is a member as the newest list has it.
type HouseholdMember struct {
	ListedMember
	Head bool
}

// Household opens a household for the caller and writes the look into the
// audit. Names and numbers are for those who work on cases there: intake,
// verifier, approver; everybody else gets them masked.
//
// Errors: NotFound household_not_found.
func (s *Store) Household(ctx context.Context, caller *Caller, code string) (*HouseholdDetail, error) {
	out := &HouseholdDetail{}
	err := s.list(ctx, &out.Reviews, `SELECT `+householdColumns+` FROM households h JOIN household_reviews r ON r.household_id = h.id
		WHERE h.code = $1 ORDER BY r.year DESC`, code)
	if err != nil {
		return nil, err
	}
	if len(out.Reviews) == 0 || !slices.ContainsFunc(out.Reviews, func(r HouseholdRow) bool { return slices.Contains(caller.CaseAreas(), r.Area) }) {
		return nil, aid.Refuse(aid.NotFound, "household_not_found")
	}
	newest := out.Reviews[0]
	out.Masked = !caller.HasAny(newest.Area, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover)
	err = s.Write(ctx, func(tx *Tx) (err error) {
		if out.Members, err = tx.listedMembers(newest.ID, newest.Year); err != nil {
			return err
		}
		action := "read_personal"
		if out.Masked {
			action = "read_masked"
			for i, m := range out.Members {
				out.Members[i].ListedMember = ListedMember{Sex: m.Sex, Relation: m.Relation}
			}
		}
		return tx.AddAudit(caller.Actor(), action, newest.ID, "done", "")
	})
	return out, err
}

func (tx *Tx) listedMembers(household string, year int) ([]HouseholdMember, error) {
	var rows []struct {
		Key    []byte `db:"member_key"`
		Head   bool   `db:"head"`
		Sealed []byte `db:"sealed"`
	}
	err := tx.list(&rows, `SELECT member_key, head, sealed FROM household_members
		WHERE household_id = $1 AND last_year = $2 AND sealed IS NOT NULL ORDER BY head DESC, member_key`, household, year)
	if err != nil {
		return nil, err
	}
	members := make([]HouseholdMember, len(rows))
	for i, r := range rows {
		members[i].Head = r.Head
		if err := tx.open("household_members", "sealed", memberPlace(household, r.Key), r.Sealed, &members[i].ListedMember); err != nil {
			return nil, err
		}
	}
	return members, nil
}

// Poverty is how many households of an area are poor and near-poor by the
// review of a year, as areas were then.
type Poverty struct {
	Area         string
	Year         int
	Poor         int
	NearPoor     int
	Total        int // all households; 0 when they are not known
	WithoutTotal int // areas with reviews for which no total is known, when the area itself has none
}

// Poverty counts the reviews of an area and of everything below it. The total
// is the area's own where it was given; else the sum of those of the areas
// with reviews, and then only when none of them lacks it.
//
// Errors: NotFound area_not_found (there is none, or it is not the caller's).
func (s *Store) Poverty(ctx context.Context, caller *Caller, area string, year int) (*Poverty, error) {
	if !slices.Contains(caller.CaseAreas(), area) {
		return nil, aid.Refuse(aid.NotFound, "area_not_found")
	}
	var row struct {
		Poor     int  `db:"poor"`
		NearPoor int  `db:"near_poor"`
		Own      *int `db:"own"`
		Sum      int  `db:"sum"`
		Without  int  `db:"without"`
	}
	err := s.get(ctx, &row, `
		WITH inside AS (SELECT unnest((`+areasBelow("$1")+`)) AS code),
		counted AS (SELECT r.area, count(*) FILTER (WHERE classification = 'poor') AS poor, count(*) FILTER (WHERE classification = 'near_poor') AS near_poor
			FROM household_reviews r JOIN inside i ON i.code = r.area WHERE r.year = $2 GROUP BY r.area),
		parts AS (SELECT coalesce(c.area, t.area) AS area, c.poor, c.near_poor, t.households
			FROM counted c FULL JOIN (SELECT t.area, t.households FROM household_totals t JOIN inside i ON i.code = t.area
				WHERE t.year = $2 AND t.area <> $1 AND NOT EXISTS (SELECT 1 FROM household_totals below JOIN area_periods b ON b.area = below.area
					WHERE below.year = $2 AND b.parent = t.area)) t ON t.area = c.area)
		SELECT coalesce((SELECT sum(poor) FROM counted), 0) AS poor,
		       coalesce((SELECT sum(near_poor) FROM counted), 0) AS near_poor,
		       (SELECT households FROM household_totals WHERE area = $1 AND year = $2) AS own,
		       coalesce(sum(households), 0) AS sum, count(*) FILTER (WHERE households IS NULL) AS without FROM parts`, area, year)
	if err != nil {
		return nil, err
	}
	out := &Poverty{Area: area, Year: year, Poor: row.Poor, NearPoor: row.NearPoor}
	switch {
	case row.Own != nil:
		out.Total = *row.Own
	case row.Without == 0:
		out.Total = row.Sum
	default:
		out.WithoutTotal = row.Without
	}
	return out, nil
}

// ListedAreas gives the areas in which a person may bring in lists, as they
// were on a day: whether the urban lines hold, and whether others lie below.
func (s *Store) ListedAreas(ctx context.Context, codes []string, day time.Time) (map[string]ListedArea, error) {
	var rows []ListedArea
	err := s.list(ctx, &rows, listedAreas, pq.Array(codes), dateOf(day))
	out := make(map[string]ListedArea, len(rows))
	for _, r := range rows {
		out[r.Code] = r
	}
	return out, err
}

// ListedArea is an area as lists need it.
type ListedArea struct {
	Code  string `db:"code"`
	Urban bool   `db:"urban"`
	Leaf  bool   `db:"leaf"` // nothing lies below
}

const listedAreas = `SELECT a.area AS code, a.urban, NOT EXISTS (SELECT 1 FROM area_periods b WHERE b.parent = a.area
		AND b.valid_from <= $2 AND (b.valid_to IS NULL OR b.valid_to > $2)) AS leaf
	FROM area_periods a WHERE a.area = ANY($1) AND a.valid_from <= $2 AND (a.valid_to IS NULL OR a.valid_to > $2)`

// AreaLife is a time in which an area was there, as dates.
type AreaLife struct {
	Code string `db:"code"`
	From string `db:"valid_from"`
	To   string `db:"valid_to"` // the first day on which it is gone; "" while it is there
}

// AreaLives gives the times in which areas were there.
func (s *Store) AreaLives(ctx context.Context, codes []string) (map[string][]AreaLife, error) {
	var rows []AreaLife
	err := s.list(ctx, &rows, `SELECT area AS code, valid_from::text, coalesce(valid_to::text, '') AS valid_to FROM area_periods WHERE area = ANY($1)`, pq.Array(codes))
	lives := map[string][]AreaLife{}
	for _, r := range rows {
		lives[r.Code] = append(lives[r.Code], r)
	}
	return lives, err
}
