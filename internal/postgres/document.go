package postgres

import (
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// DocumentRow is a paper of a case with what a verifier has said of it.
type DocumentRow struct {
	ID       string    `json:"id"`
	State    string    `json:"state"` // listed, uploaded (its file is there), accepted, rejected
	Reason   string    `json:"reason,omitempty"`
	ListedAt time.Time `json:"listed_at"`
	Sent     bool      `json:"sent"` // its file was sent; else the partner only says where it is
	NewDocument
}

// sealedDocument is what the row of a document keeps sealed: where it is may
// name people.
type sealedDocument struct {
	Location string `json:"location,omitempty"`
	Title    string `json:"title,omitempty"`
}

// listDocuments adds papers to a case.
func (tx *Tx) listDocuments(c *Case, documents []NewDocument) error {
	var ids, kinds []string
	var dates []*string
	var sealed [][]byte
	for _, d := range documents {
		id := NewID(aid.DocumentID)
		one, err := tx.seal("case_documents", "sealed", id, sealedDocument{d.Location, d.Title})
		if err != nil {
			return err
		}
		ids, kinds, dates, sealed = append(ids, id), append(kinds, d.Kind), append(dates, text(d.Dated)), append(sealed, one)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err := tx.exec(`INSERT INTO case_documents (id, case_id, kind, dated, sealed, listed_at)
		SELECT i, $1, k, d, s, $6 FROM unnest($2::text[], $3::text[], $4::date[], $5::bytea[]) AS x (i, k, d, s)`,
		c.ID, pq.Array(ids), pq.Array(kinds), pq.Array(dates), pq.ByteaArray(sealed), tx.Now)
	return err
}

// replaceDocuments sets the papers of the given kinds aside (every one when
// kinds is nil, but for those whose files were sent), because others take their
// place.
func (tx *Tx) replaceDocuments(c *Case, kinds []string) error {
	_, err := tx.exec(`UPDATE case_documents SET state = 'replaced' WHERE case_id = $1 AND state <> 'replaced'
		AND CASE WHEN $2::text[] IS NULL THEN NOT EXISTS (SELECT 1 FROM document_files f WHERE f.document_id = case_documents.id)
		ELSE kind = ANY($2) END`, c.ID, pq.Array(kinds))
	return err
}

// paperState is the state of a paper as people see it: of one that is only
// listed nobody has the file.
const paperState = `CASE WHEN d.state = 'listed' AND f.id IS NOT NULL THEN 'uploaded' ELSE d.state END`

// documents opens the papers of a case that are in force, in the order in
// which they were listed.
func (tx *Tx) documents(caseID string) ([]DocumentRow, error) {
	var rows []struct {
		ID       string    `db:"id"`
		Kind     string    `db:"kind"`
		Dated    *string   `db:"dated"`
		Sealed   []byte    `db:"sealed"`
		State    string    `db:"state"`
		Reason   string    `db:"reason"`
		ListedAt time.Time `db:"listed_at"`
		Sent     bool      `db:"sent"`
	}
	err := tx.list(&rows, `SELECT d.id, d.kind, d.dated::text AS dated, d.sealed, `+paperState+` AS state, d.reason, d.listed_at, f.id IS NOT NULL AS sent
		FROM case_documents d LEFT JOIN document_files f ON f.document_id = d.id
		WHERE d.case_id = $1 AND d.state <> 'replaced' ORDER BY d.listed_at, d.id`, caseID)
	if err != nil {
		return nil, err
	}
	out := make([]DocumentRow, 0, len(rows))
	for _, r := range rows {
		var in sealedDocument
		if err := tx.open("case_documents", "sealed", r.ID, r.Sealed, &in); err != nil {
			return nil, err
		}
		d := DocumentRow{ID: r.ID, State: r.State, Reason: r.Reason, ListedAt: r.ListedAt, Sent: r.Sent,
			NewDocument: NewDocument{Kind: r.Kind, Location: in.Location, Title: in.Title}}
		if r.Dated != nil {
			d.Dated = *r.Dated
		}
		out = append(out, d)
	}
	return out, nil
}

// ListedDocuments gives the kinds of papers that a case lists and that nobody
// has refused.
func (tx *Tx) ListedDocuments(c *Case) ([]string, error) {
	kinds := []string{}
	err := tx.list(&kinds, `SELECT DISTINCT kind FROM case_documents WHERE case_id = $1 AND state IN ('listed', 'accepted') ORDER BY kind`, c.ID)
	return kinds, err
}
