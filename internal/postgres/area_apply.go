package postgres

import (
	"context"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid/area"
)

// AreaMoves counts what followed areas that are gone.
type AreaMoves struct {
	Areas      int // areas that are different today than they were when it was last looked
	Cases      int // cases that went to the successor
	Tasks      int // open tasks that went elsewhere
	Parked     int // cases that wait for an administrator to say where they belong
	Roles      int
	Partners   int
	Funds      int
	Households int
	Left       int // roles, partners and funds of areas that are gone without a successor: for an administrator
}

// Any tells whether anything has moved.
func (m AreaMoves) Any() bool { m.Left = 0; return m != AreaMoves{} }

// ApplyAreas brings into effect what has begun by today: it brings the rows of
// areas up to date, and what was in areas that are gone follows their
// successors: roles of staff, partners, funds and households of the register,
// open cases and open tasks. A case whose area was split without a target, or
// one of whose tasks is at a level that is no more, is parked before an
// administrator. Ended cases, decisions and events keep the area in which they
// were. Where everything is in its place it changes nothing.
func (s *Store) ApplyAreas(ctx context.Context) (AreaMoves, error) {
	var moves AreaMoves
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.lockAreas(); err != nil {
			return err
		}
		tree, err := tx.areaTree()
		if err != nil {
			return err
		}
		moves, err = tx.applyAreas(tree, System)
		return err
	})
	return moves, err
}

// applyAreas is ApplyAreas on behalf of somebody, with the areas locked. Roles
// go first: who may decide in the successor is asked when tasks go there. The
// rest keeps the order of locks: cases, tasks, funds, audit.
func (tx *Tx) applyAreas(tree *area.Tree, actor string) (AreaMoves, error) {
	var moves AreaMoves
	f := &follower{tx: tx, tree: tree, actor: actor, moves: &moves}
	for _, do := range []func() error{f.states, f.roles, f.cases, f.rest} {
		if err := do(); err != nil {
			return moves, err
		}
	}
	for _, a := range f.audits {
		if err := tx.AddAudit(actor, a.action, a.object, "done", ""); err != nil {
			return moves, err
		}
	}
	return moves, nil
}

// follower brings what is in areas to where it belongs today.
type follower struct {
	tx    *Tx
	tree  *area.Tree
	actor string
	moves *AreaMoves

	audits []struct{ action, object string } // written last
}

// states brings the rows of areas up to date.
func (f *follower) states() error {
	var now columns
	var gone []bool
	var successor []string
	now.code = append(now.code, f.tree.Codes()...)
	states := f.tree.On(f.tx.today())
	for _, code := range now.code {
		s := states[code]
		now.from, now.to, now.name = append(now.from, dayText(s.From)), append(now.to, dayText(s.To)), append(now.name, s.Name)
		now.level, now.parent, now.urban = append(now.level, s.Level), append(now.parent, s.Parent), append(now.urban, s.Urban)
		gone, successor = append(gone, s.Gone), append(successor, s.Successor)
	}
	n, err := f.tx.exec(`
		UPDATE areas a SET valid_from = r.valid_from, valid_to = r.valid_to, name = r.name, level = r.level, parent = r.parent, urban = r.urban,
		       gone = g.gone, successor = nullif(g.successor, '')
		FROM `+dated+` JOIN unnest($1::text[], $8::boolean[], $9::text[]) AS g (code, gone, successor) USING (code)
		WHERE a.code = r.code AND (a.valid_from, a.valid_to, a.name, a.level, a.parent, a.urban, a.gone, a.successor)
		      IS DISTINCT FROM (r.valid_from, r.valid_to, r.name, r.level, r.parent, r.urban, g.gone, nullif(g.successor, ''))`,
		append(now.args(), pq.Array(gone), pq.Array(successor))...)
	f.moves.Areas = int(n)
	return err
}

// roles carries the roles of staff over to the successor; each is in the
// audit. Whoever has the role there already keeps it, with the seat and the
// chair of both.
func (f *follower) roles() error {
	rows := []struct {
		Subject   string `db:"subject"`
		Role      string `db:"role"`
		From      string `db:"area"`
		To        string `db:"successor"`
		Level     string `db:"level"`
		Committee bool   `db:"committee"`
		Chair     bool   `db:"chair"`
	}{}
	err := f.tx.list(&rows, `
		DELETE FROM staff_roles r USING areas a WHERE a.code = r.area AND a.successor IS NOT NULL
		RETURNING r.subject, r.role, r.area, a.successor, r.level, r.committee, r.chair`)
	if err != nil {
		return err
	}
	for _, r := range rows {
		_, err := f.tx.exec(`INSERT INTO staff_roles (subject, role, area, level, committee, chair) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (subject, role, area, level) DO UPDATE SET committee = staff_roles.committee OR $5, chair = staff_roles.chair OR $6`,
			r.Subject, r.Role, r.To, r.Level, r.Committee, r.Chair)
		if err != nil {
			return err
		}
		f.audit("move_role", r.Subject+"/"+r.Role, r.From, r.To)
	}
	f.moves.Roles = len(rows)
	return nil
}

// audit says what went from where to where.
func (f *follower) audit(action, what, from, to string) {
	f.audits = append(f.audits, struct{ action, object string }{action, what + "/" + from + "/" + to})
}

// rest moves funds, partners and households of the register, and counts what
// nobody has said a successor for.
func (f *follower) rest() error {
	for _, m := range []struct {
		table, action string
		moved         *int
	}{{"funds", "move_fund", &f.moves.Funds}, {"partners", "move_partner", &f.moves.Partners}} {
		rows := []struct {
			ID   string `db:"id"`
			From string `db:"from_area"`
			To   string `db:"area"`
		}{}
		err := f.tx.list(&rows, `
			WITH moving AS (SELECT m.id, a.code, a.successor FROM `+m.table+` m JOIN areas a ON a.code = m.area WHERE a.successor IS NOT NULL)
			UPDATE `+m.table+` m SET area = moving.successor FROM moving WHERE m.id = moving.id RETURNING m.id, moving.code AS from_area, m.area`)
		if err != nil {
			return err
		}
		for _, r := range rows {
			f.audit(m.action, r.ID, r.From, r.To)
		}
		*m.moved = len(rows)
	}
	n, err := f.tx.exec(`UPDATE households h SET area = a.successor FROM areas a WHERE a.code = h.area AND a.successor IS NOT NULL`)
	if err != nil {
		return err
	}
	f.moves.Households = int(n)
	return f.tx.get(&f.moves.Left, `
		SELECT count(*) FROM (SELECT area FROM staff_roles UNION ALL SELECT area FROM funds UNION ALL SELECT area FROM partners WHERE ended_at IS NULL) x
		JOIN areas a ON a.code = x.area WHERE a.gone AND a.successor IS NULL`)
}
