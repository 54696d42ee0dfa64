package postgres

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// LongestDelegation is how long a delegation holds at most: who is away for
// longer is replaced by a change of roles.
const LongestDelegation = 366 * 24 * time.Hour

// pastBy is how far in the past a delegation may begin: clocks differ.
const pastBy = 5 * time.Minute

// NewDelegation says who is to act for whom. Principal "" is the caller; a zero
// From is now. Ceiling is in minor units of the one currency that the programmes
// have; 0 is none.
type NewDelegation struct {
	ID         string
	Principal  string
	Delegate   string
	Programmes []string // empty for all
	Ceiling    int64
	From       time.Time
	Until      time.Time
	Reason     string // leave, illness, travel, training, vacancy, other
}

// DelegationRow is a delegation as readers see it.
type DelegationRow struct {
	ID         string         `db:"id"`
	Principal  string         `db:"principal"`
	Delegate   string         `db:"delegate"`
	Programmes pq.StringArray `db:"programmes"`
	Ceiling    *int64         `db:"ceiling"` // minor units
	From       time.Time      `db:"from_at"`
	Until      time.Time      `db:"until_at"`
	Reason     string         `db:"reason_code"`
	CreatedBy  string         `db:"created_by"`
	CreatedAt  time.Time      `db:"created_at"`
	RevokedAt  *time.Time     `db:"revoked_at"`
	RevokedBy  string         `db:"revoked_by"`
	Because    string         `db:"because"`
	State      string         `db:"state"`   // planned, active, over, revoked
	Version    int            `db:"version"` // rises when it is revoked: nothing else of it changes
	Tasks      int            `db:"tasks"`   // the principal's that the delegate has in hand
}

// Cursor gives the delegation's place in the list.
func (r DelegationRow) Cursor() Cursor { return atCursor(r.CreatedAt, r.ID) }

const delegationColumns = `d.id, d.principal, d.delegate, d.programmes, d.ceiling, d.from_at, d.until_at, d.reason_code, d.created_by,
	d.created_at, d.revoked_at, d.revoked_by, d.because, 1 + (d.revoked_at IS NOT NULL)::integer AS version,
	CASE WHEN d.revoked_at IS NOT NULL THEN 'revoked' WHEN d.until_at <= $1 THEN 'over' WHEN d.from_at > $1 THEN 'planned' ELSE 'active' END AS state,
	(SELECT count(*) FROM tasks t WHERE t.closed_at IS NULL AND t.assigned_for = d.principal AND t.assignee = d.delegate) AS tasks`

