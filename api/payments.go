package api

import (
	"context"
	"slices"

	openapi_types "github.com/oapi-codegen/runtime/types"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListPayments gives a page of payments, newest first.
func (h *handlers) ListPayments(ctx context.Context, r ListPaymentsRequestObject) (ListPaymentsResponseObject, error) {
	p := r.Params
	page, err := page("payments", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Payments(ctx, callerOf(ctx), postgres.PaymentFilter{Case: p.Case, State: string(p.Status), Fund: p.Fund}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("payments", page, rows)
	return ListPayments200JSONResponse{Data: each(rows, payment), HasMore: next != "", NextCursor: next}, nil
}

// maxCasePayments is far above what the tranches of a case and their retries
// can come to.
const maxCasePayments = 200

// ListCasePayments gives all payments of a case, oldest first.
func (h *handlers) ListCasePayments(ctx context.Context, r ListCasePaymentsRequestObject) (ListCasePaymentsResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Payments(ctx, caller, postgres.PaymentFilter{Case: row.ID}, postgres.Page{Limit: maxCasePayments})
	if err != nil {
		return nil, err
	}
	slices.Reverse(rows)
	return ListCasePayments200JSONResponse{Data: each(rows, payment)}, nil
}

// GetPayment gives one payment with its attempts.
func (h *handlers) GetPayment(ctx context.Context, r GetPaymentRequestObject) (GetPaymentResponseObject, error) {
	row, err := h.store.Payment(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetPayment200JSONResponse{Body: payment(*row), Headers: GetPayment200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// paymentToMove reads a payment of which the caller is a treasurer and
// compares its version.
func (h *handlers) paymentToMove(ctx context.Context, caller *postgres.Caller, id, header string) (*postgres.PaymentRow, *postgres.CaseRow, error) {
	row, err := h.store.Payment(ctx, caller, id)
	if err != nil {
		return nil, nil, err
	}
	c, err := h.store.CaseByID(ctx, caller, row.CaseID)
	if err != nil {
		return nil, nil, err
	}
	if !caller.HasFor(c.Area, c.Programme, aid.RoleTreasurer) {
		return nil, nil, h.tellRefusal(ctx, caller, id, aid.Refuse(aid.Forbidden, "wrong_area"))
	}
	if v := ifMatch(header, false); v != 0 && v != row.Version {
		return nil, nil, aid.Refuse(aid.Stale, "stale")
	}
	return row, c, nil
}

// RetryPayment makes a new payment in place of one that failed.
func (h *handlers) RetryPayment(ctx context.Context, r RetryPaymentRequestObject) (RetryPaymentResponseObject, error) {
	caller := callerOf(ctx)
	row, c, err := h.paymentToMove(ctx, caller, r.ID, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	_, err = h.process.Retry(ctx, c.WorkflowID, aid.Retry{ID: resourceID(ctx, aid.DecisionID), Payment: row.ID, Actor: caller.Actor()})
	if err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	made, err := h.replacement(ctx, caller, row)
	if err != nil {
		return nil, err
	}
	return RetryPayment201JSONResponse{Body: payment(*made), Headers: RetryPayment201ResponseHeaders{ETag: etag(made.Version),
		Location: location("payments", made.ID)}}, nil
}

// replacement finds the payment that was made in place of another.
func (h *handlers) replacement(ctx context.Context, caller *postgres.Caller, old *postgres.PaymentRow) (*postgres.PaymentRow, error) {
	rows, err := h.store.Payments(ctx, caller, postgres.PaymentFilter{Case: old.CaseID}, postgres.Page{Limit: maxCasePayments})
	if err != nil {
		return nil, err
	}
	for _, p := range rows {
		if text(p.RetryOf) == old.ID {
			return &p, nil
		}
	}
	return nil, aid.Refuse(aid.Unknown, "decision_pending")
}

// CancelPayment ends a payment that is not on its way yet.
func (h *handlers) CancelPayment(ctx context.Context, r CancelPaymentRequestObject) (CancelPaymentResponseObject, error) {
	caller := callerOf(ctx)
	row, _, err := h.paymentToMove(ctx, caller, r.ID, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if err := h.store.CancelPayment(ctx, caller, row.ID); err != nil {
		return nil, h.tellRefusal(ctx, caller, r.ID, err)
	}
	row, err = h.store.Payment(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	return CancelPayment200JSONResponse{Body: payment(*row), Headers: CancelPayment200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func payment(p postgres.PaymentRow) Payment {
	out := Payment{ID: p.ID, Case: p.CaseID, Award: p.AwardID, Fund: p.FundID, Tranche: p.TrancheN, N: p.N, Milestone: p.Milestone,
		Amount: Money{Amount: p.Amount, Currency: p.Currency}, Method: p.Method, Rail: p.Rail, Status: PaymentStatus(p.State), ReasonCode: p.Reason,
		RetryOf: text(p.RetryOf), Rest: p.Rest, CreatedAt: p.CreatedAt.UTC(), InstructedAt: moment(p.InstructedAt), EndedAt: moment(p.EndedAt)}
	if r := p.Return; r != nil {
		out.BankReturn = BankReturn{ReturnedOn: openapi_types.Date{Time: r.ReturnedOn}, Reference: r.Reference, ReasonCode: ReturnReason(r.Reason),
			Source: BankReturnSource(r.Source), RecordedBy: r.RecordedBy, RecordedAt: r.RecordedAt.UTC(), ConfirmedBy: text(r.ConfirmedBy), ConfirmedAt: moment(r.ConfirmedAt)}
	}
	for i, a := range p.Attempts {
		out.Attempts = append(out.Attempts, Attempt{ID: a.ID, N: i + 1, Status: a.State, Code: a.Code, At: a.StartedAt.UTC(),
			AskedAt: moment(a.AskedAt), EndedAt: moment(a.EndedAt)})
	}
	return out
}
