package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// NewDocument is a paper that the partner lists: what it is and where it is,
// in clear text.
type NewDocument struct {
	Kind     string `json:"kind"`
	Dated    string `json:"dated,omitempty"` // YYYY-MM-DD
	Location string `json:"location,omitempty"`
	Title    string `json:"title,omitempty"`
}

// CaseContent is a request as a partner states it, in clear text: it is sealed
// here and lives in memory only. A draft may leave out everything but
// programme and area.
type CaseContent struct {
	Programme        string          `json:"programme"`
	ProgrammeVersion int             `json:"programme_version"` // the version it was validated against; 0 for the newest
	ExternalID       string          `json:"external_id,omitempty"`
	Area             string          `json:"area"`
	SubmittedBy      string          `json:"submitted_by,omitempty"`
	Urgent           bool            `json:"urgent"`
	Applicant        Applicant       `json:"applicant"`
	Household        Household       `json:"household"`
	Payee            *Payee          `json:"payee,omitempty"`
	RequestedAmount  int64           `json:"requested_amount"` // minor units of Currency
	Currency         string          `json:"currency,omitempty"`
	Answers          json.RawMessage `json:"answers,omitempty"`
	Consent          Consent         `json:"consent"`
	Documents        []NewDocument   `json:"documents,omitempty"`
}

// CreatedCase is a new case with the token of the household's status page.
type CreatedCase struct {
	CaseRow
	TrackingToken string
}

