package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateRelation records to whom a member of staff is related.
func (h *handlers) CreateRelation(ctx context.Context, r CreateRelationRequestObject) (CreateRelationResponseObject, error) {
	b := r.Body
	faults := identityFaults("", b.NationalID, "", "")
	if (b.Account.BankBin == "") != (b.Account.AccountNumber == "") {
		faults = append(faults, aid.Fault{Pointer: "/account", Code: "required"})
	}
	if err := aid.RefuseAll(faults); err != nil {
		return nil, err
	}
	row, err := h.store.AddRelation(ctx, callerOf(ctx), r.Subject, postgres.NewRelation{ID: resourceID(ctx, aid.RelationID), Kind: string(b.Kind),
		FullName: b.FullName, NationalID: b.NationalID, BankBIN: b.Account.BankBin, AccountNumber: b.Account.AccountNumber})
	if err != nil {
		return nil, err
	}
	return CreateRelation201JSONResponse{Body: relation(*row)}, nil
}

// ListRelations gives a page of a member's relations.
func (h *handlers) ListRelations(ctx context.Context, r ListRelationsRequestObject) (ListRelationsResponseObject, error) {
	const list = "relations"
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Relations(ctx, callerOf(ctx), r.Subject, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return ListRelations200JSONResponse{Data: each(rows, relation), HasMore: next != "", NextCursor: next}, nil
}

// EndRelation ends a relation of somebody else.
func (h *handlers) EndRelation(ctx context.Context, r EndRelationRequestObject) (EndRelationResponseObject, error) {
	if err := h.store.EndRelation(ctx, callerOf(ctx), r.Subject, r.Relation); err != nil {
		return nil, err
	}
	return EndRelation204Response{}, nil
}

func relation(r postgres.RelationRow) Relation {
	return Relation{ID: r.ID, Subject: r.Subject, Kind: RelationKind(r.Kind), FullName: r.FullName, NationalID: r.NationalID, Account: r.Account,
		RecordedBy: r.RecordedBy, RecordedAt: r.RecordedAt.UTC(), EndedBy: text(r.EndedBy), EndedAt: moment(r.EndedAt)}
}
