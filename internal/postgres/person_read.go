package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// PersonRow is a person with everybody merged with it: ids and codes, nothing
// personal.
type PersonRow struct {
	ID        string           // of the one that the others were merged into
	People    []string         // all of them, the oldest first
	Numbers   int              // how many different id numbers they have
	Cases     []PersonCase     // those that the caller may see, the newest first
	Elsewhere int              // cases of other areas
	Different []string         // persons known to be others, though alike
	History   []PersonDecision // the newest first
}

// PersonCase is a case of a person.
type PersonCase struct {
	ID          string     `db:"id"`
	Reference   string     `db:"reference"`
	Person      string     `db:"person_id"`
	Programme   string     `db:"programme"`
	Area        string     `db:"area"`
	Status      aid.Status `db:"status"`
	SubmittedAt time.Time  `db:"submitted_at"`
	PaidAt      *time.Time `db:"paid_at"`
}

// PersonDecision is what somebody decided about who is who.
type PersonDecision struct {
	ID     string         `db:"id"`
	Kind   string         `db:"kind"`      // merge, split, different
	Person string         `db:"person_id"` // who was decided about
	Other  string         `db:"other_id"`  // merged into, split off, or different
	Cases  pq.StringArray `db:"cases"`     // of a split
	Reason string         `db:"reason"`
	Actor  string         `db:"actor"`
	At     time.Time      `db:"at"`
}

// identityAreas are the areas in which a caller decides who is who; with
// reading, also those in which it may look.
func (c *Caller) identityAreas(reading bool) []string {
	return c.coveredFor(identifying(reading))
}

func identifying(reading bool) func(RoleGrant) bool {
	return func(g RoleGrant) bool {
		return g.Role == aid.RoleVerifier || g.Role == aid.RoleManager || reading && (g.Role == aid.RoleApprover || g.Role == aid.RoleAuditor)
	}
}

// identifies tells whether the caller sees a case where it looks for who is
// who.
func (c *Caller) identifies(area, programme string) bool {
	return slices.ContainsFunc(c.Roles, func(g RoleGrant) bool { return identifying(true)(g) && g.reaches(area, programme) })
}

// Person gives a person by its id, or by the id or the reference of one of its
// cases. It is there for callers who may see one of its cases.
//
// Errors: NotFound person_not_found.
func (s *Store) Person(ctx context.Context, caller *Caller, id string) (*PersonRow, error) {
	areas := caller.identityAreas(true)
	root, err := s.personRoot(ctx, areas, id)
	if err != nil {
		return nil, err
	}
	var people []struct {
		ID     string `db:"id"`
		Number []byte `db:"national_id_hash"`
	}
	if err := s.list(ctx, &people, `SELECT id, national_id_hash FROM persons WHERE id = $1 OR same_as = $1 ORDER BY created_at, id`, root); err != nil {
		return nil, err
	}
	out := &PersonRow{ID: root, Cases: []PersonCase{}}
	for _, p := range people {
		out.People = append(out.People, p.ID)
		if p.Number != nil {
			out.Numbers++ // the hash is unique
		}
	}
	var all []PersonCase
	err = s.list(ctx, &all, `SELECT id, reference, person_id, programme, area, status, submitted_at, paid_at
		FROM cases WHERE person_id = ANY($1) AND submitted_at IS NOT NULL AND reference IS NOT NULL ORDER BY submitted_at DESC, id DESC`,
		pq.Array(out.People))
	for _, c := range all {
		if caller.identifies(c.Area, c.Programme) {
			out.Cases = append(out.Cases, c)
		} else {
			out.Elsewhere++
		}
	}
	if err != nil {
		return nil, err
	}
	if len(out.Cases) == 0 {
		return nil, aid.Refuse(aid.NotFound, "person_not_found")
	}
	return out, s.personPast(ctx, out)
}

// personPast adds who is known to be another, and what was decided.
func (s *Store) personPast(ctx context.Context, out *PersonRow) error {
	err := s.list(ctx, &out.Different, `
		SELECT DISTINCT coalesce(o.same_as, o.id) FROM person_differences d
		JOIN persons o ON o.id = CASE WHEN d.person_id = ANY($1) THEN d.other_id ELSE d.person_id END
		WHERE d.person_id = ANY($1) OR d.other_id = ANY($1) ORDER BY 1`, pq.Array(out.People))
	if err != nil {
		return err
	}
	return s.list(ctx, &out.History, `SELECT id, kind, person_id, other_id, cases, reason, actor, at FROM person_decisions
		WHERE person_id = ANY($1) OR other_id = ANY($1) ORDER BY at DESC, id DESC`, pq.Array(out.People))
}

// rootQuery finds the person that an id of a person or case, or a case's
// reference ($2), stands for, if one of its cases is in the areas $1.
const rootQuery = `
	SELECT r.root FROM (
		SELECT coalesce(same_as, id) AS root FROM persons WHERE id = $2
		UNION SELECT coalesce(p.same_as, p.id) FROM cases c JOIN persons p ON p.id = c.person_id WHERE c.id = $2 OR c.reference = $2) r
	WHERE EXISTS (SELECT 1 FROM persons p JOIN cases c ON c.person_id = p.id
		WHERE (p.id = r.root OR p.same_as = r.root) AND c.area = ANY($1) AND c.submitted_at IS NOT NULL)`

func (s *Store) personRoot(ctx context.Context, areas []string, id string) (string, error) {
	var root string
	err := s.get(ctx, &root, rootQuery, pq.Array(areas), id)
	if aid.KindOf(err) == aid.NotFound {
		err = aid.Refuse(aid.NotFound, "person_not_found")
	}
	return root, err
}
