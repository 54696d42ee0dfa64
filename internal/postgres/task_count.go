package postgres

import (
	"context"
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
// are exact.
type TaskCounts struct {
	AsOf time.Time
	By   []TaskCount // of the views mine, group, all and "", the inbox itself
}

// inboxCounted counts along the indexes of the inbox, from front to end.
func inboxCounted(when, area string) string {
	return `(SELECT t.id, t.kind, t.queue, t.ranks_at, t.due_at, t.warned_at, t.breached_at, t.assignee, t.lapses_at FROM tasks t, filter f
		WHERE ` + when + ` AND t.closed_at IS NULL AND ` + area + ` AND t.queue = k.queue` + inboxFits + `)`
}

const countedColumns = `count(*) AS open, count(*) FILTER (WHERE t.assignee IS NULL OR t.lapses_at <= $1) AS unclaimed,
	count(*) FILTER (WHERE ` + openSLA + ` = 'breached') AS overdue, count(*) FILTER (WHERE ` + openSLA + ` = 'at_risk') AS at_risk,
	count(*) FILTER (WHERE t.due_at IS NULL) AS undated`

// countQuery counts tasks that only one reach of a view reaches; with distinct
// those that several reach are counted once.
func countQuery(distinct bool) string {
	once := ``
	if distinct {
		once = `DISTINCT ON (k.view, t.id)`
	}
	return inboxReach + inboxKeys + `
		SELECT view, kind, CASE WHEN kind = 'approve' THEN substr(queue, 9) ELSE '' END AS level, ` + countedColumns + `
		FROM (SELECT ` + once + ` k.view, t.* FROM key k CROSS JOIN LATERAL (` +
		inboxCounted(`k.depth = 1`, `t.path[1] = k.area`) + ` UNION ALL ` +
		inboxCounted(`k.depth = 2`, `t.path[2] = k.area`) + ` UNION ALL ` +
		inboxCounted(`k.depth > 2`, `t.path[3] = k.third AND k.area = ANY(t.path)`) + `) t) t
		GROUP BY view, kind, queue
		UNION ALL
		SELECT 'mine', t.kind, CASE WHEN t.kind = 'approve' THEN t.level ELSE '' END, ` + countedColumns + `
		FROM tasks t, filter f WHERE t.closed_at IS NULL AND t.assignee = f.assignee AND coalesce(t.lapses_at > $1, true)
		  AND EXISTS (SELECT 1 FROM scope k WHERE k.area = ANY(t.path) AND (k.queue = '' OR k.queue = t.queue))
		GROUP BY 2, 3 ORDER BY 1, 2, 3`
}

var (
	countOnce     = countQuery(false)
	countDistinct = countQuery(true)
)

// CountTasks counts the caller's inbox, by views and queues, in one query. Of
// the filter it heeds programme, area, kind, level and amounts.
func (s *Store) CountTasks(ctx context.Context, caller *Caller, f TaskFilter) (TaskCounts, error) {
	now := s.Now()
	var reaches []reach
	var views []string
	distinct := false
	seen := map[string]View{}
	same := map[View]View{}
	for _, v := range []View{"", ViewGroup, ViewAll} {
		some := narrowed(caller.reaches(v), f.Kind, f.Level)
		if other, there := seen[nameOf(some)]; there {
			same[v] = other
			continue
		}
		seen[nameOf(some)] = v
		distinct = distinct || caller.overlap(some)
		for _, r := range some {
			reaches, views = append(reaches, r), append(views, "view:"+string(v))
		}
	}
	query := countOnce
	if distinct {
		query = countDistinct
	}
	args := append([]any{now, caller.Actor()}, reachArgs(reaches)...)
	args = append(args, f.Area)
	args = append(args, spanArgs(nil)...)
	args = append(args, "", f.Programme, f.MinAmount, f.most(), instantOr(f.OpenedAfter, ever), instantOr(f.OpenedBefore, never), "",
		caller.Actor(), pq.Array([]string{}), pq.ByteaArray{}, f.prefix(), 0, pq.Array(views))
	counts := TaskCounts{AsOf: now, By: []TaskCount{}}
	if err := s.listPrepared(ctx, &counts.By, query, args...); err != nil {
		return counts, err
	}
	for i := range counts.By {
		counts.By[i].View = View(strings.TrimPrefix(string(counts.By[i].View), "view:"))
	}
	for v, other := range same {
		for _, c := range counts.By {
			if c.View == other {
				c.View = v
				counts.By = append(counts.By, c)
			}
		}
	}
	return counts, nil
}

// nameOf tells sets of reaches apart.
func nameOf(all []reach) string {
	var b strings.Builder
	for _, r := range all {
		b.WriteString(strings.Join(append([]string{r.area, r.queue, map[bool]string{true: "m"}[r.member], placeholder(int(r.ceiling))}, r.programmes...), "\x00") + "\x01")
	}
	return b.String()
}
