package postgres

import (
	"context"
	"encoding/json"
	"time"

	"github.com/lib/pq"
)

// ChecklistRow is one paper of a case's programme and how it stands.
type ChecklistRow struct {
	Kind       string
	Required   bool
	State      string // missing, listed, uploaded, accepted, rejected
	Reason     string // code of a rejection
	Dated      string // YYYY-MM-DD or ""
	DocumentID string // "" when missing
	Sent       bool   // its file was sent
}

// Checklist gives the papers that the programme names, in its order, then
// those that the partner listed besides.
//
// Errors: NotFound case_not_found.
func (s *Store) Checklist(ctx context.Context, caller *Caller, idOrRef string) ([]ChecklistRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	def, err := s.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	listed, err := s.listedPapers(ctx, row.ID)
	if err != nil {
		return nil, err
	}
	var out []ChecklistRow
	for _, d := range def.Documents {
		papers := listed[d.Kind]
		if len(papers) == 0 {
			papers = []ChecklistRow{{Kind: d.Kind, State: "missing"}}
		}
		for _, paper := range papers {
			paper.Required = d.Required
			out = append(out, paper)
		}
		delete(listed, d.Kind)
	}
	for _, kind := range sortedKeys(listed) {
		out = append(out, listed[kind]...)
	}
	return out, nil
}

func (s *Store) listedPapers(ctx context.Context, caseID string) (map[string][]ChecklistRow, error) {
	var rows []struct {
		ID     string `db:"id"`
		Kind   string `db:"kind"`
		State  string `db:"state"`
		Reason string `db:"reason"`
		Dated  string `db:"dated"`
		Sent   bool   `db:"sent"`
	}
	err := s.list(ctx, &rows, `SELECT d.id, d.kind, `+paperState+` AS state, d.reason, coalesce(d.dated::text, '') AS dated, f.id IS NOT NULL AS sent
		FROM case_documents d LEFT JOIN document_files f ON f.document_id = d.id
		WHERE d.case_id = $1 AND d.state <> 'replaced' ORDER BY d.listed_at, d.id`, caseID)
	listed := map[string][]ChecklistRow{}
	for _, r := range rows {
		listed[r.Kind] = append(listed[r.Kind], ChecklistRow{Kind: r.Kind, State: r.State, Reason: r.Reason, Dated: r.Dated, DocumentID: r.ID, Sent: r.Sent})
	}
	return listed, err
}

// CheckRow is what an automated check found.
type CheckRow struct {
	Round     int             `db:"round"`
	Review    int             `db:"review"`
	Kind      string          `db:"kind"` // register, identity, duplicate, documents
	Passed    bool            `db:"passed"`
	Codes     pq.StringArray  `db:"codes"`
	Detail    json.RawMessage `db:"detail"`
	CheckedAt time.Time       `db:"checked_at"`
}

// Checks gives the findings of every review of a case, oldest first. They are
// the office's: a partner gets none, because they may hint at others' cases.
//
// Errors: NotFound case_not_found.
func (s *Store) Checks(ctx context.Context, caller *Caller, idOrRef string) ([]CheckRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	rows := []CheckRow{}
	if err != nil || caller.Partner() {
		return rows, err
	}
	err = s.list(ctx, &rows, `SELECT round, review, kind, passed, codes, detail, checked_at FROM case_checks
		WHERE case_id = $1 ORDER BY round, review, kind`, row.ID)
	return rows, err
}
