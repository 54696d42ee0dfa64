package postgres

import (
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// CallerKind tells a partner's program from a member of staff.
type CallerKind string

// The kinds of callers.
const (
	CallerPartner CallerKind = "partner"
	CallerStaff   CallerKind = "staff"
)

// RoleGrant is one role of a member of staff, in an area and everything below
// it. Level, Committee and Chair matter for approvers only.
type RoleGrant struct {
	Role      aid.Role
	Area      string
	Level     string
	Committee bool
	Chair     bool
	Covers    []string // codes of the area and of everything below it

	Behalf     string   // the principal whose role it is, when the caller holds it as a delegate; "" for one's own
	Programmes []string // the programmes for which it holds; empty for all
	Ceiling    int64    // of a delegation: the highest amount in minor units; 0 for none
}

// Caller is who asks: every read and write on somebody's behalf takes one, and
// its areas decide in SQL which rows exist for it. It is loaded for each
// request, so that a revoked key or role ends at once.
type Caller struct {
	Kind  CallerKind
	ID    string // partner id, or staff subject
	Name  string
	Code  string   // partner's code; "" for staff
	Area  string   // partner's area; "" for staff
	Areas []string // every area code that the caller covers

	Roles []RoleGrant // staff only

	Conflicts map[string][]string // the cases of relatives, of the caller and of every principal

	KeyID     string // partner only, from here
	Mode      string // test or live
	Scopes    []string
	ExpiresAt *time.Time
}

// Actor is the caller's name in events, decisions and the audit.
func (c *Caller) Actor() string { return c.ID }

// Partner tells whether the caller is a partner's program.
func (c *Caller) Partner() bool { return c.Kind == CallerPartner }

// Has tells whether the caller holds a role in an area; "" asks for any area.
func (c *Caller) Has(role aid.Role, area string) bool {
	return c.HasAny(area, role)
}

// HasAny tells whether the caller holds one of the roles in an area itself; ""
// asks for any area. What a delegation lends is for tasks, and for seeing what
// they are about.
func (c *Caller) HasAny(area string, roles ...aid.Role) bool {
	return slices.ContainsFunc(c.Roles, func(g RoleGrant) bool {
		return g.Behalf == "" && slices.Contains(roles, g.Role) && (area == "" || slices.Contains(g.Covers, area))
	})
}

// Related tells whether the caller, or the principal in whose name it acts (""
// for none), is related to whom a case is for.
func (c *Caller) Related(caseID, behalf string) bool {
	return slices.Contains(c.Conflicts[c.ID], caseID) || (behalf != "" && slices.Contains(c.Conflicts[behalf], caseID))
}

// MayScope tells whether a partner's key has a scope. Staff have roles and no
// scopes: always true.
func (c *Caller) MayScope(scope string) bool {
	return c.Kind == CallerStaff || slices.Contains(c.Scopes, scope)
}

// CaseAreas gives the areas in which the caller sees cases: those of every
// role but admin. A partner sees its own cases, wherever they are: nil.
func (c *Caller) CaseAreas() []string {
	return c.covered(func(r aid.Role) bool { return r != aid.RoleAdmin })
}

// MoneyAreas gives the areas whose funds, ledger and payments the caller sees.
func (c *Caller) MoneyAreas() []string {
	return c.covered(func(r aid.Role) bool {
		return slices.Contains([]aid.Role{aid.RoleApprover, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager, aid.RoleAuditor}, r)
	})
}

func (c *Caller) covered(which func(aid.Role) bool) []string {
	return c.coveredFor(func(g RoleGrant) bool { return which(g.Role) })
}

// coveredFor gives the areas of the grants that fit, in order. It may be what
// other callers share: nobody writes into it.
func (c *Caller) coveredFor(fits func(RoleGrant) bool) []string {
	codes, of, several := []string{}, "", false
	for _, g := range c.Roles {
		switch {
		case !fits(g) || len(g.Covers) == 0 || (len(codes) > 0 && g.Area == of):
		case len(codes) == 0:
			codes, of = slices.Clip(g.Covers), g.Area
		default:
			codes, several = append(codes, g.Covers...), true
		}
	}
	if !several {
		return codes
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

// ownID is the partner's id for queries of its own rows; "" for staff matches
// no row, because no partner has an empty id.
func (c *Caller) ownID() string {
	if c.Partner() {
		return c.ID
	}
	return ""
}

// AreasOf gives the areas in which the caller has one of the roles itself.
func (c *Caller) AreasOf(roles ...aid.Role) []string {
	own := Caller{Roles: slices.DeleteFunc(slices.Clone(c.Roles), func(g RoleGrant) bool { return g.Behalf != "" })}
	return own.covered(func(r aid.Role) bool { return slices.Contains(roles, r) })
}
