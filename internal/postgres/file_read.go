package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// FileRow is a document that was sent, as readers see it.
type FileRow struct {
	File
	Kind       string         `db:"kind"`
	TaskID     *string        `db:"task_id"`
	Milestone  string         `db:"milestone"`
	Dated      *string        `db:"dated"`
	VisitedOn  *string        `db:"visited_on"`
	Uploader   string         `db:"uploader"`
	SentHash   []byte         `db:"sent_hash"`
	Hash       []byte         `db:"hash"`
	Flags      pq.StringArray `db:"flags"`
	AddedAt    time.Time      `db:"added_at"`
	Review     string         `db:"review"` // of a paper: uploaded, accepted, rejected, replaced; "" for others
	ReviewCode string         `db:"review_code"`
	Area       string         `db:"area"`
	Programme  string         `db:"programme"`
	PartnerID  string         `db:"partner_id"`
	Sealed     []byte         `db:"sealed"`

	Masked    bool // name, time and place are left out
	Name      string
	TakenAt   *time.Time  // what an image says; for the office only
	Place     *[2]float64 // latitude, longitude; for the office only
	OfOffice  bool        // the reader is of the office
	Readable  bool        // the reader may have the bytes
	ReadingAs string      // the role in which
}

const fileRowColumns = fileColumns + `, f.kind, f.task_id, f.milestone, f.dated::text AS dated, f.visited_on::text AS visited_on, f.uploader,
	f.sent_hash, f.hash, f.flags, f.added_at, coalesce(` + paperState + `, '') AS review, coalesce(d.reason, '') AS review_code, c.area, c.programme, c.partner_id, f.sealed`

const fileRowFrom = ` FROM document_files f JOIN cases c ON c.id = f.case_id LEFT JOIN case_documents d ON d.id = f.document_id`

// Document gives what is known of a document that was sent, not its bytes.
//
// Errors: NotFound document_not_found, also when it is not the caller's to
// see.
func (s *Store) Document(ctx context.Context, caller *Caller, id string) (*FileRow, error) {
	rows, err := s.documentRows(ctx, caller, `f.document_id = $1`, id)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, aid.Refuse(aid.NotFound, "document_not_found")
	}
	return &rows[0], nil
}

// CaseDocuments gives the documents that were sent for a case, oldest first.
//
// Errors: NotFound case_not_found.
func (s *Store) CaseDocuments(ctx context.Context, caller *Caller, idOrRef string) ([]FileRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	return s.documentRows(ctx, caller, `f.case_id = $1`, row.ID)
}

// documentRows reads documents that the caller may see and opens of each what
// the caller may know. The condition takes its argument as $1.
func (s *Store) documentRows(ctx context.Context, caller *Caller, where, arg string) ([]FileRow, error) {
	rows := []FileRow{}
	sees, mine := caller.seesCase()
	err := s.list(ctx, &rows, `SELECT `+fileRowColumns+fileRowFrom+` WHERE `+where+` AND `+sees+` ORDER BY f.added_at, f.id`, arg, mine)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if err := s.unseal(caller, &rows[i]); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// readers are the roles of the office that may see the bytes of a document, in
// the order in which they are named in the audit.
var readers = []aid.Role{aid.RoleVerifier, aid.RoleApprover, aid.RoleIntake, aid.RoleTreasurer}

// unseal opens what the caller may know: the office all, the partner the name
// that it gave, an auditor, a manager and a releaser nothing.
func (s *Store) unseal(caller *Caller, row *FileRow) error {
	row.OfOffice = !caller.Partner()
	if caller.Partner() {
		row.Readable, row.ReadingAs = row.PartnerID == caller.ownID(), string(aid.RolePartner)
	} else if i := slices.IndexFunc(readers, func(r aid.Role) bool { return caller.Reads(row.Area, row.Programme, r) }); i >= 0 {
		row.Readable, row.ReadingAs = true, string(readers[i])
	}
	if row.Masked = !row.Readable; row.Masked {
		return nil
	}
	var in sealedFile
	plain, err := s.vault.Open("document_files", "sealed", row.ID, row.Sealed)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(plain, &in); err != nil {
		return err
	}
	if row.Uploader == caller.Actor() || row.OfOffice {
		row.Name = in.Name
	}
	if row.OfOffice && in.Latitude != nil {
		row.Place = &[2]float64{*in.Latitude, *in.Longitude}
	}
	if row.OfOffice {
		row.TakenAt = in.TakenAt
	}
	return nil
}

// ReadDocument lets the caller have the bytes of a document, and writes down
// who had them and why: a code, or the role when none is given. A document
// whose bytes are not to be had is written down as refused.
//
// Errors: NotFound document_not_found; Forbidden wrong_role; Conflict
// document_not_clean (param state).
func (s *Store) ReadDocument(ctx context.Context, caller *Caller, id, why string) (*FileRow, error) {
	row, err := s.Document(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if why == "" {
		why = row.ReadingAs
	}
	switch {
	case !row.Readable:
		err = aid.Refuse(aid.Forbidden, "wrong_role")
	case row.State != FileClean:
		err = aid.Refuse(aid.Conflict, "document_not_clean", "state", row.State)
	}
	audit := s.Write(ctx, func(tx *Tx) error {
		if err != nil {
			return tx.AddAudit(caller.Actor(), "read_document", id, "refused", aid.CodeOf(err))
		}
		return tx.AddAudit(caller.Actor(), "read_document", id, "done", why)
	})
	if audit != nil {
		return nil, audit
	}
	return row, err
}

// Photo is a clean photo of a visit.
type Photo struct {
	DocumentID string         `db:"document_id"`
	Uploader   string         `db:"uploader"`
	Flags      pq.StringArray `db:"flags"` // FlagNoTime, FlagOtherDay, FlagNoPlace
}

// PhotosOf gives the clean photos that were sent for a task, oldest first.
func (tx *Tx) PhotosOf(task string) ([]Photo, error) {
	photos := []Photo{}
	err := tx.list(&photos, photosOfTask, task)
	return photos, err
}

const photosOfTask = `SELECT document_id, uploader, flags FROM document_files
	WHERE task_id = $1 AND kind = 'visit_photo' AND state = 'clean' ORDER BY added_at, id`

// PhotoFaults tells whether at least so many clean photos were sent for a
// task, and whether those that its decision names are among them: the faults
// are photos_missing (param limit) at /data/photos, and unknown_document at
// each photo that is none.
func (tx *Tx) PhotoFaults(task string, atLeast int, named []string) ([]aid.Fault, error) {
	photos, err := tx.PhotosOf(task)
	return photoFaults(photos, atLeast, named), err
}

func photoFaults(photos []Photo, atLeast int, named []string) []aid.Fault {
	var faults []aid.Fault
	if len(photos) < atLeast {
		faults = append(faults, aid.Fault{Pointer: "/data/photos", Code: "photos_missing", Params: map[string]string{"limit": strconv.Itoa(atLeast)}})
	}
	for i, id := range named {
		if !slices.ContainsFunc(photos, func(p Photo) bool { return p.DocumentID == id }) {
			faults = append(faults, aid.Fault{Pointer: "/data/photos/" + strconv.Itoa(i), Code: "unknown_document"})
		}
	}
	return faults
}
