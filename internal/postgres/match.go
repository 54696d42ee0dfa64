package postgres

import (
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Who of the other case, or of the other aid, a hit is about.
const (
	WhoApplicant = "applicant"
	WhoMember    = "member"
	WhoPayee     = "payee"
	WhoHousehold = "household"
)

// Hit is another case, or partner-delivered aid, that may be help for the same
// person or household. It carries ids and codes, nothing personal.
type Hit struct {
	Kind      string           // one of programme.HitKinds
	Effect    programme.Effect // what the programme makes of the kind; of what ended without aid a hint at most
	Because   []string         // why, in the codes of docs/matching.md
	About     string           // case_ or paid_ id
	Reference string           // of the other case, "" for partner-delivered aid
	Programme string
	Area      string
	Status    string    // of the other case; "" for partner-delivered aid
	At        time.Time // when the aid was paid or given, else when it was asked for
	Who       string    // applicant, member, payee or household: of the other case
	Person    string    // per_ id of the other case's applicant, for merge and "not the same"; "" for partner-delivered aid
	Score     int       // how much the names fit, in percent; 0 where nothing is fuzzy
}

// Detail is what a person who judges the hit is told: codes, ids and dates.
func (h Hit) Detail() map[string]any {
	detail := map[string]any{"because": h.Because, "at": h.At.UTC().Format(time.RFC3339)}
	for name, value := range map[string]string{"reference": h.Reference, "programme": h.Programme, "area": h.Area, "status": h.Status,
		"who": h.Who, "person": h.Person} {
		if value != "" {
			detail[name] = value
		}
	}
	if h.Score > 0 {
		detail["similarity"] = h.Score
	}
	return detail
}

// Hits looks for duplicates and double help: other cases of any partner, aid
// of the past and partner-delivered aid that are about the same person, the
// same household, house or bank account. Drafts never count. Hits that the
// programme ignores are left out; the gravest kinds come first.
//
// It opens the sealed names of people who share birth year and commune, name
// and birth date, number, or telephone with somebody of the case.
func (tx *Tx) Hits(c *Case, def *programme.Definition) ([]Hit, error) {
	own, err := tx.matchPeople(c)
	if err != nil {
		return nil, err
	}
	met, err := tx.meet(c, own)
	if err != nil {
		return nil, err
	}
	return judge(c, def, own, met, tx.Now), nil
}

// matchPeople opens the people of a case by their number. A case from before
// there were keys gets its own now.
func (tx *Tx) matchPeople(c *Case) (map[int]namedPerson, error) {
	var rows []struct {
		N      int    `db:"n"`
		Sealed []byte `db:"sealed"`
	}
	const query = `SELECT n, sealed FROM match_people WHERE owner = $1`
	if err := tx.list(&rows, query, c.ID); err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		if err := tx.refreshKeys(c); err != nil {
			return nil, err
		}
		if err := tx.list(&rows, query, c.ID); err != nil {
			return nil, err
		}
	}
	people := map[int]namedPerson{}
	for _, row := range rows {
		var p namedPerson
		if err := tx.open("match_people", "sealed", personRow(c.ID, row.N), row.Sealed, &p); err != nil {
			return nil, err
		}
		people[row.N] = p
	}
	return people, nil
}

// meeting is one key under which somebody of the case meets somebody of
// another case: which of the own people (n), and which of the others (other).
type meeting struct {
	Kind      string     `db:"kind"` // of a key, or person, household, self_number, member_number
	N         int        `db:"n"`
	Owner     string     `db:"owner"`
	Other     int        `db:"other"`
	Sealed    []byte     `db:"sealed"`
	Reference string     `db:"reference"`
	Programme string     `db:"programme"`
	Area      string     `db:"area"`
	Status    aid.Status `db:"status"` // "" for partner-delivered aid
	At        time.Time  `db:"at"`
	PaidAt    *time.Time `db:"paid_at"`
	Person    string     `db:"person"`
	Different bool       `db:"different"` // a person decided that the two applicants are two people
	SameRow   bool       `db:"same_row"`  // the two applicants are one row, not merged ones

	person namedPerson // opened from Sealed
}

// Ways of meeting that are not keys.
const (
	byPerson       = "person"        // the same person, or one merged with it
	byHousehold    = "household_id"  // the same household of the register
	bySelfNumber   = "self_number"   // a number of a person merged with the applicant
	byMemberNumber = "member_number" // a number of the household in the register
)

// meet finds everybody who shares a key, a person or a household with the
// case, in one statement, and opens their names.
func (tx *Tx) meet(c *Case, own map[int]namedPerson) ([]meeting, error) {
	args, err := tx.meetArguments(c, own)
	if err != nil {
		return nil, err
	}
	var met []meeting
	if err := tx.list(&met, meetQuery, args...); err != nil {
		return nil, err
	}
	for i := range met {
		if err := tx.open("match_people", "sealed", personRow(met[i].Owner, met[i].Other), met[i].Sealed, &met[i].person); err != nil {
			return nil, err
		}
	}
	return met, nil
}

// meetArguments gives the arguments of meetQuery.
func (tx *Tx) meetArguments(c *Case, own map[int]namedPerson) ([]any, error) {
	areas, err := tx.areaFamily(c.Area)
	if err != nil {
		return nil, err
	}
	var kinds []string
	var hashes [][]byte
	var ns []int64
	for n, p := range own {
		for _, k := range tx.lookKeys(areas, p) {
			kinds, hashes, ns = append(kinds, k.kind), append(hashes, k.hash), append(ns, int64(n))
		}
	}
	return []any{c.ID, c.PersonID, c.HouseholdID, pq.Array(kinds), pq.ByteaArray(hashes), pq.Array(ns)}, nil
}