// CreateCase stores a request, as a draft or submitted, in one transaction:
// the sealed content, the case, its reference, its first event and interval,
// and the workflow that has to run. The id comes from the caller: the same id
// again gives the case that is there.
//
// Errors: Forbidden wrong_role; Invalid unknown_area, unknown_programme (with
// pointers); Conflict programme_closed; Conflict duplicate_external_id,
// open_case_exists, both with param case, the caller's own case.
func (s *Store) CreateCase(ctx context.Context, caller *Caller, id string, in CaseContent, draft bool) (*CreatedCase, error) {
	if !caller.Partner() {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	err := s.Write(ctx, func(tx *Tx) error {
		if there, err := tx.ownCase(caller, id); err != nil || there {
			return err
		}
		return tx.createCase(caller, id, in, draft)
	})
	if err != nil {
		if err = s.nameConflict(ctx, caller, id, in, err); err != nil {
			return nil, err
		}
	}
	row, err := s.CaseByID(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return &CreatedCase{CaseRow: *row, TrackingToken: s.trackingToken(id)}, nil
}

func (tx *Tx) ownCase(caller *Caller, id string) (bool, error) {
	var there bool
	err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM cases WHERE id = $1 AND partner_id = $2)`, id, caller.ID)
	return there, err
}

func (tx *Tx) createCase(caller *Caller, id string, in CaseContent, draft bool) error {
	if err := tx.checkArea(caller, in.Area); err != nil {
		return err
	}
	def, err := tx.openProgramme(in.Programme, in.ProgrammeVersion)
	if err != nil {
		return err
	}
	if in.Currency == "" {
		in.Currency = def.Currency
	}
	c := &Case{ID: id, PartnerID: caller.ID, ExternalID: in.ExternalID, Programme: def.Code, ProgrammeVersion: def.Version, Area: in.Area,
		Status: aid.Draft, Stage: aid.Intake, Round: 1, Review: 1, Urgent: in.Urgent, RequestedAmount: in.RequestedAmount,
		Currency: in.Currency, Version: 1, CreatedAt: tx.Now, UpdatedAt: tx.Now}
	if err := tx.insertCase(c, in); err != nil {
		return err
	}
	if draft {
		return tx.begunDraft(c, caller)
	}
	return tx.submit(c, caller, in.SubmittedBy)
}

// insertCase writes the row of a draft with all that is sealed beside it.
func (tx *Tx) insertCase(c *Case, in CaseContent) (err error) {
	if c.PersonID, err = tx.person(in.Applicant); err != nil {
		return err
	}
	if c.HouseholdID, err = tx.household(in.Household.Code, in.Area); err != nil {
		return err
	}
	if c.PayeeAccountID, err = tx.account(in.Payee, nil); err != nil {
		return err
	}
	sealed, err := tx.seal("cases", "sealed", c.ID, sealedCase{in.Applicant, in.Household.Members, in.Answers, in.Consent})
	if err != nil {
		return err
	}
	err = tx.one(`
		INSERT INTO cases (id, partner_id, external_id, submitted_by, programme, programme_version, area, person_id, household_id,
		       payee_account_id, status, stage, urgent, requested_amount, currency, sealed, tracking_hash, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)`,
		c.ID, c.PartnerID, c.ExternalID, in.SubmittedBy, c.Programme, c.ProgrammeVersion, c.Area, c.PersonID, c.HouseholdID,
		c.PayeeAccountID, c.Status, c.Stage, c.Urgent, c.RequestedAmount, c.Currency, sealed, tx.vault.Hash("tracking", tx.store.trackingToken(c.ID)), tx.Now)
	if err != nil {
		return err
	}
	if err := tx.saveWords(c.ID, in.Applicant); err != nil {
		return err
	}
	if err := tx.SaveKeys(KeyOwner{Case: c.ID}, in.keySource()); err != nil {
		return err
	}
	return tx.listDocuments(c, in.Documents)
}

// keySource gives what the duplicate check has to know of a request.
func (in CaseContent) keySource() KeySource {
	return KeySource{Area: in.Area, Applicant: in.Applicant, Members: in.Household.Members, HouseholdCode: in.Household.Code, Payee: in.Payee}
}

func (tx *Tx) saveWords(caseID string, a Applicant) error {
	_, err := tx.exec(`INSERT INTO case_words (word_hash, case_id) SELECT DISTINCT w, $2 FROM unnest($1::bytea[]) w ON CONFLICT DO NOTHING`,
		pq.ByteaArray(tx.words(a)), caseID)
	return err
}

// begunDraft starts the timeline of a draft: the partner is awaited.
func (tx *Tx) begunDraft(c *Case, caller *Caller) error {
	if err := tx.AddEvent(c, Event{Kind: "case.drafted", Actor: caller.Actor()}); err != nil {
		return err
	}
	return tx.BeginWait(c.ID, Wait{Stage: aid.Intake, Owner: aid.OwnerPartner})
}

// submit makes a draft of this transaction or of an earlier one a submitted
// case.
func (tx *Tx) submit(c *Case, caller *Caller, by string) error {
	if err := complete(c); err != nil {
		return err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	reference, err := tx.nextReference(def.Location())
	if err != nil {
		return err
	}
	c.Reference, c.SubmittedAt = &reference, &tx.Now
	c.WorkflowID = CaseWorkflowID(c.ID, c.Round)
	if err := tx.one(`UPDATE cases SET reference = $2, submitted_by = $3, programme_version = $4 WHERE id = $1`,
		c.ID, reference, by, c.ProgrammeVersion); err != nil {
		return err
	}
	if err := tx.MoveCase(c, aid.EventSubmit); err != nil {
		return err
	}
	err = tx.AddEvent(c, Event{Kind: "case.submitted", Actor: caller.Actor(), Data: map[string]any{
		"reference": reference, "requested_amount": c.RequestedAmount, "currency": c.Currency}})
	if err != nil {
		return err
	}
	if err := tx.BeginWait(c.ID, Wait{Stage: aid.Intake, Owner: aid.OwnerSystem}); err != nil {
		return err
	}
	return tx.WantWorkflow(c.WorkflowID, c.ID, CaseWorkflow, aid.CaseInput{Case: c.ID, Round: c.Round, Version: c.ProgrammeVersion})
}

// complete refuses what no step after a submit could do without. Whether the
// content is valid was checked against the programme before.
func complete(c *Case) error {
	var faults []aid.Fault
	if c.PayeeAccountID == nil {
		faults = append(faults, aid.Fault{Pointer: "/payee", Code: "required"})
	}
	if c.RequestedAmount <= 0 {
		faults = append(faults, aid.Fault{Pointer: "/requested/amount", Code: "amount_not_positive"})
	}
	return aid.RefuseAll(faults)
}

// nextReference takes the next number of the year for people and paper. The
// counter's row is locked until the end of the transaction, so that a rollback
// leaves no gap.
func (tx *Tx) nextReference(loc *time.Location) (string, error) {
	year := tx.Now.In(loc).Year()
	var n int
	err := tx.get(&n, `INSERT INTO reference_counters (programme, year, last) VALUES ('*', $1, 1)
		ON CONFLICT (programme, year) DO UPDATE SET last = reference_counters.last + 1 RETURNING last`, year)
	return "HS-" + strconv.Itoa(year) + fmt.Sprintf("-%06d", n), err
}

// trackingToken derives the token of a household's status page from the case.
// It is kept nowhere: only the key file can make it, and a repeated request
// gets the same one.
func (s *Store) trackingToken(caseID string) string {
	return keyAlphabet.EncodeToString(s.vault.Hash("tracking-token", caseID)[:20])
}

// nameConflict completes a refusal with the caller's own case that is in the
// way. When that is the very case that was to be made, another copy of the
// request was faster, and there is no error.
func (s *Store) nameConflict(ctx context.Context, caller *Caller, id string, in CaseContent, refusal error) error {
	if aid.KindOf(refusal) != aid.Conflict && aid.CodeOf(refusal) != "constraint_violated" {
		return refusal
	}
	var found []string
	var err error
	switch aid.CodeOf(refusal) {
	case "duplicate_external_id":
		err = s.list(ctx, &found, `SELECT id FROM cases WHERE partner_id = $1 AND external_id = $2`, caller.ID, in.ExternalID)
	case "open_case_exists":
		err = s.list(ctx, &found, `SELECT c.id FROM cases c JOIN persons p ON p.id = c.person_id
			WHERE c.partner_id = $1 AND c.programme = $2 AND p.national_id_hash = $3
			  AND c.status NOT IN ('draft', 'rejected', 'closed', 'withdrawn')`, caller.ID, in.Programme, s.vault.Hash("national-id", in.Applicant.NationalID))
	default:
		err = s.list(ctx, &found, `SELECT id FROM cases WHERE id = $1 AND partner_id = $2`, id, caller.ID)
	}
	if err != nil || len(found) == 0 {
		return refusal
	}
	if found[0] == id {
		return nil
	}
	return aid.Refuse(aid.Conflict, aid.CodeOf(refusal), "case", found[0])
}
