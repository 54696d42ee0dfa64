package postgres

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// A page of the inbox is a few short walks over one of five indexes, and one
// merge. The indexes are ordered as the inbox is, for the first, the second
// and the third level of areas (tasks.path): three of one queue, and two of all
// queues of the two highest. For each area and queue that the caller's grants
// reach, and for each of the four ranks, the walk takes what fits one page and
// stops; no walk reads tasks of other areas or queues. What the caller is told
// of each task beyond its place is read for the page alone.
//
// The statements are constant texts: they are prepared once. Their arguments
// stand in sub-selects, where the planner does not look at them: what it knows
// of one call is then no better than what it knows of all, and it keeps one
// plan for all instead of planning for longer than the page takes.

// ranks are the parts of the inbox in their order: overdue and urgent,
// overdue, urgent, the rest. Inside of one the nearest deadline is first.
const (
	overdueRanks = 2
	ranks        = 4
)

// rankSpan is one part of the inbox as far as a page may look into it. Instants
// are as PostgreSQL writes them: what is never due is so at infinity.
type rankSpan struct {
	rank        int
	urgent      bool
	above, upto string // of ranks_at
	after, id   string // the last row of the page before
}

const (
	ever  = "-infinity"
	never = "infinity"
)

// rankSpans gives the parts that a page looks into. A list is as of the instant of
// its first page, which the cursor carries: a deadline that passes while
// somebody reads on moves nothing.
func rankSpans(from inboxPlace, end int) []rankSpan {
	var all []rankSpan
	now := from.asOf.Format(time.RFC3339Nano)
	for rank := from.rank; rank < end; rank++ {
		s := rankSpan{rank: rank, urgent: rank%2 == 0, above: now, upto: never, after: ever}
		if rank < overdueRanks {
			s.above, s.upto = ever, now
		}
		if rank == from.rank && from.id != "" {
			s.after, s.id = from.at, from.id
		}
		all = append(all, s)
	}
	return all
}

const inboxReach = `WITH RECURSIVE given AS MATERIALIZED (
		SELECT r.area, r.queue, r.member, r.programmes, r.ceiling, r.view, area_path(r.area) AS path
		FROM unnest((SELECT $3::text[]), (SELECT $4::text[]), (SELECT $5::boolean[]), (SELECT $6::text[]), (SELECT $7::bigint[]), (SELECT $27::text[])) r (area, queue, member, programmes, ceiling, view)),
	wanted AS MATERIALIZED (SELECT $8::text AS area, area_path($8) AS path),
	scope AS MATERIALIZED (
		SELECT DISTINCT CASE WHEN w.area = '' OR w.area = ANY(g.path) THEN g.area ELSE w.area END AS area,
		       CASE WHEN w.area = '' OR w.area = ANY(g.path) THEN g.path ELSE w.path END AS path, g.queue, g.member, g.programmes, g.ceiling, g.view
		FROM given g, wanted w WHERE w.area = '' OR w.area = ANY(g.path) OR g.area = ANY(w.path)),
	span AS MATERIALIZED (
		SELECT s.rank, s.urgent, s.above, s.upto, s.after, s.id
		FROM unnest((SELECT $9::integer[]), (SELECT $10::boolean[]), (SELECT $11::timestamptz[]), (SELECT $12::timestamptz[]), (SELECT $13::timestamptz[]),
			(SELECT $14::text[])) s (rank, urgent, above, upto, after, id)),
	filter AS MATERIALIZED (
		SELECT $15::text AS held, $16::text AS programme, $17::bigint AS least, $18::bigint AS most, $19::timestamptz AS since, $20::timestamptz AS until,
		       $21::text AS sla, $22::text AS assignee, $23::text[] AS cases, $24::bytea[] AS words,
		       $25::text AS prefix, $26::integer AS size)`

