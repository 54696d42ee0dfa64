package postgres

import (
	"context"

	"github.com/aidflow/aidflow/aid/identity"
)

// Finding is what an automated check has found: codes for a person to judge,
// and a detail of codes and counts, never anything personal.
type Finding struct {
	Passed bool
	Codes  []string
	Detail map[string]any
}

// CheckRegister looks the applicant's household up in the register of the poor
// and near-poor. Codes: household_unknown, household_not_registered,
// household_not_poor, household_review_outdated, no_id_number,
// person_not_in_household. The detail has the classification and the year of
// the review that counts.
func (tx *Tx) CheckRegister(c *Case) (Finding, error) {
	facts, err := tx.RegisterFacts(c)
	if err != nil {
		return Finding{}, err
	}
	if c.HouseholdID == nil {
		return Finding{Codes: []string{"household_unknown"}}, nil
	}
	f := Finding{Detail: map[string]any{}}
	switch {
	case !facts.Registered:
		f.Codes = []string{"household_not_registered"}
		return f, nil
	case facts.Outdated:
		f.Codes = append(f.Codes, "household_review_outdated")
	case !facts.Poor():
		f.Codes = append(f.Codes, "household_not_poor")
	}
	switch {
	case !facts.Numbered:
		f.Codes = append(f.Codes, "no_id_number")
	case !facts.Member:
		f.Codes = append(f.Codes, "person_not_in_household")
	}
	if facts.Year != 0 {
		f.Detail["classification"], f.Detail["year"] = facts.Classification, facts.Year
	}
	f.Passed = len(f.Codes) == 0
	return f, nil
}

// CheckIdentity compares the applicant's id number with birth date and sex.
// Codes: those of identity.Check; no_id_number, which is a stated path and
// passes.
func (tx *Tx) CheckIdentity(c *Case) (Finding, error) {
	a, err := tx.Applicant(c)
	if err != nil {
		return Finding{}, err
	}
	if a.NationalID == "" {
		return Finding{Passed: true, Codes: []string{"no_id_number"}}, nil
	}
	f := Finding{Passed: true}
	for _, fault := range identity.Check(a.NationalID, a.BirthDate, a.Sex) {
		f.Codes = append(f.Codes, fault.Code)
		f.Passed = f.Passed && identity.IsHint(fault.Code)
	}
	return f, nil
}

// CheckDocuments tells which required papers the case does not list. Code:
// document_missing; the detail names the kinds.
func (tx *Tx) CheckDocuments(c *Case) (Finding, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return Finding{}, err
	}
	listed, err := tx.ListedDocuments(c)
	if err != nil {
		return Finding{}, err
	}
	missing := def.MissingDocuments(listed)
	if len(missing) == 0 {
		return Finding{Passed: true}, nil
	}
	return Finding{Codes: []string{"document_missing"}, Detail: map[string]any{"missing": missing}}, nil
}

// Hint tells a partner, before it submits, that one of its own open cases is
// about the same person or household.
type Hint struct {
	Code   string `db:"code"` // same_person_open_case, same_household_open_case
	CaseID string `db:"id"`
}

// DuplicateHints looks among the partner's own open cases only: a hint never
// reveals another partner's.
func (s *Store) DuplicateHints(ctx context.Context, caller *Caller, nationalID, householdCode string) ([]Hint, error) {
	var hash []byte
	if nationalID != "" {
		hash = s.vault.Hash("national-id", nationalID)
	}
	hints := []Hint{}
	err := s.list(ctx, &hints, `
		SELECT CASE WHEN p.national_id_hash = $2 THEN 'same_person_open_case' ELSE 'same_household_open_case' END AS code, c.id
		FROM cases c JOIN persons p ON p.id = c.person_id LEFT JOIN households h ON h.id = c.household_id
		WHERE c.partner_id = $1 AND c.status NOT IN ('draft', 'rejected', 'closed', 'withdrawn')
		  AND (p.national_id_hash = $2 OR h.code = $3) ORDER BY c.id`, caller.ownID(), hash, householdCode)
	return hints, err
}
