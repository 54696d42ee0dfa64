package api

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails/simulator"
)

// ListFunds gives a page of funds with their money.
func (h *handlers) ListFunds(ctx context.Context, r ListFundsRequestObject) (ListFundsResponseObject, error) {
	page, err := page("funds", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Funds(ctx, callerOf(ctx), page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("funds", page, rows)
	return ListFunds200JSONResponse{Data: each(rows, fund), HasMore: next != "", NextCursor: next}, nil
}

// GetFund gives one fund with its money.
func (h *handlers) GetFund(ctx context.Context, r GetFundRequestObject) (GetFundResponseObject, error) {
	row, err := h.store.Fund(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetFund200JSONResponse{Body: fund(*row), Headers: GetFund200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// CreateFund opens a fund in an area of the caller.
func (h *handlers) CreateFund(ctx context.Context, r CreateFundRequestObject) (CreateFundResponseObject, error) {
	b := r.Body
	rails, err := h.railsOf(*b)
	if err != nil {
		return nil, err
	}
	row, err := h.store.CreateFund(ctx, callerOf(ctx), postgres.NewFund{ID: resourceID(ctx, aid.FundID), Code: b.Code, Name: b.Name, Area: b.Area,
		Currency: b.Budget.Currency, Budget: b.Budget.Amount, Rails: rails})
	if err != nil {
		return nil, err
	}
	return CreateFund201JSONResponse{Body: fund(*row), Headers: CreateFund201ResponseHeaders{ETag: etag(row.Version), Location: location("funds", row.ID)}}, nil
}

// ChangeFund changes a fund's name or budget, closes it or opens it again.
func (h *handlers) ChangeFund(ctx context.Context, r ChangeFundRequestObject) (ChangeFundResponseObject, error) {
	b := r.Body
	in := postgres.FundChange{Name: b.Name, Currency: b.Budget.Currency, Closing: b.Closing, Reason: string(b.ReasonCode)}
	if in.Currency != "" { // the document lets no budget pass without one
		in.Budget = &b.Budget.Amount
	}
	row, err := h.store.ChangeFund(ctx, callerOf(ctx), r.ID, ifMatch(r.Params.IfMatch, true), in)
	if err != nil {
		return nil, err
	}
	return ChangeFund200JSONResponse{Body: fund(*row), Headers: ChangeFund200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// ListPurposes gives a page of what a fund's money is bound to.
func (h *handlers) ListPurposes(ctx context.Context, r ListPurposesRequestObject) (ListPurposesResponseObject, error) {
	page, err := page("purposes", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, f, err := h.store.Purposes(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("purposes", page, rows)
	return ListPurposes200JSONResponse{HasMore: next != "", NextCursor: next, Data: each(rows, func(p postgres.Purpose) Purpose {
		m := func(amount int64) Money { return Money{Amount: amount, Currency: f.Currency} }
		return Purpose{ID: p.ID, Programme: p.Programme, Area: p.Area, Raised: m(p.Raised), Promised: m(p.Promised()), Available: m(p.Available)}
	})}, nil
}

// railsOf reads which rail pays which method.
//
// Errors: Invalid with the fault unknown_rail.
func (h *handlers) railsOf(in FundNew) (map[string]string, error) {
	out, faults := map[string]string{}, []aid.Fault(nil)
	for method, rail := range map[string]string{"bank": in.Rails.Bank, "cash": in.Rails.Cash} {
		_, files := h.cfg.FileRails[rail]
		switch {
		case rail == "":
		case files || rail == simulator.RailName:
			out[method] = rail
		default:
			faults = append(faults, aid.Fault{Pointer: "/rails/" + method, Code: "unknown_rail"})
		}
	}
	if len(out) == 0 {
		out["bank"] = simulator.RailName
	}
	return out, aid.RefuseAll(unique(faults))
}

// Contribute records money that a fund received.
func (h *handlers) Contribute(ctx context.Context, r ContributeRequestObject) (ContributeResponseObject, error) {
	caller, b := callerOf(ctx), r.Body
	f, err := h.store.Fund(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	if !caller.Has(aid.RoleTreasurer, f.Area) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_area")
	}
	if b.ReceivedOn.After(h.store.Now().Add(24 * time.Hour)) { // somewhere it is tomorrow already
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/received_on", Code: "in_future"}})
	}
	id := resourceID(ctx, aid.ContributionID)
	external := b.ExternalID
	if external == "" {
		external = id
	}
	in := postgres.Contribution{ID: id, FundID: f.ID, ExternalID: external, Amount: b.Amount.Amount, Currency: b.Amount.Currency,
		ReceivedOn: b.ReceivedOn.Time, CreatedBy: caller.Actor(),
		Purpose: postgres.Purpose{Programme: b.Purpose.Programme, Area: b.Purpose.Area}}
	made, err := h.store.Contribute(ctx, in, b.Donor)
	if err != nil {
		return nil, err
	}
	out := Contribution{ID: made.ID, Fund: made.FundID, Amount: Money{Amount: made.Amount, Currency: made.Currency}, ExternalID: b.ExternalID,
		Purpose: made.Purpose.ID, RecordedAt: made.CreatedAt.UTC()}
	out.ReceivedOn.Time = made.ReceivedOn
	return Contribute201JSONResponse{Body: out}, nil
}

func fund(f postgres.FundRow) Fund {
	account := FundAccount{Holder: f.Holder, BankBin: f.BankBIN, Number: f.Number, ResultDays: f.ResultDays}
	if f.Number == "" {
		account = FundAccount{}
	}
	m := func(amount int64) Money { return Money{Amount: amount, Currency: f.Currency} }
	return Fund{ID: f.ID, Code: f.Code, Name: f.Name, Area: f.Area, Rails: f.Rails, Account: account, Budget: m(f.Budget), Raised: m(f.Raised), Reserved: m(f.Reserved),
		InTransit: m(f.InTransit), Spent: m(f.Spent), Available: m(f.Available), Room: m(f.Room), Closing: f.Closing, WaitingCases: f.WaitingCases,
		CreatedAt: f.CreatedAt.UTC()}
}
