package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateDelegation records who acts for the caller, or for an absent person.
func (h *handlers) CreateDelegation(ctx context.Context, r CreateDelegationRequestObject) (CreateDelegationResponseObject, error) {
	b := r.Body
	row, err := h.store.CreateDelegation(ctx, callerOf(ctx), postgres.NewDelegation{ID: resourceID(ctx, aid.DelegationID), Principal: b.Principal,
		Delegate: b.Delegate, Programmes: b.Programmes, Ceiling: b.Ceiling, From: b.From, Until: b.Until, Reason: string(b.ReasonCode)})
	if err != nil {
		return nil, err
	}
	return CreateDelegation201JSONResponse{Body: delegation(*row), Headers: CreateDelegation201ResponseHeaders{ETag: etag(row.Version), Location: location("delegations", row.ID)}}, nil
}

// ListDelegations gives a page of delegations.
func (h *handlers) ListDelegations(ctx context.Context, r ListDelegationsRequestObject) (ListDelegationsResponseObject, error) {
	const list = "delegations"
	caller := callerOf(ctx)
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	person := r.Params.Person
	if person == "me" {
		person = caller.Actor()
	}
	rows, err := h.store.Delegations(ctx, caller, postgres.DelegationFilter{Person: person, State: string(r.Params.Status)}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return ListDelegations200JSONResponse{Data: each(rows, delegation), HasMore: next != "", NextCursor: next}, nil
}

// GetDelegation gives one delegation.
func (h *handlers) GetDelegation(ctx context.Context, r GetDelegationRequestObject) (GetDelegationResponseObject, error) {
	row, err := h.store.Delegation(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetDelegation200JSONResponse{Body: delegation(*row), Headers: GetDelegation200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// RevokeDelegation ends a delegation at once.
func (h *handlers) RevokeDelegation(ctx context.Context, r RevokeDelegationRequestObject) (RevokeDelegationResponseObject, error) {
	row, err := h.store.RevokeDelegation(ctx, callerOf(ctx), r.ID, ifMatch(r.Params.IfMatch, true))
	if err != nil {
		return nil, err
	}
	return RevokeDelegation200JSONResponse{Body: delegation(*row), Headers: RevokeDelegation200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func delegation(d postgres.DelegationRow) Delegation {
	out := Delegation{ID: d.ID, Principal: d.Principal, Delegate: d.Delegate, Programmes: append([]string{}, d.Programmes...), From: d.From.UTC(),
		Until: d.Until.UTC(), ReasonCode: d.Reason, Status: d.State, Tasks: d.Tasks, CreatedBy: d.CreatedBy, CreatedAt: d.CreatedAt.UTC(),
		RevokedBy: d.RevokedBy, RevokedAt: moment(d.RevokedAt), Because: d.Because}
	if d.Ceiling != nil {
		out.Ceiling = *d.Ceiling
	}
	return out
}
