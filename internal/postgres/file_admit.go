package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Kinds of documents that are no papers of the checklist: what the office
// itself brings back from the household.
const (
	VisitPhoto = "visit_photo" // images, of a task or milestone
	Evidence   = "evidence"    // anything, of a task or milestone
)

// maxFiles is how many files a case may have.
const maxFiles = 300

// NewFile is a file that has come completely, and what its sender says of it.
type NewFile struct {
	ID         string // of the file
	DocumentID string // the id that the document is to have
	Case       string // id or reference
	Kind       string // of the programme's documents, VisitPhoto or Evidence
	Task       string // that it is evidence for; ""
	Milestone  string // that it is evidence for; ""
	Dated      string // date on the paper, YYYY-MM-DD; ""
	VisitedOn  string // day of the visit, YYYY-MM-DD; "" for today
	Name       string // of the file; sealed
	Type       string // media type by its content; "" when it is none that is accepted
	Image      bool
	Size       int64
	Chunks     int
	Hash       []byte      // SHA-256
	Faults     []aid.Fault // found already, told together with those found here
}

// sealedFile is what the row of a file keeps sealed.
type sealedFile struct {
	Name      string     `json:"name,omitempty"`
	TakenAt   *time.Time `json:"taken_at,omitempty"`
	Latitude  *float64   `json:"latitude,omitempty"`
	Longitude *float64   `json:"longitude,omitempty"`
}

// AdmitFile makes a file a document of its case, in quarantine until it was
// looked at; for that the caller has the time of the lease. A document of that
// id which is there already is given as it stands.
//
// Errors: NotFound case_not_found; Forbidden wrong_role (not in this area);
// Conflict wrong_state, document_accepted, too_many_documents, task_closed,
// task_claimed; Invalid invalid_content with all faults: unknown_document,
// not_allowed, required, unknown_task, unknown_milestone, image_required,
// bad_format, in_future.
func (s *Store) AdmitFile(ctx context.Context, caller *Caller, in NewFile, lease time.Duration) (*File, error) {
	row, err := s.CaseByID(ctx, caller, in.Case)
	if err != nil {
		return nil, err
	}
	if !caller.Partner() && !caller.HasFor(row.Area, row.Programme, aid.RoleIntake, aid.RoleVerifier, aid.RoleTreasurer) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	var out File
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		if err != nil {
			return err
		}
		if err := tx.get(&out, `SELECT `+fileColumns+` FROM document_files f WHERE f.document_id = $1 AND f.case_id = $2`, in.DocumentID, c.ID); !notFound(err) {
			return err
		}
		if err := tx.mayAdmit(c, caller, in); err != nil {
			return err
		}
		return tx.admit(c, caller, in, lease, &out)
	})
	return &out, err
}

func (tx *Tx) admit(c *Case, caller *Caller, in NewFile, lease time.Duration, out *File) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	if in.VisitedOn == "" && in.Kind == VisitPhoto {
		in.VisitedOn = tx.Now.In(def.Location()).Format(time.DateOnly)
	}
	sealed, err := tx.seal("document_files", "sealed", in.ID, sealedFile{Name: in.Name})
	if err != nil {
		return err
	}
	err = tx.get(out, `UPDATE document_files f SET document_id = $2, case_id = $3, kind = $4, task_id = nullif($5, ''), milestone = $6,
		dated = nullif($7, '')::date, visited_on = nullif($8, '')::date, state = 'quarantine', sent_type = $9, sent_size = $10, sent_hash = $11,
		sent_chunks = $12, sealed = $13, added_at = $14, look_at = $15, looks = 1 WHERE f.id = $1 AND f.state = 'receiving' RETURNING `+fileColumns,
		in.ID, in.DocumentID, c.ID, in.Kind, in.Task, in.Milestone, in.Dated, in.VisitedOn, in.Type, in.Size, in.Hash, in.Chunks, sealed,
		tx.Now, tx.Wall.Add(lease))
	if notFound(err) { // it took too long to come, and was swept away
		return aid.Refuse(aid.Unavailable, "upload_lost")
	}
	if err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "document.received", Actor: caller.Actor(), Task: in.Task, Data: map[string]any{"document": in.DocumentID, "kind": in.Kind}})
}

