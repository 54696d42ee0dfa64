package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListCalendars gives a page of calendars by code.
func (h *handlers) ListCalendars(ctx context.Context, r ListCalendarsRequestObject) (ListCalendarsResponseObject, error) {
	page, err := page("calendars", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Calendars(ctx, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("calendars", page, rows)
	return ListCalendars200JSONResponse{Data: each(rows, calendar), HasMore: next != "", NextCursor: next}, nil
}

// ListCalendarVersions gives what a calendar was, newest first.
func (h *handlers) ListCalendarVersions(ctx context.Context, r ListCalendarVersionsRequestObject) (ListCalendarVersionsResponseObject, error) {
	const list = "calendar-versions"
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.CalendarVersions(ctx, r.Code, page)
	if err != nil {
		return nil, err
	}
	rows, next := cutBy(list, page, rows, postgres.CalendarRow.VersionCursor)
	return ListCalendarVersions200JSONResponse{Data: each(rows, calendar), HasMore: next != "", NextCursor: next}, nil
}

// GetCalendar gives one calendar as it is now.
func (h *handlers) GetCalendar(ctx context.Context, r GetCalendarRequestObject) (GetCalendarResponseObject, error) {
	row, err := h.store.CalendarByCode(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	return GetCalendar200JSONResponse{Body: calendar(*row), Headers: GetCalendar200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// CreateCalendar adds a calendar.
func (h *handlers) CreateCalendar(ctx context.Context, r CreateCalendarRequestObject) (CreateCalendarResponseObject, error) {
	b := r.Body
	row, err := h.store.CreateCalendar(ctx, callerOf(ctx), rulesOf(b.Code, b.Zone, b.Week, b.Holidays), b.Areas)
	if err != nil {
		return nil, err
	}
	return CreateCalendar201JSONResponse{Body: calendar(*row), Headers: CreateCalendar201ResponseHeaders{ETag: etag(row.Version), Location: location("calendars", row.Code)}}, nil
}

// ChangeCalendar gives a calendar other hours, days off and areas, from now on.
func (h *handlers) ChangeCalendar(ctx context.Context, r ChangeCalendarRequestObject) (ChangeCalendarResponseObject, error) {
	b := r.Body
	row, err := h.store.EditCalendar(ctx, callerOf(ctx), r.Code, ifMatch(r.Params.IfMatch, true), rulesOf(r.Code, b.Zone, b.Week, b.Holidays), b.Areas)
	if err != nil {
		return nil, err
	}
	return ChangeCalendar200JSONResponse{Body: calendar(*row), Headers: ChangeCalendar200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func rulesOf(code, zone string, week map[string][][]string, holidays []Holiday) worktime.Rules {
	rules := worktime.Rules{Code: code, Zone: zone, Week: week, Holidays: []worktime.Holiday{}}
	for _, h := range holidays {
		rules.Holidays = append(rules.Holidays, worktime.Holiday{Date: h.Date, Name: h.Name})
	}
	return rules
}

func calendar(r postgres.CalendarRow) Calendar {
	out := Calendar{Code: r.Code, Version: r.Version, Zone: r.Rules.Zone, Week: r.Rules.Week, Holidays: []Holiday{}, Areas: append([]string{}, r.Areas...),
		ChangedBy: r.ChangedBy, ChangedAt: moment(r.ChangedAt)}
	for _, h := range r.Rules.Holidays {
		out.Holidays = append(out.Holidays, Holiday{Date: h.Date, Name: h.Name})
	}
	return out
}

// ListFreezes gives a page of the freezes that touch the caller's areas.
func (h *handlers) ListFreezes(ctx context.Context, r ListFreezesRequestObject) (ListFreezesResponseObject, error) {
	page, err := page("freezes", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Freezes(ctx, callerOf(ctx), page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("freezes", page, rows)
	return ListFreezes200JSONResponse{Data: each(rows, freeze), HasMore: next != "", NextCursor: next}, nil
}

// GetFreeze gives one freeze.
func (h *handlers) GetFreeze(ctx context.Context, r GetFreezeRequestObject) (GetFreezeResponseObject, error) {
	row, err := h.store.FreezeByID(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetFreeze200JSONResponse{Body: freeze(*row), Headers: GetFreeze200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// CreateFreeze stops the working time of an area.
func (h *handlers) CreateFreeze(ctx context.Context, r CreateFreezeRequestObject) (CreateFreezeResponseObject, error) {
	b := r.Body
	row, err := h.store.CreateFreeze(ctx, callerOf(ctx), postgres.Freeze{ID: resourceID(ctx, aid.FreezeID), Area: b.Area, Programmes: b.Programmes,
		From: b.From, Until: b.Until, Reason: string(b.ReasonCode)})
	if err != nil {
		return nil, err
	}
	return CreateFreeze201JSONResponse{Body: freeze(*row), Headers: CreateFreeze201ResponseHeaders{ETag: etag(row.Version), Location: location("freezes", row.ID)}}, nil
}

// EndFreeze ends a freeze now.
func (h *handlers) EndFreeze(ctx context.Context, r EndFreezeRequestObject) (EndFreezeResponseObject, error) {
	row, err := h.store.EndFreeze(ctx, callerOf(ctx), r.ID, ifMatch(r.Params.IfMatch, true))
	if err != nil {
		return nil, err
	}
	return EndFreeze200JSONResponse{Body: freeze(*row), Headers: EndFreeze200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func freeze(f postgres.Freeze) Freeze {
	return Freeze{ID: f.ID, Area: f.Area, Programmes: append([]string{}, f.Programmes...), From: f.From.UTC(), Until: f.Until.UTC(),
		ReasonCode: f.Reason, CreatedBy: f.CreatedBy, CreatedAt: f.CreatedAt.UTC(), EndedBy: f.EndedBy, EndedAt: moment(f.EndedAt)}
}
