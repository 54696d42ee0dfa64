package postgres

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"
)

// TaskCount is how many tasks of one queue a view holds.
type TaskCount struct {
	View      View   `db:"view"`
	Kind      string `db:"kind"`
	Level     string `db:"level"`
	Open      int    `db:"open"` // open or claimed
	Unclaimed int    `db:"unclaimed"`
	Overdue   int    `db:"overdue"`
	AtRisk    int    `db:"at_risk"`
	Undated   int    `db:"undated"` // without a deadline
}

// TaskCounts is what the caller's inbox holds, as of an instant: the counts
// are exact. What the caller has itself is of now.
type TaskCounts struct {
	AsOf time.Time
	By   []TaskCount // of the views mine, group, all and "", the inbox itself
}

const countedColumns = `count(*) AS open, count(*) FILTER (WHERE t.assignee IS NULL OR t.lapses_at <= $1) AS unclaimed,
	count(*) FILTER (WHERE ` + openSLA + ` = 'breached') AS overdue, count(*) FILTER (WHERE ` + openSLA + ` = 'at_risk') AS at_risk,
	count(*) FILTER (WHERE t.due_at IS NULL) AS undated`

// countText counts along the indexes of the inbox, from front to end: with
// distinct those that several reaches of a view reach once, and with filtered
// those alone that pass the filter.
func countText(distinct, filtered bool) string {
	once, filter, fits := ``, ``, reachFits
	if distinct {
		once = `DISTINCT ON (k.view, t.id)`
	}
	if filtered {
		filter, fits = `, filter f`, inboxFits
	}
	return inboxReach + inboxKeys + `
		SELECT view, kind, CASE WHEN kind = 'approve' THEN substr(queue, 9) ELSE '' END AS level, ` + countedColumns + `
		FROM (SELECT ` + once + ` k.view, t.* FROM key k CROSS JOIN LATERAL (` + overIndexes(func(i inboxIndex) string {
		return `(SELECT t.id, t.kind, t.queue, t.ranks_at, t.due_at, t.warned_at, t.breached_at, t.assignee, t.lapses_at FROM tasks t` + filter + `
			WHERE ` + i.when + ` AND t.closed_at IS NULL AND ` + i.rows + fits + `)`
	}) + `) t) t
		WHERE $2::text IS NOT NULL GROUP BY view, kind, queue ORDER BY view, kind, queue`
}

var countTexts = map[[2]bool]string{
	{false, false}: countText(false, false), {true, false}: countText(true, false), {false, true}: countText(false, true), {true, true}: countText(true, true),
}

const countMine = inboxReach + `
	SELECT 'mine' AS view, t.kind, CASE WHEN t.kind = 'approve' THEN t.level ELSE '' END AS level, ` + countedColumns + `
	FROM tasks t, filter f WHERE t.closed_at IS NULL AND t.assignee = f.assignee AND coalesce(t.lapses_at > $1, true)
	  AND EXISTS (SELECT 1 FROM scope k WHERE k.area = ANY(t.path) AND (k.queue = '' OR k.queue = t.queue)` + inboxFits + `)
	GROUP BY 2, 3 ORDER BY 2, 3`

// CountTasks counts the caller's inbox, by views and queues. Of the filter it
// heeds programme, area, kind, level and amounts. Counts of many
// tasks are told again for a quarter of a minute, but for what the caller has
// itself.
func (s *Store) CountTasks(ctx context.Context, caller *Caller, f TaskFilter) (TaskCounts, error) {
	q := countOf(caller, f)
	counts, err := s.counts.of(q.name, s.Now(), func() (TaskCounts, error) {
		c := TaskCounts{AsOf: s.Now()}
		return c, s.listPrepared(ctx, &c.By, q.text, q.args(c.AsOf, caller, q.reaches, q.views)...)
	})
	if err != nil {
		return counts, err
	}
	mine := narrowed(caller.reaches(ViewMine), f.Kind, f.Level)
	by := []TaskCount{}
	if err := s.listPrepared(ctx, &by, countMine, q.args(s.Now(), caller, mine, make([]string, len(mine)))...); err != nil {
		return counts, err
	}
	for _, c := range counts.By {
		c.View = View(strings.TrimPrefix(string(c.View), "view:"))
		by = append(by, c)
		for v, other := range q.same {
			if c.View == other {
				again := c
				again.View = v
				by = append(by, again)
			}
		}
	}
	counts.By = by
	return counts, nil
}

// inboxCount is a count as asked for: views that hold the same are counted
// once.
type inboxCount struct {
	filter  TaskFilter
	text    string
	name    string // of what is counted: the same for who has the same reaches
	reaches []reach
	views   []string
	same    map[View]View
}

func countOf(caller *Caller, f TaskFilter) inboxCount {
	q := inboxCount{filter: f, same: map[View]View{}}
	seen, distinct := map[string]View{}, false
	for _, v := range []View{"", ViewGroup, ViewAll} {
		some := narrowed(caller.reaches(v), f.Kind, f.Level)
		name := nameOf(some)
		if other, there := seen[name]; there {
			q.same[v] = other
			continue
		}
		seen[name] = v
		distinct = distinct || caller.overlap(some)
		for _, r := range some {
			q.reaches, q.views = append(q.reaches, r), append(q.views, "view:"+string(v))
		}
		q.name += string(v) + "\x02" + name
	}
	filtered := f.Programme != "" || f.MinAmount > 0 || f.MaxAmount != nil || f.OpenedAfter != nil || f.OpenedBefore != nil
	q.text = countTexts[[2]bool{distinct, filtered}]
	q.name += strings.Join([]string{f.Kind, f.Level, f.Area, f.Programme, strconv.FormatInt(f.MinAmount, 10), strconv.FormatInt(f.most(), 10),
		instantOr(f.OpenedAfter, ever), instantOr(f.OpenedBefore, never)}, "\x03")
	return q
}

func (q inboxCount) args(at time.Time, caller *Caller, reaches []reach, views []string) []any {
	f := q.filter
	args := append([]any{at, caller.Actor()}, reachArgs(reaches)...)
	args = append(args, f.Area)
	args = append(args, spanArgs(nil)...)
	return append(args, "", f.Programme, f.MinAmount, f.most(), instantOr(f.OpenedAfter, ever), instantOr(f.OpenedBefore, never), "",
		caller.Actor(), pq.Array([]string{}), pq.ByteaArray{}, f.prefix(), 0, pq.Array(views))
}

// nameOf tells sets of reaches apart.
func nameOf(all []reach) string {
	var b strings.Builder
	for _, r := range all {
		b.WriteString(strings.Join(append([]string{r.area, r.queue, map[bool]string{true: "m"}[r.member], placeholder(int(r.ceiling))}, r.programmes...), "\x00") + "\x01")
	}
	return b.String()
}