// mayAdmit looks at everything that does not depend on the bytes.
func (tx *Tx) mayAdmit(c *Case, caller *Caller, in NewFile) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	faults := append(slices.Clone(in.Faults), tx.fileFaults(c, def, caller, in)...)
	task, err := tx.evidenceTask(c, in, &faults)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return aid.RefuseAll(faults)
	}
	if task != nil && task.ClosedAt != nil {
		return whyClosed(tx.get, task.ID)
	}
	if task != nil {
		if err := task.heldByAnother(tx.Now, caller.Actor()); err != nil {
			return err
		}
	}
	return tx.hasRoom(c, in)
}

func (tx *Tx) fileFaults(c *Case, def *programme.Definition, caller *Caller, in NewFile) []aid.Fault {
	var faults []aid.Fault
	add := func(at, code string) { faults = append(faults, aid.Fault{Pointer: at, Code: code}) }
	paper := slices.ContainsFunc(def.Documents, func(d programme.Document) bool { return d.Kind == in.Kind })
	office := in.Kind == VisitPhoto || in.Kind == Evidence
	switch {
	case !paper && !office:
		add("/kind", "unknown_document")
	case office && caller.Partner():
		add("/kind", "not_allowed")
	case office && in.Task == "" && in.Milestone == "":
		add("/task", "required")
	case paper && in.Task != "":
		add("/task", "not_allowed")
	case paper && in.Milestone != "":
		add("/milestone", "not_allowed")
	}
	if in.Milestone != "" && !slices.ContainsFunc(def.Milestones, func(m programme.Milestone) bool { return m.Code == in.Milestone }) {
		add("/milestone", "unknown_milestone")
	}
	if in.Kind == VisitPhoto && in.Type != "" && !in.Image {
		add("/file", "image_required")
	}
	if in.VisitedOn != "" && in.Kind != VisitPhoto {
		add("/visited_on", "not_allowed")
	}
	today := tx.Now.In(def.Location()).Format(time.DateOnly)
	for at, day := range map[string]string{"/dated": in.Dated, "/visited_on": in.VisitedOn} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			add(at, "bad_format")
		} else if day > today {
			add(at, "in_future")
		}
	}
	return faults
}

// evidenceTask gives the task that a file is evidence for; nil for none.
func (tx *Tx) evidenceTask(c *Case, in NewFile, faults *[]aid.Fault) (*Task, error) {
	if in.Task == "" || (in.Kind != VisitPhoto && in.Kind != Evidence) {
		return nil, nil
	}
	var t Task
	err := tx.get(&t, `SELECT `+taskColumns+` FROM tasks t WHERE t.id = $1 AND t.case_id = $2 AND t.kind <> 'provide_information'`, in.Task, c.ID)
	if notFound(err) {
		*faults = append(*faults, aid.Fault{Pointer: "/task", Code: "unknown_task"})
		return nil, nil
	}
	return &t, err
}

// hasRoom tells whether the case, as it stands, takes the file.
func (tx *Tx) hasRoom(c *Case, in NewFile) error {
	office := in.Kind == VisitPhoto || in.Kind == Evidence
	asking := c.Status == aid.Draft || c.Status == aid.Submitted || c.Status == aid.InReview || c.Status == aid.ActionNeeded
	if !c.Status.Open() || (!office && !asking) {
		return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
	}
	var has struct {
		Files    int  `db:"files"`
		Accepted bool `db:"accepted"`
	}
	err := tx.get(&has, `SELECT (SELECT count(*) FROM document_files WHERE case_id = $1) AS files,
		EXISTS (SELECT 1 FROM case_documents WHERE case_id = $1 AND kind = $2 AND state = 'accepted') AS accepted`, c.ID, in.Kind)
	switch {
	case err != nil:
		return err
	case has.Files >= maxFiles:
		return aid.Refuse(aid.Conflict, "too_many_documents")
	case has.Accepted:
		return aid.Refuse(aid.Conflict, "document_accepted")
	}
	return nil
}
