package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// StaffBySubject gives the caller behind the subject of a staff token, with
// every role and the areas that it covers today.
//
// Errors: Unauthorized unknown_subject; Forbidden staff_disabled.
func (s *Store) StaffBySubject(ctx context.Context, subject string) (*Caller, error) {
	var rows []struct {
		Name      string         `db:"name"`
		Disabled  *time.Time     `db:"disabled_at"`
		Role      *aid.Role      `db:"role"`
		Area      string         `db:"area"`
		Level     string         `db:"level"`
		Committee bool           `db:"committee"`
		Chair     bool           `db:"chair"`
		Covers    pq.StringArray `db:"covers"`
		Conflicts pq.StringArray `db:"conflicts"`
	}
	err := s.list(ctx, &rows, `
		SELECT s.name, s.disabled_at, r.role, coalesce(r.area, '') AS area, coalesce(r.level, '') AS level,
		       coalesce(r.committee, false) AS committee, coalesce(r.chair, false) AS chair, (`+areasBelow("r.area")+`) AS covers,
		       ARRAY(SELECT DISTINCT k.case_id FROM conflicts k WHERE k.person = $1) AS conflicts
		FROM staff s LEFT JOIN staff_roles r USING (subject) WHERE s.subject = $1 ORDER BY r.role, r.area, r.level`, subject)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, aid.Refuse(aid.Unauthorized, "unknown_subject")
	}
	if rows[0].Disabled != nil {
		return nil, aid.Refuse(aid.Forbidden, "staff_disabled")
	}
	c := &Caller{Kind: CallerStaff, ID: subject, Name: rows[0].Name, Conflicts: map[string][]string{subject: rows[0].Conflicts}}
	for _, r := range rows {
		if r.Role != nil {
			c.Roles = append(c.Roles, RoleGrant{Role: *r.Role, Area: r.Area, Level: r.Level, Committee: r.Committee, Chair: r.Chair, Covers: r.Covers})
		}
	}
	c.Areas = c.covered(func(aid.Role) bool { return true })
	return c, nil
}
