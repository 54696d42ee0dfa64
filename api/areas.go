package api

import (
	"context"
	"strconv"

	"github.com/aidflow/aidflow/aid/area"
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
	return ListAreas200JSONResponse{Data: each(rows, areaOf), HasMore: next != "", NextCursor: next}, nil
}

// GetArea gives one area with what it was, and what came before and after it.
func (h *handlers) GetArea(ctx context.Context, r GetAreaRequestObject) (GetAreaResponseObject, error) {
	row, err := h.store.Area(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	history, err := h.store.AreaHistory(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	s := areaOf(row)
	return GetArea200JSONResponse{Code: s.Code, Name: s.Name, Level: s.Level, Parent: s.Parent, Urban: s.Urban, ValidFrom: s.ValidFrom, ValidTo: s.ValidTo,
		Gone: s.Gone, Successor: s.Successor, Periods: each(history.Periods, areaOf), Predecessors: each(history.Predecessors, areaLink),
		Successors: each(history.Successors, areaLink)}, nil
}

// ChangeAreas takes a list of areas within those of the administrator.
func (h *handlers) ChangeAreas(ctx context.Context, r ChangeAreasRequestObject) (ChangeAreasResponseObject, error) {
	caller := callerOf(ctx)
	rows := make([]area.Row, 0, len(r.Body.Areas))
	for i, a := range r.Body.Areas {
		rows = append(rows, areaRow("/areas/"+strconv.Itoa(i), a))
	}
	report, err := h.store.ImportAreas(ctx, rows, postgres.AreaChange{Actor: caller.Actor(), Within: caller.AdminAreas(), DryRun: r.Body.DryRun})
	if err != nil {
		return nil, err
	}
	m := report.Moved
	return ChangeAreas200JSONResponse{Body: AreaReport{DryRun: r.Body.DryRun, Rows: report.Rows, Begun: report.Begun, Changed: report.Changed, Same: report.Same,
		Links: report.Links, Areas: m.Areas, Cases: m.Cases, Tasks: m.Tasks, Parked: m.Parked, Roles: m.Roles, Partners: m.Partners, Funds: m.Funds,
		Households: m.Households, Left: m.Left}}, nil
}

func areaRow(place string, a AreaRow) area.Row {
	row := area.Row{Place: place, Code: a.Code, Period: area.Period{From: a.ValidFrom.Time, To: a.ValidTo.Time, Name: a.Name, Level: a.Level, Parent: a.Parent,
		Urban: a.Urban}}
	for _, p := range a.Predecessors {
		row.Predecessors = append(row.Predecessors, area.Predecessor{Code: p.Code, Takes: p.Takes})
	}
	return row
}

func areaLink(l postgres.AreaLink) AreaLink {
	out := AreaLink{Code: l.Code, Name: l.Name, Kind: string(l.Kind), Takes: l.Takes}
	out.At.Time = l.At
	return out
}

func areaOf(a postgres.AreaRow) Area {
	out := Area{Code: a.Code, Name: a.Name, Level: a.Level, Parent: text(a.Parent), Urban: a.Urban, Gone: a.Gone, Successor: text(a.Successor)}
	if a.ValidFrom.Year() > 1900 {
		out.ValidFrom.Time = a.ValidFrom
	}
	if a.ValidTo != nil {
		out.ValidTo.Time = *a.ValidTo
	}
	return out
}

// askArea fits the form of a repair to what the administrator is asked: one of
// the areas to choose from, any, or none.
func askArea(t *postgres.TaskRow, form *ActionForm) {
	asked, is := postgres.AreaAsked(t.Rule)
	properties, _ := form.Schema["properties"].(object)
	area, _ := properties["area"].(object)
	switch {
	case !is:
		delete(properties, "area")
	case asked.Task == "":
		form.Schema["required"] = []string{"area"}
		form.Schema["description"] = "The area " + asked.Area + " is no more: where this household lives now."
		if len(asked.Choices) > 0 {
			area["enum"] = asked.Choices
			form.Example["data"] = object{"area": asked.Choices[0]}
		}
	default:
		form.Schema["description"] = "The level that was to decide is no more: the area of the case, or above it, that decides in its place. None when there is such a level again."
	}
}
