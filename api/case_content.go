package api

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/identity"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// contentOf reads a request into what the store takes.
func contentOf(in CaseNew) postgres.CaseContent {
	out := postgres.CaseContent{Programme: in.Programme, Area: in.Area, ExternalID: in.ExternalID}
	urgent := in.Urgent
	merge(&out, CaseChange{Area: in.Area, Applicant: in.Applicant, Household: in.Household, SubmittedBy: in.SubmittedBy, Urgent: &urgent,
		Payee: in.Payee, Requested: in.Requested, Answers: in.Answers, Consent: in.Consent, Documents: in.Documents})
	return out
}

// merge replaces the members that are given.
func merge(out *postgres.CaseContent, in CaseChange) {
	if in.Area != "" {
		out.Area = in.Area
	}
	if in.Applicant.FullName != "" {
		out.Applicant = applicantOf(in.Applicant)
	}
	if in.Household.Code != "" || in.Household.Members != nil {
		out.Household = householdOf(in.Household)
	}
	if in.SubmittedBy != "" {
		out.SubmittedBy = in.SubmittedBy
	}
	if in.Urgent != nil {
		out.Urgent = *in.Urgent
	}
	if payee := payeeOf(in.Payee); payee != nil {
		out.Payee = payee
	}
	if in.Requested.Currency != "" {
		out.RequestedAmount, out.Currency = in.Requested.Amount, in.Requested.Currency
	}
	if in.Answers != nil {
		out.Answers, _ = json.Marshal(in.Answers) // it was decoded from JSON
	}
	if in.Consent.Method != "" {
		out.Consent = consentOf(in.Consent)
	}
	if in.Documents != nil {
		out.Documents = papersOf(in.Documents)
	}
}

func applicantOf(in Applicant) postgres.Applicant {
	return postgres.Applicant{FullName: in.FullName, NationalID: in.NationalID, BirthDate: day(in.BirthDate), Sex: string(in.Sex),
		Phone: in.Phone, Address: in.Address}
}

func householdOf(in Household) postgres.Household {
	out := postgres.Household{Code: in.Code}
	for _, m := range in.Members {
		out.Members = append(out.Members, postgres.Member{FullName: m.FullName, NationalID: m.NationalID, BirthDate: day(m.BirthDate),
			Sex: string(m.Sex), Relation: m.Relation})
	}
	return out
}

func payeeOf(in Payee) *postgres.Payee {
	if in.Kind == "" {
		return nil
	}
	return &postgres.Payee{Kind: string(in.Kind), Method: string(in.Method), BankBIN: in.BankBin, AccountNumber: in.AccountNumber, AccountName: in.AccountName}
}

func consentOf(in Consent) postgres.Consent {
	out := postgres.Consent{Method: string(in.Method)}
	if !in.GivenAt.IsZero() {
		at := in.GivenAt.UTC()
		out.GivenAt = &at
	}
	for _, p := range in.Purposes {
		out.Purposes = append(out.Purposes, string(p))
	}
	return out
}

func papersOf(in []Paper) []postgres.NewDocument {
	var out []postgres.NewDocument
	for _, d := range in {
		out = append(out, postgres.NewDocument{Kind: d.Kind, Dated: day(d.Dated), Location: d.Location, Title: d.Title})
	}
	return out
}

func day(d openapi_types.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.Format(time.DateOnly)
}

// contentFaults lists everything that is wrong with a request beyond the
// document's schema, by the programme's version in force, which it gives too
// (nil when the programme is not known). A draft may lack what a submitted
// request needs.
//
// Errors: of the store only; faults are not errors here.
func (h *handlers) contentFaults(ctx context.Context, caller *postgres.Caller, in postgres.CaseContent, draft bool) (*programme.Definition, []aid.Fault, error) {
	def, own, err := h.programmeFaults(ctx, in.Programme)
	if err != nil {
		return nil, nil, err
	}
	var funds []string
	if def != nil {
		funds = def.Funds
	}
	faults, err := h.areaFaults(ctx, caller, in, funds)
	if err != nil {
		return nil, nil, err
	}
	faults = append(faults, h.personFaults(in)...)
	if !draft {
		faults = append(faults, missing(in)...)
	}
	faults = append(faults, own...)
	if def == nil {
		return nil, faults, nil
	}
	return def, append(faults, ruleFaults(def, in, draft)...), nil
}

// programmeFaults gives a programme's version in force, nil when it is not
// known, and why it takes no request.
func (h *handlers) programmeFaults(ctx context.Context, code string) (*programme.Definition, []aid.Fault, error) {
	if code == "" {
		return nil, []aid.Fault{{Pointer: "/programme", Code: "required"}}, nil
	}
	row, err := h.store.Programme(ctx, code)
	switch {
	case aid.KindOf(err) == aid.NotFound:
		return nil, []aid.Fault{{Pointer: "/programme", Code: "unknown_programme"}}, nil
	case err != nil:
		return nil, nil, err
	case !row.Open:
		return row.Definition, []aid.Fault{{Pointer: "/programme", Code: row.Why}}, nil
	}
	return row.Definition, nil, nil
}

