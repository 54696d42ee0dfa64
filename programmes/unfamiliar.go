package programmes

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// areaLevels are those of the sample areas.
var areaLevels = []string{"province", "district", "commune"}

// Unfamiliar gives what a definition names that the project does not ship, as
// hints with their lines: calendar_not_shipped, means_test_not_shipped,
// repeat_not_shipped, level_not_shipped. An installation may have each of them
// itself, so none is a fault; a slip of the finger looks the same.
func Unfamiliar(d *programme.Definition) ([]aid.Fault, error) {
	shipped, err := All()
	if err != nil {
		return nil, err
	}
	calendars, err := Calendars()
	if err != nil {
		return nil, err
	}
	tests, err := Means()
	if err != nil {
		return nil, err
	}
	h := unfamiliar{line: programme.Lines(d.Text())}
	var known []string
	for _, c := range calendars {
		known = append(known, c.Code)
	}
	h.expect("/calendar", "calendar_not_shipped", d.Calendar, known)
	if d.MeansTest != "" {
		h.expect("/means_test", "means_test_not_shipped", d.MeansTest, slices.Sorted(maps.Keys(tests)))
	}
	h.levels(d)
	h.repeats(d, shipped)
	return h.hints, nil
}

type unfamiliar struct {
	line  func(pointer string) int
	hints []aid.Fault
}

func (h *unfamiliar) expect(pointer, code, name string, known []string) {
	if slices.Contains(known, name) {
		return
	}
	h.hints = append(h.hints, aid.Fault{Pointer: pointer, Code: code,
		Params: map[string]string{"line": strconv.Itoa(h.line(pointer)), "known": strings.Join(known, ", ")}})
}

func (h *unfamiliar) levels(d *programme.Definition) {
	for i, row := range d.Matrix {
		for j, level := range row.AreaLevels {
			h.expect(fmt.Sprintf("/matrix/%d/area_levels/%d", i, j), "level_not_shipped", level, areaLevels)
		}
		for j, level := range row.Levels {
			h.expect(fmt.Sprintf("/matrix/%d/levels/%d/name", i, j), "level_not_shipped", level.Name, areaLevels)
		}
	}
}

// repeats looks at codes of programmes. Examples count: they are there to be
// published.
func (h *unfamiliar) repeats(d *programme.Definition, shipped []*programme.Definition) {
	known := []string{d.Code}
	for _, s := range shipped {
		known = append(known, s.Code)
	}
	for i, rule := range d.Repeat {
		for j, code := range rule.Of {
			if _, err := Example(code); err == nil {
				continue
			}
			h.expect(fmt.Sprintf("/repeat/%d/of/%d", i, j), "repeat_not_shipped", code, known)
		}
	}
}
