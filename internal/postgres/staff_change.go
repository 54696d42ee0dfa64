package postgres

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// StaffRole is one role of a member of staff, as an administrator gives it.
type StaffRole struct {
	Subject    string         `db:"subject"`
	Role       aid.Role       `db:"role"`
	Area       string         `db:"area"`
	Level      string         `db:"level"`
	Committee  bool           `db:"committee"`
	Chair      bool           `db:"chair"`
	Programmes pq.StringArray `db:"programmes"` // empty for all
}

func (r StaffRole) same(o StaffRole) bool {
	return r.Role == o.Role && r.Area == o.Area && r.Level == o.Level && r.Committee == o.Committee && r.Chair == o.Chair &&
		slices.Equal(r.Programmes, o.Programmes)
}

// StaffRow is a member of staff as administrators and managers see it.
type StaffRow struct {
	Subject    string     `db:"subject"`
	Name       string     `db:"name"`
	Superior   string     `db:"superior"`
	CreatedAt  time.Time  `db:"created_at"`
	DisabledAt *time.Time `db:"disabled_at"`
	Version    int        `db:"version"`
	Delegate   string     `db:"delegate"` // who acts for the person now; "" for nobody
	InHand     int        `db:"in_hand"`  // open tasks that the person has claimed or was given

	Roles []StaffRole `db:"-"`
}

// Cursor gives the person's place in the list.
func (r StaffRow) Cursor() Cursor { return Cursor{Sort: r.Subject, ID: r.Subject} }

// StaffFilter narrows a list of staff.
type StaffFilter struct {
	Role string
	Area string // with a role in the area, or in one above or below it
}

const staffColumns = `s.subject, s.name, coalesce(s.superior, '') AS superior, s.created_at, s.disabled_at, s.version,
	coalesce((SELECT d.delegate FROM delegations d WHERE d.principal = s.subject AND d.revoked_at IS NULL AND d.from_at <= $1 AND d.until_at > $1
	          ORDER BY d.created_at LIMIT 1), '') AS delegate,
	(SELECT count(*) FROM tasks t WHERE t.assignee = s.subject AND t.closed_at IS NULL) AS in_hand`

// seesStaff is the condition under which a caller sees a person, with the
// arguments $2 and $3: with a role in its areas, or without any.
const seesStaff = `(s.subject = $2 OR EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = s.subject AND r.area = ANY($3))
	OR NOT EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = s.subject))`

// StaffList lists the staff of the caller's areas, by subject.
func (s *Store) StaffList(ctx context.Context, caller *Caller, f StaffFilter, p Page) ([]StaffRow, error) {
	rows := []StaffRow{}
	err := s.list(ctx, &rows, `SELECT `+staffColumns+` FROM staff s WHERE `+seesStaff+` AND s.subject > $4
		AND ($5 = '' OR EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = s.subject AND r.role = $5))
		AND ($6 = '' OR EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = s.subject
		     AND (r.area IN (SELECT unnest((`+areasBelow("$6")+`))) OR $6 IN (SELECT unnest((`+areasBelow("r.area")+`))))))
		ORDER BY s.subject LIMIT $7`, s.Now(), caller.Actor(), pq.Array(caller.overseen()), p.After.ID, f.Role, f.Area, p.limit())
	if err != nil {
		return nil, err
	}
	return rows, s.withRoles(ctx, rows)
}

func (s *Store) withRoles(ctx context.Context, rows []StaffRow) error {
	var subjects []string
	for _, r := range rows {
		subjects = append(subjects, r.Subject)
	}
	var roles []StaffRole
	err := s.list(ctx, &roles, `SELECT subject, role, area, level, committee, chair, programmes FROM staff_roles WHERE subject = ANY($1)
		ORDER BY role, area, level`, pq.Array(subjects))
	for i := range rows {
		rows[i].Roles = []StaffRole{}
		for _, r := range roles {
			if r.Subject == rows[i].Subject {
				rows[i].Roles = append(rows[i].Roles, r)
			}
		}
	}
	return err
}

// StaffMember gives one member of the staff.
//
// Errors: NotFound staff_not_found, also when it is not the caller's to see.
func (s *Store) StaffMember(ctx context.Context, caller *Caller, subject string) (*StaffRow, error) {
	rows := make([]StaffRow, 1)
	err := s.get(ctx, &rows[0], `SELECT `+staffColumns+` FROM staff s WHERE s.subject = $4 AND `+seesStaff,
		s.Now(), caller.Actor(), pq.Array(caller.overseen()), subject)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "staff_not_found")
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], s.withRoles(ctx, rows)
}

// NewStaff is a person who begins to work here. Subject is the one of the
// tokens of the identity provider.
type NewStaff struct {
	Subject  string
	Name     string
	Superior string
	Roles    []StaffRole
}

