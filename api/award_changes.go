package api

import (
	"context"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateAwardChange enters a change of an award that is approved.
func (h *handlers) CreateAwardChange(ctx context.Context, r CreateAwardChangeRequestObject) (CreateAwardChangeResponseObject, error) {
	caller := callerOf(ctx)
	c, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	n, err := newChange(resourceID(ctx, aid.ChangeID), c.Currency, r.Body)
	if err != nil {
		return nil, err
	}
	row, err := h.store.ProposeChange(ctx, caller, c.ID, n)
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	return CreateAwardChange201JSONResponse{Body: awardChange(*row)}, nil
}

// newChange reads a change from its request; what is wrong with it is told with
// what the store finds, to one who may propose it.
func newChange(id, currency string, in *AwardChangeNew) (postgres.NewAwardChange, error) {
	n := postgres.NewAwardChange{ID: id, Reason: string(in.ReasonCode), SubmittedBy: in.SubmittedBy, Payee: payeeOf(in.Payee)}
	if (n.Payee == nil) == (len(in.Tranches) == 0) {
		return n, aid.RefuseAll([]aid.Fault{{Pointer: "", Code: "one_change"}})
	}
	n.Faults = payeeFaults(n.Payee)
	for i, t := range in.Tranches {
		at := "/tranches/" + strconv.Itoa(i) + "/amount"
		if t.Amount.Amount <= 0 {
			n.Faults = append(n.Faults, aid.Fault{Pointer: at + "/amount", Code: "amount_not_positive"})
		}
		if t.Amount.Currency != currency {
			n.Faults = append(n.Faults, aid.Fault{Pointer: at + "/currency", Code: "currency_not_accepted", Params: map[string]string{"currency": currency}})
		}
		n.Plan = append(n.Plan, postgres.ChangedTranche{Amount: t.Amount.Amount, Milestone: t.Milestone})
	}
	return n, nil
}

// ListAwardChanges gives what was to change of a case's awards.
func (h *handlers) ListAwardChanges(ctx context.Context, r ListAwardChangesRequestObject) (ListAwardChangesResponseObject, error) {
	rows, err := h.store.AwardChanges(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return ListAwardChanges200JSONResponse{Data: each(rows, awardChange)}, nil
}

func awardChange(x postgres.ChangeRow) AwardChange {
	sum := func(amount int64) Money { return Money{Amount: amount, Currency: x.Currency} }
	out := AwardChange{ID: x.ID, Case: x.CaseID, Award: x.AwardID, Kind: x.Kind, Status: x.State, Amount: sum(x.Amount), ReasonCode: x.Reason,
		UsableFrom: moment(x.UsableFrom), Masked: x.Masked, ProposedBy: x.ProposedBy, SubmittedBy: x.SubmittedBy, ProposedAt: x.ProposedAt.UTC(),
		EndedAt: moment(x.EndedAt)}
	if p := x.Payee; p != nil {
		out.Payee = &Payee{Kind: PayeeKind(p.Kind), Method: PayeeMethod(p.Method), BankBin: p.BankBIN, AccountNumber: p.AccountNumber, AccountName: p.AccountName}
	}
	for _, t := range x.Tranches {
		if t.Amount > 0 { // else it is given up
			out.Tranches = append(out.Tranches, PlannedTranche{Amount: MoneyNew(sum(t.Amount)), Milestone: t.Milestone})
		}
	}
	return out
}
