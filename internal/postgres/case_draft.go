package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// CaseContent opens a request for its own partner, who wants to change it, and
// gives the row that it belongs to. The look is audited.
//
// Errors: NotFound case_not_found.
func (s *Store) CaseContent(ctx context.Context, caller *Caller, idOrRef string) (*CaseContent, *CaseRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, nil, err
	}
	if row.PartnerID != caller.ownID() {
		return nil, nil, aid.Refuse(aid.NotFound, "case_not_found")
	}
	var content *CaseContent
	err = s.Write(ctx, func(tx *Tx) (err error) {
		if content, err = tx.contentOf(row); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "read_personal", row.ID, "done", "")
	})
	return content, row, err
}

func (tx *Tx) contentOf(row *CaseRow) (*CaseContent, error) {
	sealed, err := tx.sealedOf(row.ID)
	if err != nil {
		return nil, err
	}
	payee, err := tx.openPayee(row.PayeeAccountID)
	if err != nil {
		return nil, err
	}
	out := &CaseContent{Programme: row.Programme, ProgrammeVersion: row.ProgrammeVersion, ExternalID: row.ExternalID, Area: row.Area,
		SubmittedBy: row.SubmittedBy, Urgent: row.Urgent, Applicant: sealed.Applicant, Household: Household{Members: sealed.Members},
		Payee: payee, RequestedAmount: row.RequestedAmount, Currency: row.Currency, Answers: sealed.Answers, Consent: sealed.Consent}
	if out.Household.Code, err = tx.householdCode(row.HouseholdID); err != nil {
		return nil, err
	}
	documents, err := tx.documents(row.ID)
	for _, d := range documents {
		if !d.Sent { // what was sent is no part of what can be written anew
			out.Documents = append(out.Documents, d.NewDocument)
		}
	}
	return out, err
}

func (tx *Tx) householdCode(id *string) (string, error) {
	if id == nil {
		return "", nil
	}
	var code string
	err := tx.get(&code, `SELECT code FROM households WHERE id = $1`, *id)
	return code, err
}

// PatchCase replaces the whole content of a draft. Version is the one that the
// caller saw; 0 is not compared.
//
// Errors: NotFound case_not_found; Stale stale; Conflict wrong_state; those of
// CreateCase.
func (s *Store) PatchCase(ctx context.Context, caller *Caller, idOrRef string, version int, in CaseContent) (*CaseRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.lockOwn(caller, row.ID, version)
		if err != nil {
			return err
		}
		if c.Status != aid.Draft {
			return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
		}
		return tx.rewrite(c, caller, in)
	})
	if err != nil {
		return nil, s.nameConflict(ctx, caller, "", in, err)
	}
	return s.CaseByID(ctx, caller, row.ID)
}

