package postgres

import (
	"encoding/json"
	"slices"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// A caller's sight is which cases exist for it. A partner sees its own; staff
// those of the areas and programmes of their roles, own or lent, and in their
// areas also those in which they have a duty or a task in hand, whatever the
// programme: who was asked for advice is to know about what. An administrator
// sees no cases, only repairs.

// seesCase is the wall between callers, for queries of cases c. The condition
// takes its argument as $2.
func (c *Caller) seesCase() (condition string, argument any) {
	if c.Partner() {
		return `c.partner_id = $2`, c.ID
	}
	return c.sight(`$2`, `c.area`, `c.programme`, `c.id`, ``)
}

// seesTask is seesCase for tasks t, with its argument as $3. A partner sees
// what its own cases wait for, not the office's work on them.
func (c *Caller) seesTask() (condition string, argument any) {
	if c.Partner() {
		return `c.partner_id = $3 AND t.kind = 'provide_information'`, c.ID
	}
	return c.sight(`$3`, `t.area`, `t.programme`, `t.case_id`, `t.kind`)
}

// scope is the argument of a sight that is more than areas.
type scope struct {
	Areas  []string            `json:"areas"`  // in which it sees any case
	Whole  []string            `json:"whole"`  // in which it sees all
	Some   map[string][]string `json:"some"`   // by programme, the areas in which it sees those of it
	Admin  []string            `json:"admin"`  // that it administers
	Person string              `json:"person"` // itself
}

// sight gives the condition for rows of which area, programme and case are
// given, and its one argument, which the condition knows as parameter. kind is
// the column with the kind of a task; "" when the rows are no tasks. For most
// it is their areas; the rest is asked for who has a role for some programmes
// only, or administers.
func (c *Caller) sight(parameter, area, programme, caseID, kind string) (condition string, argument any) {
	admin := c.AdminAreas()
	if kind == "" {
		admin = nil
	}
	if !c.bounded() && len(admin) == 0 {
		return area + ` = ANY(` + parameter + `)`, pq.Array(c.CaseAreas())
	}
	s := scope{Areas: c.CaseAreas(), Whole: c.coveredBy(showing, ""), Some: map[string][]string{}, Admin: admin, Person: c.Actor()}
	for _, g := range c.Roles {
		for _, p := range g.Programmes {
			s.Some[p] = c.coveredBy(showing, p)
		}
	}
	condition = areasOf(area, parameter, "areas") + ` AND (` + areasOf(area, parameter, "whole") + `
		OR (` + programme + `, ` + area + `) IN (SELECT p.key, a.code FROM jsonb_each(` + parameter + `::jsonb -> 'some') p, jsonb_array_elements_text(p.value) a (code))
		OR EXISTS (SELECT 1 FROM case_duties y WHERE y.case_id = ` + caseID + ` AND y.person = ` + parameter + `::jsonb ->> 'person')
		OR EXISTS (SELECT 1 FROM tasks y WHERE y.case_id = ` + caseID + ` AND y.closed_at IS NULL AND y.assignee = ` + parameter + `::jsonb ->> 'person'))`
	if kind != "" {
		condition = `(` + condition + ` OR ` + kind + ` = 'repair_configuration' AND ` + areasOf(area, parameter, "admin") + `)`
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		panic(err) // texts only
	}
	return condition, string(encoded)
}

func areasOf(column, parameter, list string) string {
	return column + ` = ANY(ARRAY(SELECT jsonb_array_elements_text(nullif(` + parameter + `::jsonb -> '` + list + `', 'null'))))`
}

// showing are the grants that show cases: every one but those of administrators.
func showing(g RoleGrant) bool { return g.Role != aid.RoleAdmin }

// bounded tells whether a grant that shows cases does so for some programmes
// only.
func (c *Caller) bounded() bool {
	return slices.ContainsFunc(c.Roles, func(g RoleGrant) bool { return showing(g) && len(g.Programmes) > 0 })
}

// holds tells whether a grant holds for a programme; for "", whether for all.
func (g RoleGrant) holds(programme string) bool {
	return len(g.Programmes) == 0 || slices.Contains(g.Programmes, programme)
}

// coveredBy gives the areas of the fitting grants that hold for a programme.
func (c *Caller) coveredBy(fits func(RoleGrant) bool, programme string) []string {
	return c.coveredFor(func(g RoleGrant) bool { return fits(g) && g.holds(programme) })
}

// HasFor tells whether the caller itself holds one of the roles in an area for
// a programme: for acts on a case.
func (c *Caller) HasFor(area, programme string, roles ...aid.Role) bool {
	return slices.ContainsFunc(c.Roles, func(g RoleGrant) bool {
		return g.Behalf == "" && slices.Contains(roles, g.Role) && g.reaches(area, programme)
	})
}

// Reads tells whether the caller may read, in one of the roles, what a case
// that it sees keeps: by a role of its own or a lent one. Who sees the case
// for a duty or task alone reads in the roles of the area.
func (c *Caller) Reads(area, programme string, roles ...aid.Role) bool {
	sees := slices.ContainsFunc(c.Roles, func(g RoleGrant) bool { return showing(g) && g.reaches(area, programme) })
	return slices.ContainsFunc(c.Roles, func(g RoleGrant) bool {
		return slices.Contains(roles, g.Role) && slices.Contains(g.Covers, area) && (!sees || g.holds(programme))
	})
}

// seesPersonal tells whether the personal data of a case that the caller sees
// is open to it: an auditor sees it masked.
func (c *Caller) seesPersonal(area, programme string) bool {
	return c.Reads(area, programme, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleManager)
}

func (g RoleGrant) reaches(area, programme string) bool {
	return g.holds(programme) && slices.Contains(g.Covers, area)
}
