package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/lib/pq"
)

// CaseSearch looks for a case by what people know of it. Every given field
// must fit; accents and letter case do not matter in a name.
type CaseSearch struct {
	Name          string // each of its words
	NationalID    string
	Phone         string
	HouseholdCode string
	Reference     string
}

// SearchCases finds the cases that the caller may see, newest first. Names and
// numbers are compared as keyed hashes: the database never sees them. A search
// for nothing finds nothing.
//
// Errors: Invalid invalid_cursor.
func (s *Store) SearchCases(ctx context.Context, caller *Caller, q CaseSearch, p Page) ([]CaseRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	words := s.searchWords(q)
	rows := []CaseRow{}
	if len(words) == 0 && q.HouseholdCode == "" && q.Reference == "" {
		return rows, nil
	}
	sees, mine := caller.seesCase()
	err = s.list(ctx, &rows, `SELECT `+caseRowColumns+caseRowFrom+`
		WHERE `+sees+`
		  AND ($3::timestamptz IS NULL OR (c.created_at, c.id) < ($3, $4))
		  AND (cardinality($5::bytea[]) = 0 OR c.id IN (
		       SELECT w.case_id FROM case_words w WHERE w.word_hash = ANY($5) GROUP BY w.case_id HAVING count(*) = cardinality($5)))
		  AND ($6::text IS NULL OR c.household_id = (SELECT h.id FROM households h WHERE h.code = $6))
		  AND ($7::text IS NULL OR c.reference = $7 OR c.external_id = $7 OR c.id = $7)
		ORDER BY c.created_at DESC, c.id DESC LIMIT $8`,
		s.Now(), mine, at, p.After.ID, pq.ByteaArray(words), text(q.HouseholdCode), text(q.Reference), p.limit())
	return rows, err
}

func (s *Store) searchWords(q CaseSearch) [][]byte {
	words := [][]byte{}
	if q.Name != "" {
		words = append(words, s.vault.Words("search", q.Name)...)
	}
	for _, number := range []string{q.NationalID, q.Phone} {
		if number != "" {
			words = append(words, s.vault.Hash("search-number", number))
		}
	}
	slices.SortFunc(words, bytes.Compare)
	return slices.CompactFunc(words, bytes.Equal)
}
