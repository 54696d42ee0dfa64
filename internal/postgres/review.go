package postgres

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
)

// ListedMember is a member of a household as a review list has it, in clear
// text: it lives in memory only.
type ListedMember struct {
	FullName   string `json:"full_name,omitempty"`
	NationalID string `json:"national_id,omitempty"`
	BirthDate  string `json:"birth_date,omitempty"` // YYYY-MM-DD
	Sex        string `json:"sex,omitempty"`
	Phone      string `json:"phone,omitempty"`
	Address    string `json:"address,omitempty"`
	Relation   string `json:"relation,omitempty"`
}

// Review is what a yearly review found of a household, and what the means test
// made of it.
type Review struct {
	Urban      bool
	Class      means.Classification
	Declared   means.Classification // "" when the list says nothing
	ScoreA     *int
	ScoreB     *int
	Income     *int64 // a head and month, minor units
	Indicators *int
	Rules      string // "vn/2022-01-01"; "" when nothing was computed
	By         string // score, income, declared
}

// RegisterRow is one row of a review list: a member and, on the row of the
// head, the household's review.
type RegisterRow struct {
	Household string
	Area      string
	Year      int
	Head      bool
	Member    ListedMember
	Review    *Review // nil but on the head's row

	id      string // of the household
	key     []byte
	content []byte
}

// SaveRegister writes rows of review lists and gives how many of them changed
// something: a row that is known word for word changes nothing. Rows of one
// household may be in several calls. An older list never overwrites what a
// newer one says of a member or household; its reviews are added. The areas
// exist and no member comes twice for a year.
func (tx *Tx) SaveRegister(importID *string, rows []RegisterRow) (applied int, err error) {
	if err := tx.findHouseholds(rows); err != nil {
		return 0, err
	}
	for i := range rows {
		if rows[i].key, rows[i].content, err = tx.rowHashes(&rows[i]); err != nil {
			return 0, err
		}
	}
	fresh, err := tx.freshRows(rows)
	if err != nil || len(fresh) == 0 {
		return 0, err
	}
	if err := tx.saveReviews(importID, fresh); err != nil {
		return 0, err
	}
	return len(fresh), tx.saveMembers(importID, fresh)
}

// findHouseholds gives every row its household's id, making the households
// that are not there.
func (tx *Tx) findHouseholds(rows []RegisterRow) error {
	areas := map[string]string{}
	for _, r := range rows {
		areas[r.Household] = r.Area
	}
	codes := sortedKeys(areas)
	ids, in := make([]string, len(codes)), make([]string, len(codes))
	for i, code := range codes {
		ids[i], in[i] = NewID(aid.HouseholdID), areas[code]
	}
	_, err := tx.exec(`INSERT INTO households (id, code, area, created_at)
		SELECT id, code, area, $4 FROM unnest($1::text[], $2::text[], $3::text[]) AS n(id, code, area) ON CONFLICT (code) DO NOTHING`,
		pq.Array(ids), pq.Array(codes), pq.Array(in), tx.Wall)
	if err != nil {
		return err
	}
	var found []struct {
		ID   string `db:"id"`
		Code string `db:"code"`
	}
	if err := tx.list(&found, `SELECT id, code FROM households WHERE code = ANY($1)`, pq.Array(codes)); err != nil {
		return err
	}
	byCode := make(map[string]string, len(found))
	for _, h := range found {
		byCode[h.Code] = h.ID
	}
	for i := range rows {
		rows[i].id = byCode[rows[i].Household]
	}
	return nil
}

// rowHashes gives the member's key within the household, and a hash of all
// that the row says.
func (tx *Tx) rowHashes(r *RegisterRow) (key, content []byte, err error) {
	raw, err := json.Marshal(struct {
		Area   string
		Head   bool
		Member ListedMember
		Review *Review
	}{r.Area, r.Head, r.Member, r.Review})
	if err != nil {
		return nil, nil, err
	}
	sum := sha256.Sum256(raw)
	return tx.memberKey(r.Member), tx.vault.Hash("register-row", hex.EncodeToString(sum[:])), nil
}

// memberKey is the keyed hash of the id number or, without one, of name and
// birth date.
func (tx *Tx) memberKey(m ListedMember) []byte {
	if m.NationalID != "" {
		return tx.nationalIDHash(m.NationalID)
	}
	return tx.vault.Hash("register-member", m.FullName+"|"+m.BirthDate)
}

// freshRows gives the rows that say something new for their year.
func (tx *Tx) freshRows(rows []RegisterRow) ([]RegisterRow, error) {
	ids, years, keys := make([]string, len(rows)), make([]int64, len(rows)), make(pq.ByteaArray, len(rows))
	for i, r := range rows {
		ids[i], years[i], keys[i] = r.id, int64(r.Year), r.key
	}
	var known []struct {
		N       int    `db:"n"`
		Content []byte `db:"content"`
	}
	err := tx.list(&known, `SELECT r.n - 1 AS n, m.content FROM unnest($1::text[], $2::int[], $3::bytea[]) WITH ORDINALITY AS r(id, year, key, n)
		JOIN household_review_members m ON m.household_id = r.id AND m.year = r.year AND m.member_key = r.key`,
		pq.Array(ids), pq.Array(years), keys)
	if err != nil {
		return nil, err
	}
	same := map[int]bool{}
	for _, k := range known {
		same[k.N] = bytes.Equal(k.Content, rows[k.N].content)
	}
	fresh := make([]RegisterRow, 0, len(rows))
	for i, r := range rows {
		if !same[i] {
			fresh = append(fresh, r)
		}
	}
	return fresh, nil
}