// inboxKeys are the walks. Who has all queues of a wide area walks them as one,
// with the queue ”. Of a smaller area, and of those whose name begins with
// the filter's prefix, the queues that have tasks now are looked up.
const inboxKeys = `,
	walk (root, queue) AS (
		SELECT r.root, (SELECT t.queue FROM tasks t WHERE t.closed_at IS NULL AND t.path[1] = r.root ORDER BY t.queue LIMIT 1)
		FROM (SELECT DISTINCT path[1] AS root FROM scope WHERE queue = '' AND (cardinality(path) > 2 OR (SELECT f.prefix FROM filter f) <> '')) r
		UNION ALL
		SELECT w.root, (SELECT t.queue FROM tasks t WHERE t.closed_at IS NULL AND t.path[1] = w.root AND t.queue > w.queue ORDER BY t.queue LIMIT 1)
		FROM walk w WHERE w.queue IS NOT NULL),
	key AS MATERIALIZED (
		SELECT DISTINCT s.area, cardinality(s.path) AS depth, s.path[3] AS third, coalesce(w.queue, s.queue) AS queue, s.member, s.programmes, s.ceiling, s.view
		FROM scope s LEFT JOIN walk w ON s.queue = '' AND w.root = s.path[1] AND w.queue IS NOT NULL AND ((SELECT f.prefix FROM filter f) = '' OR starts_with(w.queue, (SELECT f.prefix FROM filter f)))
		WHERE s.queue <> '' OR w.queue IS NOT NULL OR (cardinality(s.path) <= 2 AND (SELECT f.prefix FROM filter f) = ''))`

// reachFits is what a row has to be like for its reach k.
const reachFits = ` AND (k.member OR t.kind <> 'approve' OR coalesce(t.rule ->> 'mode', '') <> 'committee')
	AND (k.programmes = '' OR t.programme = ANY(string_to_array(k.programmes, ','))) AND (k.ceiling = 0 OR t.amount <= k.ceiling)`

// inboxFits is what a row has to be like for its reach k and the filter f.
const inboxFits = reachFits + ` AND CASE f.held WHEN '' THEN true WHEN 'none' THEN t.assignee IS NULL OR t.lapses_at <= $1
	    WHEN 'free' THEN t.assignee IS NULL OR t.lapses_at <= $1 OR t.assignee = $2
	    ELSE t.assignee IS NOT NULL AND coalesce(t.lapses_at > $1, true) END
	AND (f.programme = '' OR t.programme = f.programme) AND t.amount >= f.least AND t.amount <= f.most
	AND t.opened_at > f.since AND t.opened_at < f.until AND (f.sla = '' OR ` + openSLA + ` = f.sla)`

const openSLA = `CASE WHEN t.due_at IS NULL THEN 'none' WHEN t.breached_at IS NOT NULL OR t.ranks_at <= $1 THEN 'breached'
	WHEN t.warned_at IS NOT NULL THEN 'at_risk' ELSE 'on_time' END`

const inboxWords = ` AND (cardinality(f.words) = 0 OR NOT EXISTS (SELECT 1 FROM unnest(f.words) h
	WHERE NOT EXISTS (SELECT 1 FROM case_words x WHERE x.word_hash = h AND x.case_id = t.case_id)))`

// inboxWalk is one walk, over one of the indexes.
func inboxWalk(index inboxIndex, fits string) string {
	return `(SELECT t.ranks_at, t.id FROM tasks t, filter f WHERE ` + index.when + ` AND t.closed_at IS NULL AND ` + index.rows + `
		AND t.urgent = s.urgent AND t.ranks_at > s.above AND t.ranks_at <= s.upto AND (t.ranks_at, t.id) > (s.after, s.id)` +
		inboxFits + fits + ` ORDER BY t.ranks_at, t.id LIMIT (SELECT size FROM filter))`
}

// inboxIndex is an index of the inbox: of which keys it is, and which tasks of
// a key are in it.
type inboxIndex struct{ when, rows string }

// overIndexes joins what a statement does over each index. Of a key one is
// executed.
func overIndexes(do func(inboxIndex) string) string {
	var all []string
	for _, i := range []inboxIndex{
		{`k.queue <> '' AND k.depth = 1`, `t.path[1] = k.area AND t.queue = k.queue`},
		{`k.queue <> '' AND k.depth = 2`, `t.path[2] = k.area AND t.queue = k.queue`},
		{`k.queue <> '' AND k.depth > 2`, `t.path[3] = k.third AND k.area = ANY(t.path) AND t.queue = k.queue`},
		{`k.queue = '' AND k.depth = 1`, `t.path[1:1] = ARRAY[k.area]`},
		{`k.queue = '' AND k.depth = 2`, `t.path[2:2] = ARRAY[k.area]`},
	} {
		all = append(all, do(i))
	}
	return strings.Join(all, ` UNION ALL `)
}