// ExplainHits gives the database's account of the search for a case, for
// whoever measures it.
func (tx *Tx) ExplainHits(c *Case) ([]string, error) {
	own, err := tx.matchPeople(c)
	if err != nil {
		return nil, err
	}
	args, err := tx.meetArguments(c, own)
	if err != nil {
		return nil, err
	}
	var plan []string
	err = tx.SelectContext(tx.ctx, &plan, `EXPLAIN (ANALYZE, BUFFERS) `+meetQuery, args...)
	return plan, err
}

// lookKeys gives the keys under which a person is looked for: those under
// which it is kept, in every commune that is or was this one, with the years
// beside the birth year.
func (tx *Tx) lookKeys(areas []string, p namedPerson) []key {
	var keys []key
	for _, k := range tx.keysOf("", p) {
		if k.kind != keyBlock {
			keys = append(keys, k)
		}
	}
	for _, area := range areas {
		if year := p.year(); year != 0 {
			keys = append(keys, tx.blockKey(area, year-1), tx.blockKey(area, year), tx.blockKey(area, year+1))
		}
		if k, ok := tx.addressKey(area, p.Address); ok {
			keys = append(keys, k)
		}
	}
	return keys
}

// areaFamily gives the codes of a commune under which its people may be kept:
// its own, and those of the areas that it came from or became. Keys bear the
// commune as of then.
func (tx *Tx) areaFamily(area string) ([]string, error) {
	var codes []string
	err := tx.list(&codes, `
		WITH RECURSIVE before AS (SELECT $1::text AS code UNION SELECT l.predecessor FROM area_predecessors l JOIN before b ON l.area = b.code),
		after AS (SELECT $1::text AS code UNION SELECT l.area FROM area_predecessors l JOIN after a ON l.predecessor = a.code)
		SELECT code FROM before UNION SELECT code FROM after`, area)
	return codes, err
}

// The keys of the case as a whole are its applicant's (n = 0) and are taken
// from the table; those of people are arguments, because a year beside the
// birth year is looked for and not kept.
const meetQuery = `
	WITH me AS (SELECT coalesce(same_as, id) AS root FROM persons WHERE id = $2),
	mine AS (SELECT p.id, p.national_id_hash FROM persons p, me WHERE p.id = me.root OR p.same_as = me.root),
	houses AS (SELECT $3::text AS id WHERE $3::text IS NOT NULL
		UNION SELECT m.household_id FROM household_members m JOIN households h ON h.id = m.household_id
			WHERE m.national_id_hash IN (SELECT national_id_hash FROM mine) AND ` + listed + `),
	different AS (
		SELECT DISTINCT coalesce(o.same_as, o.id) AS root FROM mine
		JOIN person_differences d ON mine.id IN (d.person_id, d.other_id)
		JOIN persons o ON o.id = CASE WHEN d.person_id = mine.id THEN d.other_id ELSE d.person_id END),
	look AS (
		SELECT kind, kind AS via, hash, n FROM unnest($4::text[], $5::bytea[], $6::integer[]) AS a (kind, hash, n)
		UNION ALL SELECT kind, kind, hash, 0 FROM match_keys WHERE owner = $1 AND n = 0 AND kind IN ('account', 'household')
		UNION ALL SELECT 'national_id', 'self_number', national_id_hash, 0 FROM mine WHERE id <> $2 AND national_id_hash IS NOT NULL
		UNION ALL SELECT 'national_id', 'member_number', m.national_id_hash, -1 FROM household_members m JOIN households h ON h.id = m.household_id
			WHERE h.id IN (SELECT id FROM houses) AND ` + listed + ` AND m.national_id_hash NOT IN (SELECT national_id_hash FROM mine WHERE national_id_hash IS NOT NULL)),
	found AS (
		SELECT l.via, l.n, k.owner, k.n AS other FROM look l JOIN match_keys k ON k.kind = l.kind AND k.hash = l.hash
		UNION ALL SELECT 'person', 0, c.id, 0 FROM cases c WHERE c.person_id IN (SELECT id FROM mine)
		UNION ALL SELECT 'household_id', 0, c.id, 0 FROM cases c WHERE c.household_id IN (SELECT id FROM houses)
		UNION ALL SELECT 'household_id', 0, a.id, 0 FROM partner_aid a WHERE a.household_id IN (SELECT id FROM houses))
	SELECT f.via AS kind, f.n, f.owner, f.other, m.sealed, coalesce(c.reference, '') AS reference, coalesce(c.programme, a.programme) AS programme,
	       coalesce(c.area, a.area) AS area, coalesce(c.status, '') AS status, coalesce(c.paid_at, c.submitted_at, a.given_on) AS at,
	       coalesce(c.paid_at, (SELECT max(y.ended_at) FROM payments y WHERE y.case_id = c.id AND y.state = 'settled'), a.given_on) AS paid_at,
	       coalesce(p.id, '') AS person, coalesce(coalesce(p.same_as, p.id) IN (SELECT root FROM different), false) AS different,
	       coalesce(p.id = $2, false) AS same_row
	FROM (SELECT DISTINCT via, n, owner, other FROM found WHERE owner <> $1) f
	JOIN match_people m ON m.owner = f.owner AND m.n = f.other
	LEFT JOIN cases c ON c.id = m.case_id
	LEFT JOIN persons p ON p.id = c.person_id
	LEFT JOIN partner_aid a ON a.id = m.partner_aid_id
	WHERE c.submitted_at IS NOT NULL OR a.id IS NOT NULL`

// listed keeps to the members of the household's newest list: who has left it
// is in another household by now.
const listed = `coalesce(m.last_year, h.reviewed_year, 0) >= coalesce(h.reviewed_year, 0)`
