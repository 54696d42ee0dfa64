package programme

import (
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Began tells whether the version holds or has held at an instant: its first
// day has come in its own time zone.
func (d *Definition) Began(at time.Time) bool {
	return d.EffectiveFrom <= d.day(at)
}

// Ended tells whether its last day is over at an instant; one without an end
// never ends.
func (d *Definition) Ended(at time.Time) bool {
	return d.EffectiveTo != "" && d.EffectiveTo <= d.day(at)
}

func (d *Definition) day(at time.Time) string { return at.In(d.Location()).Format(time.DateOnly) }

// Published is a published version, with what decides whether it applies.
type Published struct {
	*Definition
	RecalledAt *time.Time // nil while it is not recalled
}

// Current gives the version that a case submitted at an instant is pinned to:
// of those that hold on that day in their own time zones, the one with the
// highest number. One that was recalled before its first day has never been.
//
// Errors: Conflict programme_closed when that version is recalled;
// programme_not_in_force when none holds.
func Current(versions []Published, at time.Time) (*Definition, error) {
	var newest *Published
	for i, v := range versions {
		never := v.RecalledAt != nil && !v.Began(*v.RecalledAt)
		if never || !v.Began(at) || v.Ended(at) || (newest != nil && newest.Version > v.Version) {
			continue
		}
		newest = &versions[i]
	}
	switch {
	case newest == nil:
		return nil, aid.Refuse(aid.Conflict, "programme_not_in_force")
	case newest.RecalledAt != nil:
		return nil, aid.Refuse(aid.Conflict, "programme_closed")
	}
	return newest.Definition, nil
}

// Standing is what a version is at an instant.
type Standing string

// The standings of a published version.
const (
	Scheduled  Standing = "scheduled"  // its first day has not come
	InForce    Standing = "in_force"   // new cases are pinned to it
	Superseded Standing = "superseded" // a newer one is in force
	Expired    Standing = "expired"    // its last day is over
	Recalled   Standing = "recalled"   // two administrators have recalled it
)

// Standings gives what each version is at an instant, in the order given.
func Standings(versions []Published, at time.Time) []Standing {
	current, _ := Current(versions, at)
	var out []Standing
	for _, v := range versions {
		out = append(out, v.standing(current, at))
	}
	return out
}

func (v Published) standing(current *Definition, at time.Time) Standing {
	switch {
	case v.RecalledAt != nil:
		return Recalled
	case !v.Began(at):
		return Scheduled
	case v.Ended(at):
		return Expired
	case v.Definition == current:
		return InForce
	}
	return Superseded
}