func inboxWalks(fits string) string {
	return inboxReach + inboxKeys + `,
	page AS MATERIALIZED (
		SELECT DISTINCT s.rank, w.ranks_at, w.id FROM key k CROSS JOIN span s CROSS JOIN LATERAL (` +
		overIndexes(func(i inboxIndex) string { return inboxWalk(i, fits) }) + `) w
		ORDER BY 1, 2, 3 LIMIT (SELECT size FROM filter))`
}

var (
	inboxPage     = inboxWalks(``) + inboxRows
	inboxSearched = inboxWalks(inboxWords) + inboxRows // while the words are too frequent to begin with them
	inboxHeld     = inboxFound(`t.assignee = f.assignee AND coalesce(t.lapses_at > $1, true)`) + inboxRows
	inboxOfCases  = inboxFound(`t.case_id = ANY(f.cases) AND (f.assignee = '' OR (t.assignee = f.assignee AND coalesce(t.lapses_at > $1, true)))`) + inboxRows
)

// inboxFound is a page of few candidates: of a person, or of cases that a
// search has found.
func inboxFound(candidates string) string {
	return inboxReach + `,
	page AS MATERIALIZED (
		SELECT DISTINCT s.rank, t.ranks_at, t.id FROM filter f JOIN tasks t ON ` + candidates + ` AND t.closed_at IS NULL
			JOIN span s ON t.urgent = s.urgent AND t.ranks_at > s.above AND t.ranks_at <= s.upto AND (t.ranks_at, t.id) > (s.after, s.id)
			JOIN scope k ON k.area = ANY(t.path) AND (k.queue = '' OR k.queue = t.queue) AND (f.prefix = '' OR starts_with(t.queue, f.prefix))
		WHERE true` + inboxFits + inboxWords + ` ORDER BY 1, 2, 3 LIMIT (SELECT size FROM filter))`
}

const inboxRows = `
	SELECT ` + taskRowColumns + `, p.rank AS inbox_rank, nullif(p.ranks_at, 'infinity') AS ranks_at FROM page p JOIN tasks t ON t.id = p.id JOIN cases c ON c.id = t.case_id
	LEFT JOIN case_duties cd ON cd.case_id = t.case_id AND cd.person = $2 ORDER BY p.rank, p.ranks_at, p.id`

// inboxQuery is a page of the inbox as asked for.
type inboxQuery struct {
	text string
	args []any
	asOf time.Time
}

// inboxTasks gives a page of the inbox. The overdue ones are asked for first:
// where many people's tasks are listed they fill the page, and the rest is not
// walked.
func (s *Store) inboxTasks(ctx context.Context, caller *Caller, f TaskFilter, hits *searchHits, p Page) ([]TaskRow, error) {
	from, err := parseInboxPlace(p.After, s.Now())
	if err != nil {
		return nil, err
	}
	rows := []TaskRow{}
	for _, end := range []int{overdueRanks, ranks} {
		if from.rank >= end || (f.View == ViewOverdue && end > overdueRanks) {
			continue
		}
		some, err := s.pageOf(ctx, caller, s.inbox(caller, f, hits, from, end, p.limit()-len(rows)))
		if err != nil {
			return nil, err
		}
		if rows = append(rows, some...); len(rows) >= p.limit() {
			break
		}
		from = inboxPlace{asOf: from.asOf, rank: end}
	}
	return rows, nil
}

// inbox makes the query of the first tasks, up to size, that follow a place
// and are before a rank.
func (s *Store) inbox(caller *Caller, f TaskFilter, hits *searchHits, from inboxPlace, end, size int) inboxQuery {
	now := s.Now()
	q := inboxQuery{text: inboxPage, asOf: from.asOf}
	assignee, cases, words := "", []string{}, [][]byte{}
	switch {
	case f.View == ViewMine || f.Assignee == "me":
		assignee = caller.Actor()
	case f.Assignee != "none":
		assignee = f.Assignee
	}
	if hits != nil {
		cases, words = hits.cases, hits.words
	}
	switch {
	case hits != nil && hits.few:
		q.text = inboxOfCases
	case assignee != "":
		q.text = inboxHeld
	case hits != nil:
		q.text = inboxSearched
	}
	reaches := narrowed(caller.reaches(f.base()), f.Kind, f.Level)
	q.args = append([]any{now, caller.Actor()}, reachArgs(reaches)...)
	q.args = append(q.args, f.Area)
	q.args = append(q.args, spanArgs(rankSpans(from, end))...)
	q.args = append(q.args, f.held(), f.Programme, f.MinAmount, f.most(), instantOr(f.OpenedAfter, ever), instantOr(f.OpenedBefore, never),
		f.SLA, assignee, pq.Array(cases), pq.ByteaArray(words), f.prefix(), size, pq.Array(make([]string, len(reaches))))
	return q
}

