package programme

import (
	"fmt"
	"slices"
)

// Way is the way of a case through the approval matrix.
type Way struct {
	Row     int      // of the matrix, from 1; 0: none fits, and nothing may be awarded
	Levels  []Placed // to pass, in order
	Skipped []Placed // not to pass, because a rule says so
}

// Placed is a level with its place in its row, from 1. It is parallel when it
// is asked together with the level before it on the way.
type Placed struct {
	Level
	Place int
}

// Way gives the levels that must approve an amount in minor units, by the facts
// of the case: the first row that fits amount and area, without the levels that
// its rules skip. No level is left when the amount may not be awarded.
//
// Errors: Invalid rule_failed (param rule: its place in the definition).
func (d *Definition) Way(f Facts, amount int64) (Way, error) {
	row := d.row(amount, f.Area.Level)
	if row < 0 {
		return Way{}, nil
	}
	var vars map[string]any
	if d.Matrix[row].skips() {
		var err error
		if vars, err = d.rules.variables(f); err != nil {
			return Way{}, ruleFailed("facts", err)
		}
	}
	out, group, last := Way{Row: row + 1}, 0, -1
	for i, level := range d.Matrix[row].Levels {
		if !level.Parallel {
			group = i
		}
		placed := Placed{Level: level, Place: i + 1}
		if skip := d.rules.skips[skipPlace(row, i)]; skip != nil {
			skipped, err := skip.truth(vars)
			if err != nil {
				return Way{}, ruleFailed(skipPlace(row, i), err)
			}
			if skipped {
				out.Skipped = append(out.Skipped, placed)
				continue
			}
		}
		placed.Parallel = group == last
		last = group
		out.Levels = append(out.Levels, placed)
	}
	return out, nil
}

// Levels gives the levels that must approve an amount in a case of an area
// level when no rule skips one; none for an amount that may not be awarded.
func (d *Definition) Levels(amount int64, areaLevel string) []Level {
	if row := d.row(amount, areaLevel); row >= 0 {
		return slices.Clone(d.Matrix[row].Levels)
	}
	return nil
}

// JudgesLevels tells whether the levels depend on more than the amount: only
// then Way looks at the facts.
func (d *Definition) JudgesLevels() bool {
	return slices.ContainsFunc(d.Matrix, func(r Range) bool { return len(r.AreaLevels) > 0 || r.skips() })
}

// row gives the place of the row that decides; -1 for none.
func (d *Definition) row(amount int64, areaLevel string) int {
	if amount <= 0 || amount > d.Ceiling {
		return -1
	}
	return slices.IndexFunc(d.Matrix, func(r Range) bool {
		return (r.UpTo == nil || amount <= *r.UpTo) && r.fits(areaLevel)
	})
}

// Bounds gives the amounts, in minor units, of a row with a place from 0: above
// the first and up to the second. Rows before it count that hold in the same
// areas.
func (d *Definition) Bounds(row int) (above, upTo int64) {
	of := d.Matrix[row]
	for _, before := range d.Matrix[:row] {
		all := !slices.ContainsFunc(of.AreaLevels, func(level string) bool { return !before.fits(level) })
		if before.UpTo != nil && (len(before.AreaLevels) == 0 || (len(of.AreaLevels) > 0 && all)) {
			above = max(above, *before.UpTo)
		}
	}
	if of.UpTo == nil {
		return above, d.Ceiling
	}
	return above, *of.UpTo
}

// fits tells whether a row is for cases of an area level.
func (r Range) fits(areaLevel string) bool {
	return len(r.AreaLevels) == 0 || slices.Contains(r.AreaLevels, areaLevel)
}

func (r Range) skips() bool {
	return slices.ContainsFunc(r.Levels, func(l Level) bool { return l.Skip != "" })
}

// skipPlace points to a skip condition in its definition.
func skipPlace(row, level int) string { return fmt.Sprintf("/matrix/%d/levels/%d/skip", row, level) }
