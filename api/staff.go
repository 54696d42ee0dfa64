package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListStaff gives a page of the staff of the caller's areas.
func (h *handlers) ListStaff(ctx context.Context, r ListStaffRequestObject) (ListStaffResponseObject, error) {
	const list = "staff"
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.StaffList(ctx, callerOf(ctx), postgres.StaffFilter{Role: string(r.Params.Role), Area: r.Params.Area}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return ListStaff200JSONResponse{Data: each(rows, staffMember), HasMore: next != "", NextCursor: next}, nil
}

// GetStaff gives one member of the staff.
func (h *handlers) GetStaff(ctx context.Context, r GetStaffRequestObject) (GetStaffResponseObject, error) {
	row, err := h.store.StaffMember(ctx, callerOf(ctx), r.Subject)
	if err != nil {
		return nil, err
	}
	return GetStaff200JSONResponse{Body: staffMember(*row), Headers: GetStaff200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// CreateStaff takes a person into the staff.
func (h *handlers) CreateStaff(ctx context.Context, r CreateStaffRequestObject) (CreateStaffResponseObject, error) {
	b := r.Body
	row, err := h.store.CreateStaff(ctx, callerOf(ctx), postgres.NewStaff{Subject: b.Subject, Name: b.Name, Superior: b.Superior, Roles: staffRoles(b.Roles)})
	if err != nil {
		return nil, err
	}
	return CreateStaff201JSONResponse{Body: staffMember(*row),
		Headers: CreateStaff201ResponseHeaders{ETag: etag(row.Version), Location: location("staff", row.Subject)}}, nil
}

// ChangeStaff changes a person's roles, name or superior, or disables it.
func (h *handlers) ChangeStaff(ctx context.Context, r ChangeStaffRequestObject) (ChangeStaffResponseObject, error) {
	caller, b := callerOf(ctx), r.Body
	change := postgres.StaffChange{Name: b.Name, Superior: b.Superior, Disabled: b.Disabled}
	if b.Roles != nil {
		roles := staffRoles(*b.Roles)
		change.Roles = &roles
	}
	row, err := h.store.ChangeStaff(ctx, caller, r.Subject, ifMatch(r.Params.IfMatch, true), change)
	if err != nil {
		return nil, h.tellStaffRefusal(ctx, caller, r.Subject, err)
	}
	return ChangeStaff200JSONResponse{Body: staffMember(*row), Headers: ChangeStaff200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// tellStaffRefusal puts into the audit that somebody tried to change roles that
// they may not change.
func (h *handlers) tellStaffRefusal(ctx context.Context, caller *postgres.Caller, subject string, refusal error) error {
	if aid.KindOf(refusal) == aid.Forbidden {
		if err := h.store.AuditRefusal(ctx, caller, "change_staff", subject, aid.CodeOf(refusal)); err != nil {
			h.log.Error("refusal not recorded", "object", subject, "error", err.Error())
		}
	}
	return refusal
}

func staffRoles(in []StaffRole) []postgres.StaffRole {
	return each(in, func(r StaffRole) postgres.StaffRole {
		return postgres.StaffRole{Role: aid.Role(r.Role), Area: r.Area, Level: r.Level, Committee: r.Committee, Chair: r.Chair, Programmes: r.Programmes}
	})
}

func staffMember(s postgres.StaffRow) StaffMember {
	return StaffMember{Subject: s.Subject, Name: s.Name, Superior: s.Superior, Disabled: s.DisabledAt != nil, DisabledAt: moment(s.DisabledAt),
		Delegate: s.Delegate, Tasks: s.InHand, CreatedAt: s.CreatedAt.UTC(), Roles: each(s.Roles, func(r postgres.StaffRole) StaffRole {
			return StaffRole{Role: StaffRoleName(r.Role), Area: r.Area, Level: r.Level, Committee: r.Committee, Chair: r.Chair, Programmes: r.Programmes}
		})}
}