// lockOwn locks a case of the partner itself and compares its version.
func (tx *Tx) lockOwn(caller *Caller, id string, version int) (*Case, error) {
	c, err := tx.LockCase(id)
	if err != nil {
		return nil, err
	}
	if c.PartnerID != caller.ownID() {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	if version != 0 && c.Version != version {
		return nil, aid.Refuse(aid.Stale, "stale")
	}
	return c, nil
}

// rewrite gives a draft other content.
func (tx *Tx) rewrite(c *Case, caller *Caller, in CaseContent) error {
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
	if err := tx.rewritePeople(c, in); err != nil {
		return err
	}
	sealed, err := tx.seal("cases", "sealed", c.ID, sealedCase{in.Applicant, in.Household.Members, in.Answers, in.Consent})
	if err != nil {
		return err
	}
	err = tx.one(`UPDATE cases SET external_id = $2, submitted_by = $3, programme = $4, programme_version = $5, area = $6, person_id = $7,
		household_id = $8, urgent = $9, requested_amount = $10, currency = $11, sealed = $12 WHERE id = $1`,
		c.ID, in.ExternalID, in.SubmittedBy, def.Code, def.Version, in.Area, c.PersonID, c.HouseholdID, in.Urgent, in.RequestedAmount,
		in.Currency, sealed)
	if err != nil {
		return err
	}
	c.Programme, c.ProgrammeVersion = def.Code, def.Version
	if err := tx.SaveCase(c); err != nil { // the account, and the version
		return err
	}
	return tx.AddEvent(c, Event{Kind: "case.changed", Actor: caller.Actor()})
}

func (tx *Tx) rewritePeople(c *Case, in CaseContent) error {
	known, err := tx.sealedOf(c.ID)
	if err != nil {
		return err
	}
	if known.Applicant.NationalID == "" || known.Applicant.NationalID != in.Applicant.NationalID {
		if c.PersonID, err = tx.person(in.Applicant); err != nil {
			return err
		}
	}
	if c.HouseholdID, err = tx.household(in.Household.Code, in.Area); err != nil {
		return err
	}
	if in.Payee == nil {
		c.PayeeAccountID = nil
	} else if c.PayeeAccountID, err = tx.account(in.Payee, c.PayeeAccountID); err != nil {
		return err
	}
	if _, err := tx.exec(`DELETE FROM case_words WHERE case_id = $1`, c.ID); err != nil {
		return err
	}
	if err := tx.saveWords(c.ID, in.Applicant); err != nil {
		return err
	}
	if err := tx.SaveKeys(KeyOwner{Case: c.ID}, in.keySource()); err != nil {
		return err
	}
	if err := tx.replaceDocuments(c, nil); err != nil {
		return err
	}
	return tx.listDocuments(c, in.Documents)
}

// SubmitCase submits a draft whose content the caller has validated against
// programme version validated (0: the one it is pinned to). Version is the one
// that the caller saw; 0 is not compared. A draft that is submitted already
// is a Conflict: copies of one request are the business of its key.
//
// Errors: NotFound case_not_found; Stale stale; Conflict wrong_state,
// programme_closed, open_case_exists (param case).
func (s *Store) SubmitCase(ctx context.Context, caller *Caller, idOrRef string, version int, by string, validated int) (*CaseRow, error) {
	content, row, err := s.CaseContent(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	if by == "" {
		by = content.SubmittedBy
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.lockOwn(caller, row.ID, version)
		if err != nil {
			return err
		}
		if validated == 0 {
			validated = c.ProgrammeVersion
		}
		def, err := tx.openProgramme(c.Programme, validated)
		if err != nil {
			return err
		}
		c.ProgrammeVersion = def.Version
		return tx.submit(c, caller, by)
	})
	if err != nil {
		return nil, s.nameConflict(ctx, caller, "", *content, err)
	}
	return s.CaseByID(ctx, caller, row.ID)
}

// WithdrawDraft ends a draft, which has no workflow that could. Withdrawing it
// again changes nothing.
//
// Errors: NotFound case_not_found; Conflict wrong_state.
func (s *Store) WithdrawDraft(ctx context.Context, caller *Caller, idOrRef string, wish Wish) error {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		c, err := tx.lockOwn(caller, row.ID, 0)
		if err != nil {
			return err
		}
		if c.Status == aid.Withdrawn && c.SubmittedAt == nil {
			return nil
		}
		if c.Status != aid.Draft {
			return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
		}
		if _, err := tx.storeWish(c, wish); err != nil {
			return err
		}
		if err := tx.AnswerWithdrawal(c); err != nil {
			return err
		}
		c.ReasonCode = wish.Reason
		if err := tx.MoveCase(c, aid.EventWithdraw); err != nil {
			return err
		}
		if err := tx.EndWait(c.ID); err != nil {
			return err
		}
		return tx.AddEvent(c, Event{Kind: "case.withdrawn", Actor: caller.Actor(), Data: map[string]any{"reason_code": wish.Reason}})
	})
}
