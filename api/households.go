package api

import (
	"cmp"
	"context"
	"math"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListHouseholds gives a page of the register.
func (h *handlers) ListHouseholds(ctx context.Context, r ListHouseholdsRequestObject) (ListHouseholdsResponseObject, error) {
	p := r.Params
	f := postgres.HouseholdFilter{Area: p.Area, Year: p.Year, Classification: string(p.Classification)}
	found, err := h.households(ctx, f, p.Limit, p.Cursor)
	return ListHouseholds200JSONResponse(found), err
}

// SearchHouseholds finds households by what must not stand in a URL.
func (h *handlers) SearchHouseholds(ctx context.Context, r SearchHouseholdsRequestObject) (SearchHouseholdsResponseObject, error) {
	b := r.Body
	found, err := h.households(ctx, postgres.HouseholdFilter{Code: b.Code, NationalID: b.NationalID}, b.Limit, b.Cursor)
	return SearchHouseholds200JSONResponse(found), err
}

func (h *handlers) households(ctx context.Context, f postgres.HouseholdFilter, limit int, cursor string) (HouseholdPage, error) {
	page, err := page("households", limit, cursor)
	if err != nil {
		return HouseholdPage{}, err
	}
	rows, err := h.store.Households(ctx, callerOf(ctx), f, page)
	if err != nil {
		return HouseholdPage{}, err
	}
	rows, next := cut("households", page, rows)
	return HouseholdPage{Data: each(rows, householdReview), HasMore: next != "", NextCursor: next}, nil
}

// GetHousehold gives one household; the look is audited.
func (h *handlers) GetHousehold(ctx context.Context, r GetHouseholdRequestObject) (GetHouseholdResponseObject, error) {
	found, err := h.store.Household(ctx, callerOf(ctx), r.Code)
	if err != nil {
		return nil, err
	}
	newest := found.Reviews[0]
	return GetHousehold200JSONResponse{Code: newest.Code, Area: newest.Area, Masked: found.Masked, Reviews: each(found.Reviews, householdReview),
		Members: each(found.Members, func(m postgres.HouseholdMember) ListedMember {
			return ListedMember{Head: m.Head, FullName: m.FullName, NationalID: m.NationalID, BirthDate: m.BirthDate, Sex: m.Sex, Phone: m.Phone,
				Address: m.Address, Relation: m.Relation}
		})}, nil
}

func householdReview(r postgres.HouseholdRow) HouseholdReview {
	return HouseholdReview{Code: r.Code, Area: r.Area, Urban: r.Urban, Year: r.Year, Classification: Classification(r.Class),
		Declared: Classification(text(r.Declared)), ScoreA: r.ScoreA, ScoreB: r.ScoreB, IncomePerHead: r.Income, Indicators: r.Indicators,
		Rules: r.Rules, JudgedBy: r.By, Size: r.Size}
}

// GetAreaPoverty gives the poverty rate of an area.
func (h *handlers) GetAreaPoverty(ctx context.Context, r GetAreaPovertyRequestObject) (GetAreaPovertyResponseObject, error) {
	year := cmp.Or(r.Params.Year, h.store.Now().Year())
	p, err := h.store.Poverty(ctx, callerOf(ctx), r.Code, year)
	if err != nil {
		return nil, err
	}
	out := Poverty{Area: p.Area, Year: p.Year, Poor: p.Poor, NearPoor: p.NearPoor, AreasWithoutTotal: p.WithoutTotal}
	if p.Total > 0 {
		out.Households, out.PoorRate, out.NearPoorRate = &p.Total, percent(p.Poor, p.Total), percent(p.NearPoor, p.Total)
	}
	return GetAreaPoverty200JSONResponse(out), nil
}

// percent gives a share in per cent, to two decimals.
func percent(part, whole int) *float64 {
	share := math.Round(float64(part)*10_000/float64(whole)) / 100
	return &share
}
