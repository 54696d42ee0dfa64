package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"
)

// Codes of what is odd about a photo of a visit. They are hints for the person
// who decides: a camera's clock may be wrong, and a telephone may not say
// where it is.
const (
	FlagNoTime   = "time_missing"
	FlagOtherDay = "taken_on_another_day" // than the visit
	FlagNoPlace  = "place_missing"
)

// KeptFile is what is kept of a file that was found clean.
type KeptFile struct {
	Type    string // media type
	Size    int64
	Hash    []byte // SHA-256
	Part    string // PartSent when it is kept as it came
	Chunks  int
	TakenAt func(zone *time.Location) *time.Time // what an image says; nil when it says nothing
	Place   *[2]float64                          // latitude and longitude; nil when it says nothing
}

// KeepFile makes a file that was found clean visible: as the paper of its kind
// in the checklist, where it takes the place of one that was only listed or
// was rejected. Whoever is verifying has to look again. A file that is not in
// quarantine any more stays as it is.
func (s *Store) KeepFile(ctx context.Context, id string, k KeptFile) error {
	return s.Write(ctx, func(tx *Tx) error {
		c, f, err := tx.lockFile(id)
		if err != nil || f == nil {
			return err
		}
		if err := tx.keepFile(c, f, k); err != nil {
			return err
		}
		if f.Kind == VisitPhoto || f.Kind == Evidence || !c.Status.Open() {
			return nil
		}
		return tx.paperCame(c, f)
	})
}

func (tx *Tx) keepFile(c *Case, f *fileFacts, k KeptFile) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	var in sealedFile
	if err := tx.open("document_files", "sealed", f.ID, f.Sealed, &in); err != nil {
		return err
	}
	if k.TakenAt != nil {
		in.TakenAt = k.TakenAt(def.Location())
	}
	if k.Place != nil {
		in.Latitude, in.Longitude = &k.Place[0], &k.Place[1]
	}
	sealed, err := tx.seal("document_files", "sealed", f.ID, in)
	if err != nil {
		return err
	}
	return tx.one(`UPDATE document_files SET state = 'clean', reason = '', type = $2, size = $3, hash = $4, part = $5, chunks = $6, sealed = $7,
		flags = $8, looked_at = $9, look_at = NULL, leftovers = $5 = 'kept' WHERE id = $1`,
		f.ID, k.Type, k.Size, k.Hash, k.Part, k.Chunks, sealed, pq.Array(flagsOf(f, in, def.Location())), tx.Wall)
}

func flagsOf(f *fileFacts, in sealedFile, zone *time.Location) []string {
	flags := []string{}
	if f.Kind != VisitPhoto {
		return flags
	}
	if in.TakenAt == nil {
		flags = append(flags, FlagNoTime)
	} else if f.VisitedOn != nil && in.TakenAt.In(zone).Format(time.DateOnly) != *f.VisitedOn {
		flags = append(flags, FlagOtherDay)
	}
	if in.Latitude == nil {
		flags = append(flags, FlagNoPlace)
	}
	return flags
}

// paperCame puts a file into the checklist. A verifier who has the papers open
// has not seen it: the version of that task rises.
func (tx *Tx) paperCame(c *Case, f *fileFacts) error {
	_, err := tx.exec(`UPDATE case_documents SET state = 'replaced' WHERE case_id = $1 AND kind = $2 AND state IN ('listed', 'rejected')`, c.ID, f.Kind)
	if err != nil {
		return err
	}
	sealed, err := tx.seal("case_documents", "sealed", f.DocumentID, sealedDocument{})
	if err != nil {
		return err
	}
	err = tx.one(`INSERT INTO case_documents (id, case_id, kind, dated, sealed, listed_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		f.DocumentID, c.ID, f.Kind, f.Dated, sealed, f.AddedAt)
	if err != nil {
		return err
	}
	_, err = tx.exec(`UPDATE tasks SET version = version + 1 WHERE case_id = $1 AND kind = 'verify_documents' AND closed_at IS NULL`, c.ID)
	if err != nil {
		return err
	}
	return tx.SaveCase(c)
}
