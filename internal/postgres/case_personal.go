package postgres

import (
	"context"
	"encoding/json"
)

// Personal is the personal part of a case, in clear text.
type Personal struct {
	Applicant Applicant       `json:"applicant"`
	Household Household       `json:"household"`
	Payee     *Payee          `json:"payee,omitempty"`
	Answers   json.RawMessage `json:"answers,omitempty"`
	Consent   Consent         `json:"consent"`
	Documents []DocumentRow   `json:"documents"`
	Masked    bool            `json:"masked"` // names, numbers and answers are left out
}

// CasePersonal opens the personal part of a case for the caller and writes the
// look into the audit, in one transaction: no look without its entry. An
// auditor gets it masked.
//
// Errors: NotFound case_not_found.
func (s *Store) CasePersonal(ctx context.Context, caller *Caller, idOrRef string) (*Personal, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	plain := row.PartnerID == caller.ownID() || caller.seesPersonal(row.Area, row.Programme)
	var out *Personal
	err = s.Write(ctx, func(tx *Tx) error {
		content, err := tx.contentOf(row)
		if err != nil {
			return err
		}
		documents, err := tx.documents(row.ID)
		if err != nil {
			return err
		}
		out = &Personal{Applicant: content.Applicant, Household: content.Household, Payee: content.Payee, Answers: content.Answers,
			Consent: content.Consent, Documents: documents}
		action := "read_personal"
		if !plain {
			out.mask()
			action = "read_masked"
		}
		return tx.AddAudit(caller.Actor(), action, row.ID, "done", "")
	})
	return out, err
}

// mask leaves only what names nobody.
func (p *Personal) mask() {
	p.Masked = true
	p.Applicant = Applicant{Sex: p.Applicant.Sex}
	members := make([]Member, len(p.Household.Members))
	for i, m := range p.Household.Members {
		members[i] = Member{Sex: m.Sex, Relation: m.Relation}
	}
	p.Household.Members = members
	p.Answers = nil
	if p.Payee != nil {
		p.Payee = &Payee{Kind: p.Payee.Kind, Method: p.Payee.Method}
	}
	for i := range p.Documents {
		p.Documents[i].Location, p.Documents[i].Title = "", ""
	}
}

// Applicant opens what a case says of its applicant, for the checks.
func (tx *Tx) Applicant(c *Case) (Applicant, error) {
	sealed, err := tx.sealedOf(c.ID)
	return sealed.Applicant, err
}
