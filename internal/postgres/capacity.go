package postgres

import (
	"context"
	"slices"
	"time"

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
		if !slices.Contains(rule.Roles, g.Role) || g.refuses(t) != nil || c.inNameOf(t, g.Behalf) != nil {
			continue
		}
		better := (g.Behalf == "" && best.Behalf != "") || ((g.Behalf == "") == (best.Behalf == "") && g.Chair && !best.Chair)
		if !found || better {
			best, found = g, true
		}
	}
	return best, found
}

// Lender is somebody in whose name another may act.
type Lender struct {
	Name  string    `db:"name"` // for people; the subject of one who has none
	Until time.Time `db:"until_at"`
}

// LenderTo gives the name of a principal, and until when the delegate acts for
// that person in a programme.
//
// Errors: NotFound when the delegation has ended meanwhile.
func (s *Store) LenderTo(ctx context.Context, delegate, principal, programme string) (l Lender, err error) {
	err = s.get(ctx, &l, `SELECT coalesce(nullif(p.name, ''), p.subject) AS name, d.until_at FROM delegations d JOIN staff p ON p.subject = d.principal
		WHERE d.delegate = $1 AND d.principal = $2 AND d.revoked_at IS NULL AND d.from_at <= $4 AND d.until_at > $4
		  AND (d.programmes = '{}' OR $3 = ANY(d.programmes)) ORDER BY d.until_at DESC LIMIT 1`, delegate, principal, programme, s.Now())
	return l, err
}

// Committee tells whether an approval is a committee's.
func (r *TaskRow) Committee() bool { return r.committee() }
