package postgres

import (
	"context"
	"slices"
	"sync"

	"github.com/lib/pq"
)

// coverage keeps what lies below the areas of roles and partners: of a country
// it is thousands of codes, and who asks has mostly asked before. It is that of
// one state of the tree of areas, which every caller's query names (area_tree).
type coverage struct {
	mu      sync.Mutex
	version int64
	below   map[string][]string
}

// known gives the lists that are kept for a state of the tree, and which of the
// areas have none.
func (c *coverage) known(version int64, areas []string) (lists map[string][]string, missing []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lists = map[string][]string{}
	for _, area := range areas {
		if list, ok := c.below[area]; ok && c.version == version {
			lists[area] = list
		} else if area != "" {
			missing = append(missing, area)
		}
	}
	return lists, missing
}

// keep adds a list; that of another state puts those of the one before away.
func (c *coverage) keep(version int64, area string, list []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.below == nil || version != c.version {
		c.version, c.below = version, map[string][]string{}
	}
	c.below[area] = list
}

// covers gives the codes at and below each of the areas, in order, as of a
// state of the tree or a later one. The lists are shared: nobody writes into
// them.
func (s *Store) covers(ctx context.Context, version int64, areas []string) (map[string][]string, error) {
	lists, missing := s.below.known(version, areas)
	if len(missing) == 0 {
		return lists, nil
	}
	var rows []struct {
		Area    string         `db:"area"`
		Below   pq.StringArray `db:"below"`
		Version int64          `db:"version"`
	}
	err := s.list(ctx, &rows, `SELECT a.code AS area, (`+areasBelow("a.code")+`) AS below, v.version
		FROM unnest($1::text[]) a (code) CROSS JOIN area_tree v`, pq.Array(missing))
	for _, r := range rows {
		slices.Sort(r.Below)
		lists[r.Area] = slices.Clip(r.Below)
		s.below.keep(r.Version, r.Area, lists[r.Area])
	}
	return lists, err
}