// StaffChange is what changes; nil leaves a thing as it is. Roles replaces all
// of them.
type StaffChange struct {
	Name     *string
	Superior *string // "" for none
	Roles    *[]StaffRole
	Disabled *bool
}

// CreateStaff takes a person into the staff.
//
// Errors: Conflict staff_exists; those of ChangeStaff.
func (s *Store) CreateStaff(ctx context.Context, caller *Caller, in NewStaff) (*StaffRow, error) {
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.stillAdministers(caller); err != nil {
			return err
		}
		n, err := tx.exec(`INSERT INTO staff (subject, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, in.Subject, in.Name, tx.Wall)
		if err == nil && n == 0 {
			return aid.Refuse(aid.Conflict, "staff_exists")
		}
		if err != nil {
			return err
		}
		change := StaffChange{Superior: &in.Superior, Roles: &in.Roles}
		if err := tx.changeStaff(caller, StaffRow{Subject: in.Subject}, change); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "create_staff", in.Subject, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.afterStaffChange(ctx, caller, in.Subject)
}

// ChangeStaff changes a person and its roles, all at once: a disabled person's
// tokens do nothing from then on, delegations from and to it end, and tasks that
// it may not decide any more go back. Version is the one that the caller saw.
// Nobody changes themselves.
//
// Errors: NotFound staff_not_found; Forbidden own_roles, wrong_area for a person
// with roles outside the caller's areas; Stale stale; Invalid unknown_person, superior_of_oneself,
// unknown_area, unknown_level, unknown_programme, level_required, level_not_allowed,
// seat_not_allowed, chair_without_seat, duplicate_role.
func (s *Store) ChangeStaff(ctx context.Context, caller *Caller, subject string, version int, in StaffChange) (*StaffRow, error) {
	if subject == caller.Actor() {
		return nil, aid.Refuse(aid.Forbidden, "own_roles")
	}
	if _, err := s.StaffMember(ctx, caller, subject); err != nil {
		return nil, err
	}
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.stillAdministers(caller); err != nil {
			return err
		}
		var now StaffRow
		if err := tx.get(&now, `SELECT subject, name, coalesce(superior, '') AS superior, created_at, disabled_at, version FROM staff
			WHERE subject = $1 FOR NO KEY UPDATE`, subject); err != nil {
			return err
		}
		if now.Version != version {
			return aid.Refuse(aid.Stale, "stale")
		}
		if err := tx.changeStaff(caller, now, in); err != nil {
			return err
		}
		if err := tx.leave(caller, subject); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "change_staff", subject, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.afterStaffChange(ctx, caller, subject)
}

// stillAdministers looks whether the caller is an administrator at this moment,
// and keeps that so until the transaction is over: two who disable each other at
// once do it one after the other, and the second may not any more.
func (tx *Tx) stillAdministers(caller *Caller) error {
	var is bool
	err := tx.get(&is, `SELECT disabled_at IS NULL AND EXISTS (SELECT 1 FROM staff_roles WHERE subject = $1 AND role = 'admin')
		FROM staff WHERE subject = $1 FOR SHARE`, caller.Actor())
	if err == nil && !is {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	return err
}

func (tx *Tx) changeStaff(caller *Caller, now StaffRow, in StaffChange) error {
	var roles []StaffRole
	err := tx.list(&roles, `SELECT subject, role, area, level, committee, chair, programmes FROM staff_roles WHERE subject = $1`, now.Subject)
	if err != nil {
		return err
	}
	mine := caller.AreasOf(aid.RoleAdmin)
	outside := slices.ContainsFunc(roles, func(r StaffRole) bool { return !slices.Contains(mine, r.Area) })
	if outside && (in.Disabled != nil || in.Name != nil || in.Superior != nil) {
		return aid.Refuse(aid.Forbidden, "wrong_area")
	}
	var faults []aid.Fault
	if in.Superior != nil && *in.Superior != "" {
		if faults, err = tx.superiorFaults(now.Subject, *in.Superior); err != nil {
			return err
		}
	}
	if in.Roles != nil {
		more, err := tx.roleFaults(mine, roles, *in.Roles)
		if err != nil {
			return err
		}
		faults = append(faults, more...)
	}
	if len(faults) > 0 {
		return aid.RefuseAll(faults)
	}
	if err := tx.writeStaff(now, in); err != nil || in.Roles == nil {
		return err
	}
	return tx.writeRoles(caller, now.Subject, roles, *in.Roles)
}

func (tx *Tx) superiorFaults(subject, superior string) ([]aid.Fault, error) {
	if superior == subject {
		return []aid.Fault{{Pointer: "/superior", Code: "superior_of_oneself"}}, nil
	}
	var there bool
	err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM staff WHERE subject = $1 AND disabled_at IS NULL)`, superior)
	if err == nil && !there {
		return []aid.Fault{{Pointer: "/superior", Code: "unknown_person"}}, nil
	}
	return nil, err
}

