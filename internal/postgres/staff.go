package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// StaffBySubject gives the caller behind the subject of a staff token, with
// every role and the areas that it covers today: the own, and those that a
// delegation lends.
//
// Errors: Unauthorized unknown_subject; Forbidden staff_disabled.
func (s *Store) StaffBySubject(ctx context.Context, subject string) (*Caller, error) {
	var rows []struct {
		Name       string         `db:"name"`
		Disabled   *time.Time     `db:"disabled_at"`
		Role       *aid.Role      `db:"role"`
		Area       string         `db:"area"`
		Level      string         `db:"level"`
		Committee  bool           `db:"committee"`
		Chair      bool           `db:"chair"`
		Tree       int64          `db:"tree"`
		Behalf     string         `db:"behalf"`
		Programmes pq.StringArray `db:"programmes"`
		Only       pq.StringArray `db:"only"`
		Ceiling    int64          `db:"ceiling"`
		Conflicts  pq.StringArray `db:"conflicts"` // of the one whose role it is
	}
	err := s.listPrepared(ctx, &rows, `
		WITH acting AS (`+lent+`)
		SELECT s.name, s.disabled_at, r.role, coalesce(r.area, '') AS area, coalesce(r.level, '') AS level,
		       coalesce(r.committee, false) AS committee, coalesce(r.chair, false) AS chair, (SELECT version FROM area_tree) AS tree,
		       a.behalf, coalesce(r.programmes, '{}') AS programmes, a.only, coalesce(a.ceiling, 0) AS ceiling,
		       ARRAY(SELECT DISTINCT k.case_id FROM conflicts k WHERE k.person = a.person) AS conflicts
		FROM staff s CROSS JOIN acting a LEFT JOIN staff_roles r ON r.subject = a.person AND `+lends+`
		WHERE s.subject = $1 AND (a.behalf = '' OR r.role IS NOT NULL) ORDER BY a.behalf, r.role, r.area, r.level`, subject, s.Now())
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, aid.Refuse(aid.Unauthorized, "unknown_subject")
	}
	if rows[0].Disabled != nil {
		return nil, aid.Refuse(aid.Forbidden, "staff_disabled")
	}
	areas := []string{}
	for _, r := range rows {
		areas = append(areas, r.Area)
	}
	covers, err := s.covers(ctx, rows[0].Tree, areas)
	if err != nil {
		return nil, err
	}
	c := &Caller{Kind: CallerStaff, ID: subject, Name: rows[0].Name, Conflicts: map[string][]string{subject: rows[0].Conflicts}}
	for _, r := range rows {
		if r.Behalf != "" {
			c.Conflicts[r.Behalf] = r.Conflicts
		}
		only, some := common(r.Programmes, r.Only)
		if r.Role != nil && some {
			c.Roles = append(c.Roles, RoleGrant{Role: *r.Role, Area: r.Area, Level: r.Level, Committee: r.Committee, Chair: r.Chair, Covers: covers[r.Area],
				Behalf: r.Behalf, Programmes: only, Ceiling: r.Ceiling})
		}
	}
	c.Areas = c.covered(func(aid.Role) bool { return true })
	return c, nil
}

// common gives the programmes that two scopes have in common, where an empty
// one means all; false when there are none.
func common(a, b []string) ([]string, bool) {
	switch {
	case len(a) == 0:
		return b, true
	case len(b) == 0:
		return a, true
	}
	both := slices.DeleteFunc(slices.Clone(a), func(p string) bool { return !slices.Contains(b, p) })
	return both, len(both) > 0
}
