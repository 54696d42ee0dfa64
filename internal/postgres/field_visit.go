package postgres

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// OpenFieldVisits opens the visits before the approval: one, or two where the
// programme wants the household to be seen by two persons.
func (tx *Tx) OpenFieldVisits(c *Case, workflow string, rule map[string]any) error {
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	subjects := []string{""}
	if n := def.Verifiers(); n > 1 {
		subjects = subjects[:0]
		for i := range n {
			subjects = append(subjects, strconv.Itoa(i+1))
		}
	}
	for _, subject := range subjects {
		if _, err := tx.OpenOfficeTask(c, NewTask{Kind: aid.FieldVisit, Workflow: workflow, Subject: subject, Rule: rule}); err != nil {
			return err
		}
	}
	return nil
}

// visitFaults checks what a verifier reports of a visit by the programme's
// form, and that the photos which it wants were sent for the task.
func (tx *Tx) visitFaults(t *Task, def *programme.Definition, data json.RawMessage) ([]aid.Fault, error) {
	if def.Visit == nil {
		return nil, nil // the door takes no facts then
	}
	var report struct {
		Photos []string `json:"photos"`
	}
	_ = json.Unmarshal(data, &report) // the door has checked its form
	faults, err := tx.PhotoFaults(t.ID, def.Visit.Photos, report.Photos)
	if err != nil {
		return nil, err
	}
	for _, f := range def.CheckVisit(seenIn(data)) {
		f.Pointer = "/data/seen" + f.Pointer
		faults = append(faults, f)
	}
	return faults, nil
}

// PhotosNeeded gives how many more clean photos a visit needs before it can be
// completed.
func (s *Store) PhotosNeeded(ctx context.Context, task string, def *programme.Definition) (int, error) {
	if def.Visit == nil || def.Visit.Photos == 0 {
		return 0, nil
	}
	photos := []Photo{}
	err := s.list(ctx, &photos, photosOfTask, task)
	return max(def.Visit.Photos-len(photos), 0), err
}

// notTheOther refuses a second visit by a person of the first: two verifiers
// are two persons, and a delegate and the principal are none more than one.
//
// Errors: Forbidden second_verifier.
func (tx *Tx) notTheOther(t *Task, persons []string) error {
	if t.Kind == aid.Advise {
		return tx.onlyTheAsked(t, persons[0])
	}
	if t.Kind != aid.FieldVisit || t.Subject == "" {
		return nil
	}
	var both bool
	err := tx.get(&both, `SELECT EXISTS (SELECT 1 FROM tasks o JOIN decisions d ON d.task_id = o.id AND d.state = 'applied' AND (d.actor = ANY($2) OR d.behalf = ANY($2))
		JOIN tasks t ON t.case_id = o.case_id AND t.round = o.round AND t.review = o.review AND t.id <> o.id
		WHERE t.id = $1 AND o.kind = 'field_visit')`, t.ID, pq.Array(persons))
	if err == nil && both {
		return aid.Refuse(aid.Forbidden, "second_verifier")
	}
	return err
}

// VisitReport is what a verifier saw, beside what the household had declared.
type VisitReport struct {
	By          string
	At          time.Time // on the case's clock
	Review      int
	Task        string
	Photos      []Photo
	Seen        json.RawMessage // by the visit's form; nil for readers without personal data
	Differences []programme.Difference
}

// VisitReports gives the completed visits of a case's round for a person who
// decides on it, and writes the look into the audit. A caller who may not see
// personal data gets who and when only.
//
// Errors: NotFound case_not_found.
func (s *Store) VisitReports(ctx context.Context, caller *Caller, idOrRef string) ([]VisitReport, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil || caller.Partner() {
		return nil, err
	}
	plain := caller.seesPersonal(row.Area, row.Programme)
	var out []VisitReport
	err = s.Write(ctx, func(tx *Tx) error {
		c := &Case{ID: row.ID, Round: row.Round, Programme: row.Programme, ProgrammeVersion: row.ProgrammeVersion}
		visits, err := tx.visitDecisions(c)
		if err != nil || len(visits) == 0 {
			return err
		}
		if out, err = tx.reports(c, visits, plain); err != nil || !plain {
			return err
		}
		return tx.AddAudit(caller.Actor(), "read_personal", row.ID, "done", "visit")
	})
	return out, err
}

func (tx *Tx) reports(c *Case, visits []visitDecision, plain bool) ([]VisitReport, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	content, err := tx.sealedOf(c.ID)
	if err != nil {
		return nil, err
	}
	var out []VisitReport
	for _, v := range visits {
		report := VisitReport{By: v.Actor, At: v.At, Review: v.Review, Task: v.Task}
		if report.Photos, err = tx.PhotosOf(v.Task); err != nil {
			return nil, err
		}
		if plain {
			said, err := tx.Content(v.Decision)
			if err != nil {
				return nil, err
			}
			report.Seen = seenIn(said.Data)
			report.Differences = def.Compare(content.Answers, report.Seen)
		}
		out = append(out, report)
	}
	return out, nil
}