// base is the view whose reaches a filter starts from.
func (f TaskFilter) base() View {
	switch {
	case f.View == ViewMine || f.Assignee == "me":
		return ViewMine
	case f.State != "":
		return ViewAll
	case f.View == ViewGroup || f.View == ViewAll:
		return f.View
	}
	return ""
}

// held says who may have what is looked for: none, somebody, or "" for both;
// free is none or the caller.
func (f TaskFilter) held() string {
	switch {
	case f.free:
		return "free"
	case f.View == ViewUnclaimed || f.Assignee == "none" || f.State == "open":
		return "none"
	case f.State == "claimed":
		return "some"
	}
	return ""
}

// prefix is with what a queue begins that passes the filter of kinds.
func (f TaskFilter) prefix() string {
	if f.Kind == string(aid.Approve) && f.Level == "" {
		return "approve:"
	}
	return ""
}

func (f TaskFilter) most() int64 {
	if f.MaxAmount == nil {
		return math.MaxInt64
	}
	return *f.MaxAmount
}

func instantOr(at *time.Time, other string) string {
	if at == nil {
		return other
	}
	return at.UTC().Format(time.RFC3339Nano)
}

func reachArgs(all []reach) []any {
	var areas, queues, programmes []string
	var members []bool
	var ceilings []int64
	for _, r := range all {
		areas, queues, programmes = append(areas, r.area), append(queues, r.queue), append(programmes, strings.Join(r.programmes, ","))
		members, ceilings = append(members, r.member), append(ceilings, r.ceiling)
	}
	return []any{pq.Array(areas), pq.Array(queues), pq.Array(members), pq.Array(programmes), pq.Array(ceilings)}
}

func spanArgs(all []rankSpan) []any {
	var rank []int64
	var urgent []bool
	var above, upto, after, id []string
	for _, s := range all {
		rank, urgent, above = append(rank, int64(s.rank)), append(urgent, s.urgent), append(above, s.above)
		upto, after, id = append(upto, s.upto), append(after, s.after), append(id, s.id)
	}
	return []any{pq.Array(rank), pq.Array(urgent), pq.Array(above), pq.Array(upto), pq.Array(after), pq.Array(id)}
}

// pageOf runs the query of a page and fills what the caller may do.
func (s *Store) pageOf(ctx context.Context, caller *Caller, q inboxQuery) ([]TaskRow, error) {
	rows := []TaskRow{}
	if err := s.listPrepared(ctx, &rows, q.text, q.args...); err != nil {
		return nil, err
	}
	if err := withPrincipals(s.asker(ctx), caller, rows); err != nil {
		return nil, err
	}
	for i := range rows {
		rows[i].asOf = q.asOf
		rows[i].allow(caller)
	}
	return rows, nil
}

// listPrepared is list for a constant text that is asked often.
func (s *Store) listPrepared(ctx context.Context, dest any, query string, args ...any) error {
	known, seen := s.known.LoadOrStore(query, (*sqlx.Stmt)(nil))
	if !seen {
		go s.prepare(query)
	}
	if stmt, _ := known.(*sqlx.Stmt); stmt != nil {
		return translate(stmt.SelectContext(ctx, dest, args...))
	}
	return s.list(ctx, dest, query, args...)
}

// ExplainInbox gives the database's account of a page of the inbox, for
// whoever measures it.
func (s *Store) ExplainInbox(ctx context.Context, caller *Caller, f TaskFilter, p Page) ([]string, error) {
	from, err := parseInboxPlace(p.After, s.Now())
	if err != nil {
		return nil, err
	}
	q := s.inbox(caller, f, nil, from, ranks, p.limit())
	var plan []string
	return plan, s.list(ctx, &plan, `EXPLAIN (ANALYZE, BUFFERS) `+q.text, q.args...)
}
