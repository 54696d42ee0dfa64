package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
)

// AreaChange says who changes areas, and how far that person reaches.
type AreaChange struct {
	Actor  string
	Within []string // codes of the areas that may be changed; nil: all
	DryRun bool     // report what would happen, and change nothing
}

// AreaReport is what a list of areas changes, and what follows it.
type AreaReport struct {
	Rows    int // of the list
	Begun   int // periods that were not there
	Changed int // periods whose name, end or, before they begin, anything is different now
	Same    int // rows that say what is known
	Links   int // new links from successors to predecessors
	Moved   AreaMoves
}

// ImportAreas takes a list of areas, all of it or nothing, and in the same
// transaction brings into effect what begins today or has begun: see
// ApplyAreas. A list that comes twice is taken once.
//
// Errors: Invalid with all faults of area.Tree.Plan, and code wrong_area for
// a row outside the caller's areas.
func (s *Store) ImportAreas(ctx context.Context, rows []area.Row, by AreaChange) (AreaReport, error) {
	var report AreaReport
	dry := errors.New("dry run")
	err := s.Write(ctx, func(tx *Tx) error {
		report = AreaReport{Rows: len(rows)}
		if err := tx.lockAreas(); err != nil {
			return err
		}
		tree, err := tx.areaTree()
		if err != nil {
			return err
		}
		change, faults := tree.Plan(rows, tx.today())
		faults = inOrder(rows, append(faults, outside(tree, rows, by.Within)...))
		if err := aid.RefuseAll(faults); err != nil {
			return err
		}
		report.Begun, report.Changed, report.Same, report.Links = len(change.Begun), len(change.Changed), change.Same, len(change.Links)
		if err := tx.writeAreas(tree, change); err != nil {
			return err
		}
		if report.Moved, err = tx.applyAreas(change.After, by.Actor); err != nil {
			return err
		}
		if by.DryRun {
			return dry
		}
		return tx.AddAudit(by.Actor, "change_areas", "areas", "done", "")
	})
	if errors.Is(err, dry) {
		err = nil
	}
	return report, err
}

// lockAreas lets one change of areas happen at a time. The lock is that of the
// triggers.
func (tx *Tx) lockAreas() error {
	_, err := tx.exec(`SELECT pg_advisory_xact_lock(hashtextextended('areas', 0))`)
	return err
}

// today is the business date, as the dates of area periods are.
func (tx *Tx) today() time.Time {
	y, m, d := tx.Wall.In(areaZone()).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// inOrder brings faults into the order of the rows that they are in.
func inOrder(rows []area.Row, faults []aid.Fault) []aid.Fault {
	places := map[string]int{}
	for i, row := range rows {
		places[row.Place] = i
	}
	rowOf := func(f aid.Fault) int {
		place := f.Pointer
		for place != "" {
			if i, is := places[place]; is {
				return i
			}
			place = place[:max(strings.LastIndex(place, "/"), 0)]
		}
		return -1
	}
	slices.SortFunc(faults, func(a, b aid.Fault) int {
		return cmp.Or(cmp.Compare(rowOf(a), rowOf(b)), cmp.Compare(a.Pointer, b.Pointer), cmp.Compare(a.Code, b.Code))
	})
	return faults
}

// outside names the rows that reach beyond some areas: one of another's, one
// that lies in another's, one that takes another's place. A new area is where
// its parent is.
func outside(tree *area.Tree, rows []area.Row, within []string) []aid.Fault {
	if within == nil {
		return nil
	}
	parents := map[string]string{}
	for _, row := range rows {
		if tree.Periods[row.Code] == nil && row.Parent != row.Code {
			parents[row.Code] = row.Parent
		}
	}
	inside := func(code string) bool {
		for range len(parents) {
			if parent, isNew := parents[code]; isNew {
				code = parent
			}
		}
		return slices.Contains(within, code)
	}
	var faults []aid.Fault
	for _, row := range rows {
		named := []struct{ column, code string }{{"code", row.Code}}
		if row.Parent != "" {
			named = append(named, struct{ column, code string }{"parent", row.Parent})
		}
		for i, p := range row.Predecessors {
			named = append(named, struct{ column, code string }{"predecessors/" + strconv.Itoa(i), p.Code})
		}
		for _, n := range named {
			if !inside(n.code) {
				faults = append(faults, aid.Fault{Pointer: row.Place + "/" + n.column, Code: "wrong_area"})
			}
		}
	}
	return faults
}

// areaTree reads everything that is known about areas.
func (tx *Tx) areaTree() (*area.Tree, error) {
	var periods []struct {
		Area   string     `db:"area"`
		From   time.Time  `db:"valid_from"`
		To     *time.Time `db:"valid_to"`
		Name   string     `db:"name"`
		Level  string     `db:"level"`
		Parent string     `db:"parent"`
		Urban  bool       `db:"urban"`
	}
	err := tx.list(&periods, `SELECT area, valid_from, valid_to, name, level, coalesce(parent, '') AS parent, urban FROM area_periods ORDER BY area, valid_from`)
	if err != nil {
		return nil, err
	}
	tree := &area.Tree{Periods: map[string][]area.Period{}}
	for _, p := range periods {
		one := area.Period{From: p.From.UTC(), Name: p.Name, Level: p.Level, Parent: p.Parent, Urban: p.Urban}
		if p.To != nil {
			one.To = p.To.UTC()
		}
		tree.Periods[p.Area] = append(tree.Periods[p.Area], one)
	}
	var links []struct {
		Area        string    `db:"area"`
		Predecessor string    `db:"predecessor"`
		At          time.Time `db:"at"`
		Kind        area.Kind `db:"kind"`
		Takes       bool      `db:"takes"`
	}
	err = tx.list(&links, `SELECT area, predecessor, at, kind, takes FROM area_predecessors ORDER BY area, at, predecessor`)
	for _, l := range links {
		tree.Links = append(tree.Links, area.Link{Area: l.Area, Predecessor: l.Predecessor, At: l.At.UTC(), Kind: l.Kind, Takes: l.Takes})
	}
	return tree, err
}

// columns collects rows as one array for each column.
type columns struct {
	code, from, to, name, level, parent []string
	urban                               []bool
}

func (c *columns) add(d area.Dated) {
	c.code, c.name, c.level, c.parent = append(c.code, d.Code), append(c.name, d.Name), append(c.level, d.Level), append(c.parent, d.Parent)
	c.from, c.to, c.urban = append(c.from, dayText(d.From)), append(c.to, dayText(d.To)), append(c.urban, d.Urban)
}

func (c *columns) args() []any {
	return []any{pq.Array(c.code), pq.Array(c.from), pq.Array(c.to), pq.Array(c.name), pq.Array(c.level), pq.Array(c.parent), pq.Array(c.urban)}
}

func dayText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.DateOnly)
}