// refuseRequest refuses a request with all its faults. That the programme takes
// none just now is no fault of the content: alone, it is a conflict.
func refuseRequest(faults []aid.Fault) error {
	if len(faults) == 1 && (faults[0].Code == "programme_closed" || faults[0].Code == "programme_not_in_force") {
		return aid.Refuse(aid.Conflict, faults[0].Code)
	}
	return aid.RefuseAll(faults)
}

// overtaken tells that another version has come into force since a request was
// checked: it is checked again.
func overtaken(err error) bool { return aid.CodeOf(err) == "programme_version_changed" }

// joinFaults adds what the programme has to say to what the document's schema
// found. A place that the schema refuses is not judged twice: a payee that is
// no object is not also a payee that is missing.
func joinFaults(schema, programme []aid.Fault) []aid.Fault {
	out := slices.Clone(schema)
	for _, f := range programme {
		if !slices.ContainsFunc(schema, func(s aid.Fault) bool { return s.Pointer == f.Pointer || strings.HasPrefix(f.Pointer, s.Pointer+"/") }) {
			out = append(out, f)
		}
	}
	return unique(out)
}

// areaFaults: an area that does not exist and one that is not the partner's
// are the same to the partner. The fund of
// the area, or of the programme there, must pay as is asked.
func (h *handlers) areaFaults(ctx context.Context, caller *postgres.Caller, in postgres.CaseContent, funds []string) ([]aid.Fault, error) {
	if in.Area == "" {
		return nil, nil // the schema has said so
	}
	method := ""
	if in.Payee != nil {
		method = in.Payee.Method
	}
	var refused *aid.Error
	err := h.store.CheckArea(ctx, caller, in.Area, method, funds...)
	if errors.As(err, &refused) && len(refused.Faults) > 0 {
		return refused.Faults, nil
	}
	return nil, err
}

// personFaults compares numbers, dates and account data with each other.
func (h *handlers) personFaults(in postgres.CaseContent) []aid.Fault {
	faults := identityFaults("/applicant", in.Applicant.NationalID, in.Applicant.BirthDate, in.Applicant.Sex)
	today := h.store.Now().Add(24 * time.Hour).Format(time.DateOnly) // somewhere it is tomorrow already
	if in.Applicant.BirthDate > today {
		faults = append(faults, aid.Fault{Pointer: "/applicant/birth_date", Code: "in_future"})
	}
	for i, m := range in.Household.Members {
		faults = append(faults, identityFaults("/household/members/"+strconv.Itoa(i), m.NationalID, m.BirthDate, m.Sex)...)
	}
	return append(faults, payeeFaults(in.Payee)...)
}

func identityFaults(at, number, birthDate, sex string) []aid.Fault {
	var faults []aid.Fault
	for _, f := range identity.Check(number, birthDate, sex) {
		if !identity.IsHint(f.Code) && f.Code != identity.CodeFormat { // the schema has said so
			f.Pointer = at + f.Pointer
			faults = append(faults, f)
		}
	}
	return faults
}

// payeeFaults: a transfer needs an account.
func payeeFaults(p *postgres.Payee) []aid.Fault {
	if p == nil || p.Method != "bank" {
		return nil
	}
	var faults []aid.Fault
	for at, value := range map[string]string{"/payee/bank_bin": p.BankBIN, "/payee/account_number": p.AccountNumber, "/payee/account_name": p.AccountName} {
		if value == "" {
			faults = append(faults, aid.Fault{Pointer: at, Code: "required"})
		}
	}
	return faults
}

// missing lists what a submitted request needs and a draft may lack.
func missing(in postgres.CaseContent) []aid.Fault {
	var faults []aid.Fault
	need := func(at string, there bool) {
		if !there {
			faults = append(faults, aid.Fault{Pointer: at, Code: "required"})
		}
	}
	need("/applicant", in.Applicant.FullName != "")
	need("/requested", in.Currency != "")
	need("/payee", in.Payee != nil)
	need("/submitted_by", in.SubmittedBy != "")
	need("/answers", len(in.Answers) > 0)
	need("/consent", in.Consent.Method != "" || len(in.Consent.Purposes) > 0)
	if len(in.Consent.Purposes) > 0 && !slices.Contains(in.Consent.Purposes, "assessment") {
		faults = append(faults, aid.Fault{Pointer: "/consent/purposes", Code: "consent_missing"})
	}
	return faults
}

// ruleFaults checks a request by its programme.
func ruleFaults(def *programme.Definition, in postgres.CaseContent, draft bool) []aid.Fault {
	var faults []aid.Fault
	under := func(at string, more []aid.Fault) {
		for _, f := range more {
			f.Pointer = at + f.Pointer
			faults = append(faults, f)
		}
	}
	if in.Currency != "" {
		under("/requested", def.CheckAmount(money.Of(in.RequestedAmount, in.Currency)))
	}
	if in.Payee != nil {
		under("/payee", def.CheckPayee(in.Payee.Kind))
	}
	if len(in.Answers) > 0 && !draft {
		under("/answers", def.CheckAnswers(in.Answers))
	}
	for i, d := range in.Documents {
		if !slices.ContainsFunc(def.Documents, func(known programme.Document) bool { return known.Kind == d.Kind }) {
			faults = append(faults, aid.Fault{Pointer: "/documents/" + strconv.Itoa(i) + "/kind", Code: "unknown_document"})
		}
	}
	return faults
}
