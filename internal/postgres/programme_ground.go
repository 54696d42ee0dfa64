package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// ProposalFaults compares a definition with the organisation as it is today:
// its calendar, its funds, its areas and its staff. Faults keep it from being
// proposed and published: the version is not the next one
// (version_not_next), unknown_calendar, unknown_fund, fund_currency, a level
// that no area has (no_area_of_level) or that nobody can fill in any area
// (level_without_staff, duties_without_staff). Warnings do not: what cannot be
// filled in some areas only (param areas counts them, area names one), duties
// beside the approvals that nobody has (no_verifier, no_treasurer, no_releaser),
// a first day that has passed (effective_in_past), no fund in its currency.
func (s *Store) ProposalFaults(ctx context.Context, def *programme.Definition) (faults, warnings []aid.Fault, err error) {
	err = s.Write(ctx, func(tx *Tx) (err error) {
		faults, warnings, err = tx.proposalFaults(def)
		return err
	})
	return faults, warnings, err
}

func (tx *Tx) proposalFaults(def *programme.Definition) (faults, warnings []aid.Fault, err error) {
	var next int
	if err := tx.get(&next, `SELECT coalesce(max(version), 0) + 1 FROM programmes WHERE code = $1`, def.Code); err != nil {
		return nil, nil, err
	}
	if def.Version != next {
		faults = append(faults, aid.Fault{Pointer: "/version", Code: "version_not_next", Params: map[string]string{"want": strconv.Itoa(next)}})
	}
	if _, err := tx.Calendar(def.Calendar); aid.CodeOf(err) == "unknown_calendar" {
		faults = append(faults, aid.Fault{Pointer: "/calendar", Code: "unknown_calendar"})
	} else if err != nil {
		return nil, nil, err
	}
	more, err := tx.fundFaults(def)
	if err != nil {
		return nil, nil, err
	}
	faults = append(faults, more...)
	if def.EffectiveFrom < tx.Wall.In(def.Location()).Format(time.DateOnly) {
		warnings = append(warnings, aid.Fault{Pointer: "/effective_from", Code: "effective_in_past"})
	}
	missing, some, err := tx.staffFaults(def)
	return append(faults, missing...), append(warnings, some...), err
}

func (tx *Tx) fundFaults(def *programme.Definition) ([]aid.Fault, error) {
	var funds []struct {
		Code     string `db:"code"`
		Currency string `db:"currency"`
	}
	if err := tx.list(&funds, `SELECT code, currency FROM funds WHERE code = ANY($1)`, pq.Array(def.Funds)); err != nil {
		return nil, err
	}
	var faults []aid.Fault
	for i, code := range def.Funds {
		at := slices.IndexFunc(funds, func(f struct {
			Code     string `db:"code"`
			Currency string `db:"currency"`
		}) bool {
			return f.Code == code
		})
		switch {
		case at < 0:
			faults = append(faults, aid.Fault{Pointer: "/funds/" + strconv.Itoa(i), Code: "unknown_fund"})
		case funds[at].Currency != def.Currency:
			faults = append(faults, aid.Fault{Pointer: "/funds/" + strconv.Itoa(i), Code: "fund_currency"})
		}
	}
	return faults, nil
}

// ground is the organisation as far as a programme stands on it: the areas of
// today with those above them, the areas in which cases may arise, and who
// holds which role where.
type ground struct {
	areas  map[string]groundArea
	leaves []string
	grants map[string][]groundGrant // by area
}

type groundArea struct {
	Code   string  `db:"code"`
	Level  string  `db:"level"`
	Parent *string `db:"parent"`
}

type groundGrant struct {
	Subject string `db:"subject"`
	Area    string `db:"area"`
	grant
}

func (tx *Tx) ground(currency string) (*ground, error) {
	g := &ground{areas: map[string]groundArea{}, grants: map[string][]groundGrant{}}
	var areas []groundArea
	err := tx.list(&areas, `SELECT code, level, parent FROM areas WHERE valid_from <= $1::date AND (valid_to IS NULL OR valid_to > $1::date) ORDER BY code`, tx.Wall)
	if err != nil {
		return nil, err
	}
	above := map[string]bool{}
	for _, a := range areas {
		g.areas[a.Code] = a
		if a.Parent != nil {
			above[*a.Parent] = true
		}
	}
	var funded []string
	if err := tx.list(&funded, `SELECT DISTINCT area FROM funds WHERE currency = $1 AND NOT closing`, currency); err != nil {
		return nil, err
	}
	for _, a := range areas {
		if !above[a.Code] && slices.ContainsFunc(g.up(a.Code), func(code string) bool { return slices.Contains(funded, code) }) {
			g.leaves = append(g.leaves, a.Code)
		}
	}
	var grants []groundGrant
	err = tx.list(&grants, `SELECT r.subject, r.area, r.role, r.level, r.committee, r.chair FROM staff_roles r JOIN staff s USING (subject)
		WHERE s.disabled_at IS NULL ORDER BY r.subject, r.area, r.role, r.level`)
	for _, gr := range grants {
		g.grants[gr.Area] = append(g.grants[gr.Area], gr)
	}
	return g, err
}