// CreateDelegation records that somebody acts for the caller, or, by a manager
// of all the areas of an absent person, for that person. It holds by its dates
// at once; the tasks that the principal has in hand are moved at its start.
//
// Errors: Forbidden wrong_role when the caller is neither the principal nor
// such a manager; Invalid unknown_person, staff_disabled, delegation_to_oneself,
// delegation_to_recorder, delegate_without_role, unknown_programme, ceiling_of_currencies,
// delegation_in_past, ends_before_it_begins, delegation_too_long; Conflict
// delegation_overlaps, delegation_chain.
func (s *Store) CreateDelegation(ctx context.Context, caller *Caller, in NewDelegation) (*DelegationRow, error) {
	if in.Principal == "" {
		in.Principal = caller.Actor()
	}
	err := s.Write(ctx, func(tx *Tx) error {
		var there bool
		if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM delegations WHERE id = $1)`, in.ID); err != nil || there {
			return err
		}
		if in.From.IsZero() || (in.From.Before(tx.Wall) && tx.Wall.Sub(in.From) <= pastBy) {
			in.From = tx.Wall
		}
		if err := tx.mayRecordFor(caller, in.Principal); err != nil {
			return err
		}
		if err := tx.checkDelegation(caller, in); err != nil {
			return err
		}
		err := tx.one(`INSERT INTO delegations (id, principal, delegate, programmes, ceiling, from_at, until_at, reason_code, created_by, created_at)
			VALUES ($1, $2, $3, $4, nullif($5::bigint, 0), $6, $7, $8, $9, $10)`, in.ID, in.Principal, in.Delegate,
			pq.Array(append([]string{}, in.Programmes...)), in.Ceiling, in.From, in.Until, in.Reason, caller.Actor(), tx.Wall)
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "delegate", in.ID, "done", in.Reason)
	})
	if err != nil {
		return nil, err
	}
	if !in.From.After(s.Now()) {
		if err := s.settleDelegation(ctx, in.ID); err != nil && aid.KindOf(err) != aid.Unavailable {
			return nil, err // what is left the sweep does
		}
	}
	return s.Delegation(ctx, caller, in.ID)
}

// mayRecordFor refuses a delegation in the name of somebody else, unless the
// caller is a manager wherever that person has a role.
func (tx *Tx) mayRecordFor(caller *Caller, principal string) error {
	if principal == caller.Actor() {
		return nil
	}
	var p struct {
		There   bool `db:"there"`
		Outside bool `db:"outside"`
	}
	err := tx.get(&p, `SELECT count(*) > 0 AS there, count(*) FILTER (WHERE r.area <> ALL($2)) > 0 AS outside
		FROM staff_roles r WHERE r.subject = $1`, principal, pq.Array(caller.AreasOf(aid.RoleManager)))
	switch {
	case err != nil:
		return err
	case len(caller.AreasOf(aid.RoleManager)) == 0:
		return aid.Refuse(aid.Forbidden, "wrong_role")
	case !p.There || p.Outside:
		return aid.RefuseAll([]aid.Fault{{Pointer: "/principal", Code: "unknown_person"}})
	}
	return nil
}

func (tx *Tx) checkDelegation(caller *Caller, in NewDelegation) error {
	var known struct {
		There    bool           `db:"there"`
		Disabled bool           `db:"disabled"`
		Gone     bool           `db:"gone"`
		Fits     bool           `db:"fits"`
		Codes    pq.StringArray `db:"codes"`
	}
	err := tx.get(&known, `SELECT EXISTS (SELECT 1 FROM staff WHERE subject = $2) AS there,
		EXISTS (SELECT 1 FROM staff WHERE subject = $2 AND disabled_at IS NOT NULL) AS disabled,
		EXISTS (SELECT 1 FROM staff WHERE subject = $1 AND disabled_at IS NOT NULL) AS gone,
		EXISTS (SELECT 1 FROM staff_roles p JOIN staff_roles d USING (role) WHERE p.subject = $1 AND d.subject = $2
		        AND role NOT IN ('admin', 'auditor', 'intake')) AS fits,
		(SELECT coalesce(array_agg(DISTINCT code), '{}') FROM programmes) AS codes`, in.Principal, in.Delegate)
	if err != nil {
		return err
	}
	var faults []aid.Fault
	add := func(pointer, code string) { faults = append(faults, aid.Fault{Pointer: pointer, Code: code}) }
	switch {
	case in.Delegate == in.Principal:
		add("/delegate", "delegation_to_oneself")
	case in.Delegate == caller.Actor():
		add("/delegate", "delegation_to_recorder")
	case !known.There:
		add("/delegate", "unknown_person")
	case known.Disabled:
		add("/delegate", "staff_disabled")
	case !known.Fits:
		add("/delegate", "delegate_without_role")
	}
	if known.Gone {
		add("/principal", "staff_disabled")
	}
	for i, code := range in.Programmes {
		if !slices.Contains(known.Codes, code) {
			add("/programmes/"+strconv.Itoa(i), "unknown_programme")
		}
	}
	if in.Ceiling > 0 {
		if one, err := tx.oneCurrency(in.Programmes); err != nil {
			return err
		} else if !one {
			add("/ceiling", "ceiling_of_currencies")
		}
	}
	switch {
	case in.From.Before(tx.Wall):
		add("/from", "delegation_in_past")
	case !in.Until.After(in.From):
		add("/until", "ends_before_it_begins")
	case in.Until.Sub(in.From) > LongestDelegation:
		add("/until", "delegation_too_long")
	}
	return aid.RefuseAll(faults)
}

// oneCurrency tells whether programmes (all, when none is named) pay in the same
// currency: a ceiling is an amount of one.
func (tx *Tx) oneCurrency(codes []string) (bool, error) {
	rows, err := publishedVersions(tx.reader(), "")
	currency := ""
	for _, r := range rows {
		if len(codes) > 0 && !slices.Contains(codes, r.Code) {
			continue
		}
		if currency != "" && r.Definition.Currency != currency {
			return false, err
		}
		currency = r.Definition.Currency
	}
	return true, err
}

// DelegationFilter narrows a list of delegations. Person is the principal or
// the delegate; State as in DelegationRow.
type DelegationFilter struct {
	Person string
	State  string
}

// seesDelegation is the condition under which the caller sees one, with the
// arguments $2 and $3: one's own, and those of whom one manages, administers or
// audits.
const seesDelegation = `(d.principal = $2 OR d.delegate = $2 OR EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = d.principal AND r.area = ANY($3)))`

// Delegations lists delegations, newest first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) Delegations(ctx context.Context, caller *Caller, f DelegationFilter, p Page) ([]DelegationRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	rows := []DelegationRow{}
	err = s.list(ctx, &rows, `SELECT * FROM (SELECT `+delegationColumns+` FROM delegations d WHERE `+seesDelegation+`
		AND ($4 = '' OR d.principal = $4 OR d.delegate = $4) AND ($5::timestamptz IS NULL OR (d.created_at, d.id) < ($5, $6))) d
		WHERE $7 = '' OR state = $7 ORDER BY created_at DESC, id DESC LIMIT $8`,
		s.Now(), caller.Actor(), pq.Array(caller.overseen()), f.Person, at, p.After.ID, f.State, p.limit())
	return rows, err
}

// Delegation gives one delegation.
//
// Errors: NotFound delegation_not_found, also when it is not the caller's to see.
func (s *Store) Delegation(ctx context.Context, caller *Caller, id string) (*DelegationRow, error) {
	var row DelegationRow
	err := s.get(ctx, &row, `SELECT `+delegationColumns+` FROM delegations d WHERE d.id = $4 AND `+seesDelegation,
		s.Now(), caller.Actor(), pq.Array(caller.overseen()), id)
	if aid.KindOf(err) == aid.NotFound {
		return nil, aid.Refuse(aid.NotFound, "delegation_not_found")
	}
	return &row, err
}

// overseen gives the areas in which the caller manages, administers or audits.
func (c *Caller) overseen() []string {
	return c.AreasOf(aid.RoleManager, aid.RoleAdmin, aid.RoleAuditor)
}

// RevokeDelegation ends a delegation at once: by its principal, its delegate,
// or a manager of the principal's areas. What the delegate has not decided goes
// back. A decision of the delegate that is being made comes before it or not at
// all. Version is the one that the caller saw; 0 is not compared.
//
// Errors: NotFound delegation_not_found; Forbidden wrong_role; Stale stale;
// Conflict delegation_over.
func (s *Store) RevokeDelegation(ctx context.Context, caller *Caller, id string, version int) (*DelegationRow, error) {
	row, err := s.Delegation(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if version != 0 && version != row.Version {
		return nil, aid.Refuse(aid.Stale, "stale")
	}
	err = s.Write(ctx, func(tx *Tx) error {
		if caller.Actor() != row.Delegate {
			if err := tx.mayRecordFor(caller, row.Principal); err != nil {
				return aid.Refuse(aid.Forbidden, "wrong_role")
			}
		}
		n, err := tx.exec(`UPDATE delegations SET revoked_at = $2, revoked_by = $3, because = 'revoked' WHERE id = $1 AND revoked_at IS NULL AND until_at > $2`,
			id, tx.Wall, caller.Actor())
		if err == nil && n == 0 {
			return aid.Refuse(aid.Conflict, "delegation_over")
		}
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "revoke_delegation", id, "done", "")
	})
	if err != nil {
		return nil, err
	}
	if err := s.settleDelegation(ctx, id); err != nil && aid.KindOf(err) != aid.Unavailable {
		return nil, err
	}
	return s.Delegation(ctx, caller, id)
}
