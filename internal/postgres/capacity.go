package postgres

import (
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// Capacity gives the grant by which the caller may decide a task: an own one
// before one that it holds as a delegate, the chair's before a member's. False
// for who may not, and for a partner, who decides what its own case waits for.
func (c *Caller) Capacity(t *TaskRow) (RoleGrant, bool) {
	rule, _ := aid.RuleOf(t.Kind)
	var best RoleGrant
	found := false
	for _, g := range c.Roles {
		if !slices.Contains(rule.Roles, g.Role) || g.refuses(t) != nil {
			continue
		}
		better := (g.Behalf == "" && best.Behalf != "") || ((g.Behalf == "") == (best.Behalf == "") && g.Chair && !best.Chair)
		if !found || better {
			best, found = g, true
		}
	}
	return best, found
}

// Committee tells whether an approval is a committee's.
func (r *TaskRow) Committee() bool { return r.committee() }
