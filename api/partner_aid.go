package api

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/identity"
	"github.com/aidflow/aidflow/internal/postgres"
)

// RecordPartnerAid records aid that is not the fund's.
func (h *handlers) RecordPartnerAid(ctx context.Context, r RecordPartnerAidRequestObject) (RecordPartnerAidResponseObject, error) {
	b := r.Body
	if err := aid.RefuseAll(h.partnerAidFaults(*b)); err != nil {
		return nil, err
	}
	row, err := h.store.AddPartnerAid(ctx, callerOf(ctx), postgres.PartnerAid{ID: resourceID(ctx, aid.PartnerAidID), Source: b.Source, Reference: b.Reference,
		Programme: b.Programme, Area: b.Area, GivenOn: b.GivenOn.Format(time.DateOnly), Amount: b.Amount.Amount, Currency: b.Amount.Currency,
		Valuation: string(b.Valuation), Households: max(b.Households, 1), Household: b.Household, Person: applicantOf(b.Person)})
	if err != nil {
		return nil, err
	}
	return RecordPartnerAid201JSONResponse{Body: partnerAid(*row)}, nil
}

// partnerAidFaults finds what the document cannot say.
func (h *handlers) partnerAidFaults(b PartnerAidNew) []aid.Fault {
	var faults []aid.Fault
	if b.GivenOn.After(h.store.Now().Add(24 * time.Hour)) { // somewhere it is tomorrow already
		faults = append(faults, aid.Fault{Pointer: "/given_on", Code: "in_future"})
	}
	person := applicantOf(b.Person)
	if b.Households > 1 && (b.Household != "" || person != (postgres.Applicant{})) {
		faults = append(faults, aid.Fault{Pointer: "/households", Code: "names_nobody"})
	}
	for _, f := range identity.Check(person.NationalID, person.BirthDate, person.Sex) {
		if !identity.IsHint(f.Code) {
			faults = append(faults, aid.Fault{Pointer: "/person" + f.Pointer, Code: f.Code})
		}
	}
	return faults
}

// ListPartnerAid gives a page of records.
func (h *handlers) ListPartnerAid(ctx context.Context, r ListPartnerAidRequestObject) (ListPartnerAidResponseObject, error) {
	p := r.Params
	page, err := page("partner-aid", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	f := postgres.PartnerAidFilter{Area: p.Area, Programme: p.Programme, Source: p.Source, From: instant(p.From.Time), To: instant(p.To.Time)}
	rows, err := h.store.PartnerAid(ctx, callerOf(ctx), f, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("partner-aid", page, rows)
	return ListPartnerAid200JSONResponse{Data: each(rows, partnerAid), HasMore: next != "", NextCursor: next}, nil
}

func partnerAid(r postgres.PartnerAidRow) PartnerAid {
	out := PartnerAid{ID: r.ID, Source: r.Source, Reference: r.Reference, Programme: r.Programme, Area: r.Area,
		Amount: Money{Amount: r.Amount, Currency: r.Currency}, Valuation: r.Valuation, Households: r.Households, Household: text(r.Household),
		CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.UTC()}
	out.GivenOn.Time = r.GivenOn
	return out
}
