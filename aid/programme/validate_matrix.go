package programme

import (
	"fmt"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"

	"github.com/aidflow/aidflow/aid"
)

func (s *source) validateMatrix(d *Definition) {
	if len(d.Matrix) == 0 {
		s.fault("/matrix", "required")
		return
	}
	reached := s.validateRows(d)
	for i, row := range d.Matrix {
		pointer := fmt.Sprintf("/matrix/%d", i)
		top := d.Ceiling
		if row.UpTo != nil {
			top = *row.UpTo
		}
		if reached[i] && top > d.Ceiling {
			s.fault(pointer+"/up_to", "above_ceiling")
		}
		s.codes(pointer+"/area_levels", row.AreaLevels)
		s.validateLevels(pointer+"/levels", row.Levels, top)
	}
}

// validateRows wants rows that leave nobody without a level and that are all
// used: for every area level the rows that fit it cover every amount up to the
// ceiling, and each row is the first that fits for some case. It tells which
// rows are reached.
func (s *source) validateRows(d *Definition) []bool {
	reached, told := make([]bool, len(d.Matrix)), map[string]bool{}
	behind := map[int]int{} // a row that is not reached -> the open one before it
	for _, areaLevel := range d.areaLevels() {
		below, open, last := int64(0), -1, -1
		for i, row := range d.Matrix {
			if !row.fits(areaLevel) {
				continue
			}
			last = i
			switch {
			case open >= 0:
				behind[i] = open
			case row.UpTo == nil:
				reached[i], open = true, i
			case *row.UpTo > below:
				reached[i], below = true, *row.UpTo
			}
		}
		switch {
		case last < 0:
			s.faultOnce(told, fmt.Sprintf("/matrix/%d/area_levels", len(d.Matrix)-1), "area_levels_open")
		case open < 0 && below < d.Ceiling:
			s.faultOnce(told, fmt.Sprintf("/matrix/%d/up_to", last), "below_ceiling")
		}
	}
	for i := range d.Matrix {
		open, isBehind := behind[i]
		switch {
		case reached[i]:
		case isBehind:
			s.faultOnce(told, fmt.Sprintf("/matrix/%d/up_to", open), "only_last_open")
		default:
			s.faultOnce(told, fmt.Sprintf("/matrix/%d/up_to", i), "not_ascending")
		}
	}
	return reached
}

// areaLevels gives the area levels that the matrix names, and "" for all
// others.
func (d *Definition) areaLevels() []string {
	levels := []string{""}
	for _, row := range d.Matrix {
		levels = append(levels, row.AreaLevels...)
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

func (s *source) faultOnce(told map[string]bool, pointer, code string) {
	if !told[pointer] {
		told[pointer] = true
		s.fault(pointer, code)
	}
}

// validateLevels wants somebody who decides whatever the facts are.
func (s *source) validateLevels(pointer string, levels []Level, top int64) {
	if len(levels) == 0 {
		s.fault(pointer, "required")
	} else if !slices.ContainsFunc(levels, func(l Level) bool { return l.Skip == "" }) {
		s.fault(pointer, "all_skipped")
	}
	seen := map[string]bool{}
	for i, level := range levels {
		place := fmt.Sprintf("%s/%d", pointer, i)
		s.code(place+"/name", level.Name)
		s.once(seen, place+"/name", level.Name)
		if i == 0 && level.Parallel {
			s.fault(place+"/parallel", "parallel_to_nothing")
		}
		s.validateMode(place, level)
		s.validateLimit(place+"/limit", level, top)
	}
}

// validateLimit refuses a limit under which a committee could approve nothing
// of the larger cases: it votes on one amount and lowers none.
func (s *source) validateLimit(pointer string, level Level, top int64) {
	if level.Limit < 0 {
		s.fault(pointer, "not_positive")
	}
	if level.Limit > 0 && level.Limit < top && level.Mode == ModeCommittee {
		s.faultWith(pointer, "limit_below_row", map[string]string{"limit": strconv.FormatInt(top, 10)})
	}
}

// validateMode refuses what the mode would not use: whoever wrote it believes
// in a rule that does not exist.
func (s *source) validateMode(pointer string, level Level) {
	committee := level.Mode == ModeCommittee
	if !slices.Contains([]Mode{ModeAny, ModeNOfM, ModeCommittee}, level.Mode) {
		s.fault(pointer+"/mode", "mode_unknown")
		return
	}
	s.numberIf(level.Mode == ModeNOfM, pointer+"/n", level.N)
	s.numberIf(committee, pointer+"/quorum", level.Quorum)
	if level.Chair && !committee {
		s.fault(pointer+"/chair", "not_in_this_mode")
	}
	s.wordIf(committee, pointer+"/decides", level.Decides, aid.DecidesMajority, aid.DecidesUnanimity)
	s.wordIf(committee && level.Decides != aid.DecidesUnanimity, pointer+"/tie", level.Tie, aid.TieChair, aid.TieRejected, aid.TieOpen)
	s.wordIf(level.Mode != ModeAny, pointer+"/one_rejection", level.OneRejection, aid.RejectionVeto, aid.RejectionVote)
}

// wordIf wants one of some words, or none; where it is not wanted, none.
func (s *source) wordIf(wanted bool, pointer, word string, known ...string) {
	switch {
	case word == "":
	case !wanted:
		s.fault(pointer, "not_in_this_mode")
	case !slices.Contains(known, word):
		s.faultWith(pointer, "word_unknown", among(known))
	}
}

// maxPeople is the most people that a level may ask for: a larger number is a
// slip of the finger that nobody could ever fill.
const maxPeople = 30

func (s *source) numberIf(wanted bool, pointer string, n int) {
	if wanted && n < 1 {
		s.fault(pointer, "not_positive")
	}
	if wanted && n > maxPeople {
		s.faultWith(pointer, "too_large", map[string]string{"limit": strconv.Itoa(maxPeople)})
	}
	if !wanted && n != 0 {
		s.fault(pointer, "not_in_this_mode")
	}
}

// validateSkips compiles the conditions under which levels are not asked.
func (s *source) validateSkips(d *Definition, env *cel.Env) {
	for i, row := range d.Matrix {
		for j, level := range row.Levels {
			if r := s.rule(d, env, skipPlace(i, j), level.Skip, cel.BoolType); r != nil {
				if d.rules.skips == nil {
					d.rules.skips = map[string]*rule{}
				}
				d.rules.skips[skipPlace(i, j)] = r
			}
		}
	}
}