// up gives an area and all above it.
func (g *ground) up(code string) []string {
	var out []string
	for a, ok := g.areas[code]; ok && len(out) < 20; a, ok = g.areas[*a.Parent] {
		out = append(out, a.Code)
		if a.Parent == nil {
			break
		}
	}
	return out
}

// able gives those who hold a role in an area or above it, and the chairs
// among them.
func (g *ground) able(area string, role aid.Role, level string, committee bool) (all, chairs []string) {
	for _, code := range g.up(area) {
		for _, gr := range g.grants[code] {
			if gr.Role != role || gr.Level != level || (committee && !gr.Committee) {
				continue
			}
			all = append(all, gr.Subject)
			if gr.Chair {
				chairs = append(chairs, gr.Subject)
			}
		}
	}
	return unique(all), unique(chairs)
}

// posts gives the posts of one level for a case of an area; false when no area
// above has that level.
func (g *ground) posts(area string, level aid.Level) ([]aid.Post, bool) {
	for _, code := range g.up(area) {
		if g.areas[code].Level == level.Name {
			return level.Posts(g.able(code, aid.RoleApprover, level.Name, level.Mode == aid.ModeCommittee)), true
		}
	}
	return nil, false
}

// found collects in how many areas something is wrong.
type found struct {
	aid.Fault
	areas int
	first string
}

// staffFaults looks in every area where a case may arise whether different
// persons can fill all duties of each row of the matrix.
func (tx *Tx) staffFaults(def *programme.Definition) (faults, warnings []aid.Fault, err error) {
	g, err := tx.ground(def.Currency)
	if err != nil {
		return nil, nil, err
	}
	if len(g.leaves) == 0 {
		return nil, []aid.Fault{{Pointer: "/currency", Code: "no_fund"}}, nil
	}
	var all []*found
	add := func(f aid.Fault, area string) {
		for _, one := range all {
			if one.Pointer == f.Pointer && one.Code == f.Code {
				one.areas++
				return
			}
		}
		all = append(all, &found{Fault: f, areas: 1, first: area})
	}
	for _, area := range g.leaves {
		for i, role := range duties() {
			if able, _ := g.able(area, role, "", false); len(able) == 0 {
				add(aid.Fault{Code: [...]string{"no_verifier", "no_treasurer", "no_releaser"}[i]}, area)
			}
		}
	}
	for i, row := range def.Matrix {
		levels := make([]aid.Level, len(row.Levels)) // whatever rules may skip
		for j, l := range row.Levels {
			levels[j] = levelOfMatrix(def, i+1, programme.Placed{Level: l, Place: j + 1})
		}
		for _, area := range g.leaves {
			if len(row.AreaLevels) == 0 || slices.Contains(row.AreaLevels, g.areas[area].Level) {
				g.inspect(i, levels, area, add)
			}
		}
	}
	for _, f := range all {
		f.Params = map[string]string{"areas": strconv.Itoa(f.areas), "area": f.first, "of": strconv.Itoa(len(g.leaves))}
		if f.areas == len(g.leaves) && f.Pointer != "" {
			faults = append(faults, f.Fault)
		} else {
			warnings = append(warnings, f.Fault)
		}
	}
	return faults, warnings, nil
}

// duties are the roles that every case needs besides its approvers.
func duties() []aid.Role { return []aid.Role{aid.RoleVerifier, aid.RoleTreasurer, aid.RoleReleaser} }

// unique gives every value once, in order.
func unique(values []string) []string {
	slices.Sort(values)
	return slices.Compact(values)
}

// inspect looks whether the duties of a case in one area can be filled.
func (g *ground) inspect(row int, levels []aid.Level, area string, add func(aid.Fault, string)) {
	whole := true
	var posts []aid.Post
	for _, role := range duties() {
		able, _ := g.able(area, role, "", false)
		whole = whole && len(able) > 0
		posts = append(posts, aid.Post{Name: string(role), Able: able})
	}
	for j, level := range levels {
		at := fmt.Sprintf("/matrix/%d/levels/%d", row, j)
		seats, there := g.posts(area, level)
		_, unfilled := aid.Unfilled(seats)
		switch {
		case !there:
			add(aid.Fault{Pointer: at + "/name", Code: "no_area_of_level"}, area)
		case unfilled:
			add(aid.Fault{Pointer: at, Code: "level_without_staff"}, area)
		}
		whole = whole && there && !unfilled
		posts = append(posts, seats...)
	}
	if _, unfilled := aid.Unfilled(posts); whole && unfilled {
		add(aid.Fault{Pointer: fmt.Sprintf("/matrix/%d", row), Code: "duties_without_staff"}, area)
	}
}
