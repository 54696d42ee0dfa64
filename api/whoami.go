package api

import (
	"context"
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// Whoami tells the caller who it is and what it may do.
func (h *handlers) Whoami(ctx context.Context, _ WhoamiRequestObject) (WhoamiResponseObject, error) {
	caller := callerOf(ctx)
	out := Caller{Kind: string(caller.Kind), ID: caller.ID, Name: caller.Name, Key: caller.KeyID, Mode: h.mode, ExpiresAt: moment(caller.ExpiresAt),
		Roles: []string{}, Areas: []string{}, Programmes: []string{}, Scopes: append([]string{}, caller.Scopes...)}
	if caller.Partner() {
		out.Roles, out.Areas = []string{string(aid.RolePartner)}, []string{caller.Area}
	}
	for _, g := range caller.Roles {
		out.Roles = append(out.Roles, string(g.Role))
		out.Areas = append(out.Areas, g.Area)
		out.Grants = append(out.Grants, Grant{Role: string(g.Role), Area: g.Area, Level: g.Level, Committee: g.Committee, Chair: g.Chair})
	}
	slices.Sort(out.Roles)
	slices.Sort(out.Areas)
	out.Roles, out.Areas = slices.Compact(out.Roles), slices.Compact(out.Areas)
	return Whoami200JSONResponse(out), nil
}
