package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid/area"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// country is as many areas as Vietnam has had on 1 July 2025: 34 provinces and
// 3,321 communes, and the 10,000 communes of before that they took over.
func country() []area.Row {
	row := func(code, level, parent, from, to string, predecessors ...string) area.Row {
		r := area.Row{Code: code, Period: area.Period{From: date(from), Name: "Area " + code, Level: level, Parent: parent}}
		if to != "" {
			r.To = date(to)
		}
		for _, p := range predecessors {
			r.Predecessors = append(r.Predecessors, area.Predecessor{Code: p})
		}
		return r
	}
	var rows []area.Row
	for p := range 34 {
		rows = append(rows, row(fmt.Sprintf("P%02d", p), "province", "", "1990-01-01", ""))
	}
	for c := range 3321 {
		province := fmt.Sprintf("P%02d", c%34)
		var old []string
		for o := range 3 {
			code := fmt.Sprintf("O%05d", c*3+o)
			old = append(old, code)
			rows = append(rows, row(code, "commune", province, "1990-01-01", "2025-07-01"))
		}
		rows = append(rows, row(fmt.Sprintf("C%05d", c), "commune", province, "2025-07-01", "", old...))
	}
	for i := range rows {
		rows[i].Place = fmt.Sprint("/rows/", i+2)
	}
	return rows
}

// With a whole country in it the tree is read by its indexes. With -v it says
// how long everything took, and shows the plans of docs/areas.md.
func TestTheTreeIsReadByIndex(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	rows := country()
	began := time.Now()
	report, err := db.ImportAreas(ctx, rows, postgres.AreaChange{Actor: "admin1"})
	require.NoError(t, err)
	t.Logf("%d rows imported in %s", len(rows), time.Since(began).Round(time.Millisecond))
	require.Equal(t, len(rows), report.Begun)
	began = time.Now()
	moves, err := db.ApplyAreas(ctx)
	require.NoError(t, err)
	require.False(t, moves.Any())
	t.Logf("looked at again in %s", time.Since(began).Round(time.Millisecond))
	exec(t, db, `VACUUM ANALYZE areas`)

	explain := func(query string, args ...any) string {
		lines := must(db.SQL(t).Query(`EXPLAIN (ANALYZE, COSTS off, TIMING off) `+query, args...))(t)
		defer lines.Close()
		var plan []string
		for lines.Next() {
			var line string
			require.NoError(t, lines.Scan(&line))
			plan = append(plan, line)
		}
		require.NoError(t, lines.Err())
		return strings.Join(plan, "\n")
	}
	for name, plan := range map[string]string{"AreaAt": explain(postgres.AreaAtQuery, "O00004", "province"), "areasBelow": explain(postgres.AreasBelowQuery(), "P03")} {
		t.Logf("%s:\n%s", name, plan)
		require.NotContains(t, plan, "Seq Scan on areas", name)
	}
	require.Contains(t, explain(postgres.AreasBelowQuery(), "P03"), "Index Only Scan using areas_parent")
	require.Len(t, must(db.AreasBelow(ctx, "P03"))(t), 1+98*4)
}