// roleFaults checks the roles that a person is to have. Those outside the
// administrator's areas must stay as they are.
func (tx *Tx) roleFaults(mine []string, before, after []StaffRole) ([]aid.Fault, error) {
	var known struct {
		Areas      pq.StringArray `db:"areas"`
		Levels     pq.StringArray `db:"levels"`
		Programmes pq.StringArray `db:"programmes"`
	}
	var named []string
	for _, r := range after {
		named = append(named, r.Area)
	}
	err := tx.get(&known, `SELECT (SELECT coalesce(array_agg(code), '{}') FROM areas WHERE code = ANY($1) AND NOT gone) AS areas,
		(SELECT coalesce(array_agg(DISTINCT level), '{}') FROM areas) AS levels,
		(SELECT coalesce(array_agg(DISTINCT code), '{}') FROM programmes) AS programmes`, pq.Array(named))
	if err != nil {
		return nil, err
	}
	var faults []aid.Fault
	kept := 0
	for i, r := range after {
		at := "/roles/" + strconv.Itoa(i)
		add := func(field, code string) { faults = append(faults, aid.Fault{Pointer: at + field, Code: code}) }
		if slices.ContainsFunc(before, r.same) && !slices.Contains(mine, r.Area) {
			kept++
			continue
		}
		if !slices.Contains(mine, r.Area) || !slices.Contains(known.Areas, r.Area) {
			add("/area", "unknown_area")
		}
		switch {
		case r.Role == aid.RoleApprover && r.Level == "":
			add("/level", "level_required")
		case r.Role != aid.RoleApprover && r.Level != "":
			add("/level", "level_not_allowed")
		case r.Level != "" && !slices.Contains(known.Levels, r.Level):
			add("/level", "unknown_level")
		}
		if r.Committee && r.Role != aid.RoleApprover {
			add("/committee", "seat_not_allowed")
		}
		if r.Chair && !r.Committee {
			add("/chair", "chair_without_seat")
		}
		for j, code := range r.Programmes {
			if !slices.Contains(known.Programmes, code) {
				add("/programmes/"+strconv.Itoa(j), "unknown_programme")
			}
		}
		if slices.ContainsFunc(after[:i], func(o StaffRole) bool { return o.Role == r.Role && o.Area == r.Area && o.Level == r.Level }) {
			add("", "duplicate_role")
		}
	}
	elsewhere := len(slices.DeleteFunc(slices.Clone(before), func(r StaffRole) bool { return slices.Contains(mine, r.Area) }))
	if kept != elsewhere {
		faults = append(faults, aid.Fault{Pointer: "/roles", Code: "roles_elsewhere"})
	}
	return faults, nil
}

func (tx *Tx) writeStaff(now StaffRow, in StaffChange) error {
	disabled := now.DisabledAt
	if in.Disabled != nil && *in.Disabled && disabled == nil {
		disabled = &tx.Wall
	} else if in.Disabled != nil && !*in.Disabled {
		disabled = nil
	}
	return tx.one(`UPDATE staff SET name = coalesce($2, name), superior = CASE WHEN $3::text IS NULL THEN superior ELSE nullif($3, '') END,
		disabled_at = $4, version = version + 1, updated_at = $5 WHERE subject = $1`, now.Subject, in.Name, in.Superior, disabled, tx.Wall)
}

// writeRoles takes away and gives what differs, each with its line in the
// audit, and has the tasks looked at again that it may concern.
func (tx *Tx) writeRoles(caller *Caller, subject string, before, after []StaffRole) error {
	for _, r := range before {
		if slices.ContainsFunc(after, r.same) {
			continue
		}
		err := tx.one(`DELETE FROM staff_roles WHERE subject = $1 AND role = $2 AND area = $3 AND level = $4`, subject, r.Role, r.Area, r.Level)
		if err == nil {
			err = tx.roleChanged(caller, "remove_role", subject, r)
		}
		if err != nil {
			return err
		}
	}
	for _, r := range after {
		if slices.ContainsFunc(before, r.same) {
			continue
		}
		err := tx.one(`INSERT INTO staff_roles (subject, role, area, level, committee, chair, programmes, granted_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
			subject, r.Role, r.Area, r.Level, r.Committee, r.Chair, pq.Array(append([]string{}, r.Programmes...)), caller.Actor())
		if err == nil {
			err = tx.roleChanged(caller, "give_role", subject, r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) roleChanged(caller *Caller, action, subject string, r StaffRole) error {
	object := subject + "/" + string(r.Role) + "/" + r.Area
	if r.Level != "" {
		object += "/" + r.Level
	}
	if err := tx.AddAudit(caller.Actor(), action, object, "done", ""); err != nil {
		return err
	}
	return tx.lookAgain(r.Area)
}