// reviewRow is a review as one JSON object of a statement.
type reviewRow struct {
	ID         string               `json:"id"`
	Year       int                  `json:"year"`
	Area       string               `json:"area"`
	Urban      bool                 `json:"urban"`
	Class      means.Classification `json:"class"`
	Declared   means.Classification `json:"declared"`
	ScoreA     *int                 `json:"score_a"`
	ScoreB     *int                 `json:"score_b"`
	Income     *int64               `json:"income"`
	Indicators *int                 `json:"indicators"`
	Rules      string               `json:"rules"`
	By         string               `json:"by"`
}

// saveReviews writes the reviews of the heads' rows, and what the newest one
// says of each household.
func (tx *Tx) saveReviews(importID *string, rows []RegisterRow) error {
	reviews := []reviewRow{}
	for _, r := range rows {
		if v := r.Review; v != nil {
			reviews = append(reviews, reviewRow{r.id, r.Year, r.Area, v.Urban, v.Class, v.Declared, v.ScoreA, v.ScoreB, v.Income, v.Indicators, v.Rules, v.By})
		}
	}
	if len(reviews) == 0 {
		return nil
	}
	slices.SortStableFunc(reviews, func(a, b reviewRow) int { return bytes.Compare([]byte(a.ID), []byte(b.ID)) })
	raw, err := json.Marshal(reviews)
	if err != nil {
		return err
	}
	const from = ` FROM jsonb_to_recordset($1::jsonb) AS n(id text, year int, area text, urban boolean, class text, declared text,
		score_a int, score_b int, income bigint, indicators int, rules text, by text)`
	_, err = tx.exec(`INSERT INTO household_reviews (household_id, year, area, urban, classification, declared, score_a, score_b, income_per_head,
			indicators, rules, judged_by, import_id, reviewed_at)
		SELECT id, year, area, urban, class, nullif(declared, ''), score_a, score_b, income, indicators, rules, by, $2, $3`+from+`
		ON CONFLICT (household_id, year) DO UPDATE SET area = excluded.area, urban = excluded.urban, classification = excluded.classification,
			declared = excluded.declared, score_a = excluded.score_a, score_b = excluded.score_b, income_per_head = excluded.income_per_head,
			indicators = excluded.indicators, rules = excluded.rules, judged_by = excluded.judged_by, import_id = excluded.import_id,
			reviewed_at = excluded.reviewed_at`, raw, importID, tx.Wall)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE households h SET registered = true, area = n.area, classification = n.class, reviewed_year = n.year`+from+`
		WHERE h.id = n.id AND (h.reviewed_year IS NULL OR h.reviewed_year <= n.year)`, raw)
	return err
}

// saveMembers writes the members and that they stood in the year's list.
func (tx *Tx) saveMembers(importID *string, rows []RegisterRow) error {
	n := len(rows)
	ids, years, heads := make([]string, n), make([]int64, n), make([]bool, n)
	keys, numbers, sealed, contents := make(pq.ByteaArray, n), make(pq.ByteaArray, n), make(pq.ByteaArray, n), make(pq.ByteaArray, n)
	for i, r := range rows {
		ids[i], years[i], heads[i], keys[i], contents[i] = r.id, int64(r.Year), r.Head, r.key, r.content
		numbers[i] = tx.nationalIDHash(r.Member.NationalID)
		var err error
		if sealed[i], err = tx.seal("household_members", "sealed", memberPlace(r.id, r.key), r.Member); err != nil {
			return err
		}
	}
	_, err := tx.exec(`INSERT INTO household_members (household_id, member_key, national_id_hash, head, sealed, last_year)
		SELECT id, key, nullif(number, ''), head, sealed, year
		FROM unnest($1::text[], $2::bytea[], $3::bytea[], $4::boolean[], $5::bytea[], $6::int[]) AS n(id, key, number, head, sealed, year)
		ON CONFLICT (household_id, member_key) DO UPDATE SET head = excluded.head, sealed = excluded.sealed, last_year = excluded.last_year
		WHERE household_members.last_year IS NULL OR household_members.last_year <= excluded.last_year`,
		pq.Array(ids), keys, numbers, pq.Array(heads), sealed, pq.Array(years))
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO household_review_members (household_id, year, member_key, content, import_id)
		SELECT r.*, $5::text FROM unnest($1::text[], $2::int[], $3::bytea[], $4::bytea[]) r
		ON CONFLICT (household_id, year, member_key) DO UPDATE SET content = excluded.content, import_id = excluded.import_id`,
		pq.Array(ids), pq.Array(years), keys, contents, importID)
	return err
}

// memberPlace names the row of a member for the seal.
func memberPlace(household string, key []byte) string {
	return household + "/" + hex.EncodeToString(key)
}

// Judge makes a review of what a list says of a household, by the means test
// as it is on the first day of the year.
//
// Errors: those of means.Classify.
func Judge(rules *means.Rules, year int, test means.Test, declared means.Classification) (*Review, means.Result, error) {
	result, err := rules.Classify(firstDay(year), test)
	if err != nil {
		return nil, result, err
	}
	return &Review{Urban: test.Urban, Class: result.Class, Declared: declared, ScoreA: test.ScoreA, ScoreB: test.ScoreB,
		Income: test.IncomePerHead, Indicators: test.Indicators, Rules: result.Period, By: result.By}, result, nil
}

func firstDay(year int) (day time.Time) {
	day, _ = time.Parse(time.DateOnly, strconv.Itoa(year)+"-01-01") // the year has four digits: imports are checked
	return day
}
