package postgres

import (
	"context"
	"slices"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// PastFacts are the facts on which a case was judged last.
type PastFacts struct {
	CaseID    string
	Reference string
	Version   int // of the programme that judged them
	Facts     programme.Facts
}

// Cursor gives the row's place in the list.
func (p PastFacts) Cursor() Cursor { return Cursor{Sort: p.CaseID, ID: p.CaseID} }

// PastFacts gives the facts of the cases of a programme in the areas of the
// caller, newest case first, for trying rules on them. Nobody sees them: the
// look is audited once, as a simulation.
func (s *Store) PastFacts(ctx context.Context, caller *Caller, code string, p Page) ([]PastFacts, error) {
	areas := caller.coveredBy(func(g RoleGrant) bool {
		return slices.Contains([]aid.Role{aid.RoleAdmin, aid.RoleManager, aid.RoleAuditor}, g.Role)
	}, code)
	var out []PastFacts
	err := s.Write(ctx, func(tx *Tx) error {
		out = nil
		var rows []struct {
			CaseID    string `db:"case_id"`
			Reference string `db:"reference"`
			Round     int    `db:"round"`
			Review    int    `db:"review"`
			Phase     string `db:"phase"`
			Version   int    `db:"programme_version"`
			Sealed    []byte `db:"sealed"`
		}
		err := tx.list(&rows, `
			SELECT f.case_id, coalesce(c.reference, '') AS reference, f.round, f.review, f.phase, f.programme_version, f.sealed
			FROM (SELECT id, reference FROM cases WHERE programme = $1 AND area = ANY($2) AND ($3 = '' OR id < $3)
			        AND EXISTS (SELECT 1 FROM case_facts WHERE case_id = cases.id) ORDER BY id DESC LIMIT $4) c
			CROSS JOIN LATERAL (SELECT * FROM case_facts WHERE case_id = c.id ORDER BY at DESC, review DESC, phase DESC LIMIT 1) f
			ORDER BY f.case_id DESC`, code, pq.Array(areas), p.After.ID, p.limit())
		if err != nil {
			return err
		}
		for _, r := range rows {
			past := PastFacts{CaseID: r.CaseID, Reference: r.Reference, Version: r.Version}
			if err := tx.open("case_facts", "sealed", factsRow(r.CaseID, r.Round, r.Review, r.Phase), r.Sealed, &past.Facts); err != nil {
				return err
			}
			out = append(out, past)
		}
		return tx.AddAudit(caller.Actor(), "simulate_programme", code, "done", "")
	})
	return out, err
}
