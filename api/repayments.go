package api

import (
	"context"
	"time"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
)

// GetMoneyClaim gives what a task wants back, and what of it has come.
func (h *handlers) GetMoneyClaim(ctx context.Context, r GetMoneyClaimRequestObject) (GetMoneyClaimResponseObject, error) {
	claim, err := h.store.ClaimOf(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetMoneyClaim200JSONResponse(moneyClaim(r.ID, claim)), nil
}

// RecordRepayment records money that a household has given back.
func (h *handlers) RecordRepayment(ctx context.Context, r RecordRepaymentRequestObject) (RecordRepaymentResponseObject, error) {
	caller := callerOf(ctx)
	err := h.store.Repay(ctx, caller, postgres.NewRepayment{ID: resourceID(ctx, aid.RepaymentID), Task: r.ID,
		Amount: money.Of(r.Body.Amount.Amount, r.Body.Amount.Currency), ReceivedOn: r.Body.ReceivedOn.Format(time.DateOnly), Reference: r.Body.Reference})
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	claim, err := h.store.ClaimOf(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	return RecordRepayment201JSONResponse{Body: moneyClaim(r.ID, claim)}, nil
}

func moneyClaim(task string, c *postgres.Claim) MoneyClaim {
	of := func(amount int64) Money { return Money{Amount: amount, Currency: c.Currency} }
	return MoneyClaim{Task: task, Case: c.Case, Claimed: of(c.Claimed), Repaid: of(c.Repaid), Outstanding: of(c.Outstanding()), Repayments: each(c.Repayments, repayment)}
}

func repayment(r postgres.Repayment) Repayment {
	return Repayment{ID: r.ID, Amount: Money{Amount: r.Amount, Currency: r.Currency}, ReceivedOn: openapi_types.Date{Time: r.ReceivedOn}, Reference: r.Reference,
		Booked: r.Booked, RecordedBy: r.RecordedBy, RecordedAt: r.RecordedAt.UTC()}
}
