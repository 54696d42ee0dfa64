package api

import (
	"context"

	"github.com/aidflow/aidflow/internal/postgres"
)

// ListAreas gives areas as they were on a day.
func (h *handlers) ListAreas(ctx context.Context, r ListAreasRequestObject) (ListAreasResponseObject, error) {
	page, err := page("areas", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	at := r.Params.At.Time
	if at.IsZero() {
		at = h.store.Now()
	}
	rows, err := h.store.Areas(ctx, postgres.AreaFilter{Level: r.Params.Level, Parent: r.Params.Parent, At: at}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("areas", page, rows)
	return ListAreas200JSONResponse{Data: each(rows, area), HasMore: next != "", NextCursor: next}, nil
}

func area(a postgres.AreaRow) Area {
	out := Area{Code: a.Code, Name: a.Name, Level: a.Level, Parent: text(a.Parent)}
	if a.ValidFrom.Year() > 1900 {
		out.ValidFrom.Time = a.ValidFrom
	}
	if a.ValidTo != nil {
		out.ValidTo.Time = *a.ValidTo
	}
	return out
}