// dated is the table of the arguments that columns gives.
const dated = `(SELECT code, valid_from::date, nullif(valid_to, '')::date AS valid_to, name, level, nullif(parent, '') AS parent, urban
	FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::boolean[])
	AS r (code, valid_from, valid_to, name, level, parent, urban)) r`

// writeAreas writes what has changed: ends first, so that what begins finds
// its place; all rows of a kind in one statement, so that their order does not
// matter.
func (tx *Tx) writeAreas(before *area.Tree, change area.Change) error {
	var changed, areas, periods columns
	for _, d := range change.Changed {
		changed.add(d)
	}
	for _, d := range change.Begun {
		known := len(before.Periods[d.Code]) > 0
		if !known && change.After.Periods[d.Code][0].From.Equal(d.From) { // the trigger writes its first period
			areas.add(d)
		} else {
			periods.add(d)
		}
	}
	_, err := tx.exec(`UPDATE area_periods p SET valid_to = r.valid_to, name = r.name, level = r.level, parent = r.parent, urban = r.urban
		FROM `+dated+` WHERE p.area = r.code AND p.valid_from = r.valid_from`, changed.args()...)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO areas (code, valid_from, valid_to, name, level, parent, urban)
		SELECT r.code, r.valid_from, r.valid_to, r.name, r.level, r.parent, r.urban FROM `+dated, areas.args()...)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO area_periods (area, valid_from, valid_to, name, level, parent, urban)
		SELECT r.code, r.valid_from, r.valid_to, r.name, r.level, r.parent, r.urban FROM `+dated, periods.args()...)
	if err != nil {
		return err
	}
	return tx.writeLinks(change.Links)
}

// writeLinks writes links: those that take nothing first, so that a target
// gives way before there is another.
func (tx *Tx) writeLinks(links []area.Link) error {
	for _, takes := range []bool{false, true} {
		var successor, predecessor, at, kind []string
		for _, l := range links {
			if l.Takes == takes {
				successor, predecessor = append(successor, l.Area), append(predecessor, l.Predecessor)
				at, kind = append(at, dayText(l.At)), append(kind, string(l.Kind))
			}
		}
		_, err := tx.exec(`INSERT INTO area_predecessors (area, predecessor, at, kind, takes)
			SELECT area, predecessor, at::date, kind, $5::boolean FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS l (area, predecessor, at, kind)
			ON CONFLICT (area, at, predecessor) DO UPDATE SET kind = excluded.kind, takes = excluded.takes`,
			pq.Array(successor), pq.Array(predecessor), pq.Array(at), pq.Array(kind), takes)
		if err != nil {
			return err
		}
	}
	return nil
}
