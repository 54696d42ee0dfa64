package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// asking is what the server was asked on behalf of the program since the last reset.
type asking struct {
	Statements int64   `db:"statements"`
	Commits    int64   `db:"commits"`
	Took       float64 `db:"took"` // milliseconds of execution
}

// countStatements makes the server count statements from its next start on.
func (r *rig) countStatements(ctx context.Context) error {
	_, err := r.plain.ExecContext(ctx, `ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'`) //nolint:forbidigo // no transaction may hold it
	return err
}

// askings reads the counts of the program's role: worker and API, not the engine
// and not this program.
func (r *rig) askings(ctx context.Context) (t asking, err error) {
	err = r.plain.GetContext(ctx, &t, `SELECT coalesce(sum(calls) FILTER (WHERE query NOT IN ('BEGIN', 'COMMIT')), 0)::bigint AS statements,
		coalesce(sum(calls) FILTER (WHERE query = 'COMMIT'), 0)::bigint AS commits, coalesce(sum(total_exec_time), 0) AS took
		FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND userid <> current_user::regrole`)
	return t, err
}

// per gives the counts for each of n decisions.
func (t asking) per(n int) string {
	return fmt.Sprintf("%.1f statements in %.1f transactions, %.1f ms of execution",
		float64(t.Statements)/float64(n), float64(t.Commits)/float64(n), t.Took/float64(n))
}

// costliest prints the statements that took the most since the last reset, for
// each of n decisions.
func (r *rig) costliest(ctx context.Context, n int) error {
	var rows []struct {
		Query string  `db:"query"`
		Calls float64 `db:"calls"`
		Took  float64 `db:"took"`
	}
	err := r.plain.SelectContext(ctx, &rows, `SELECT query, calls, total_exec_time AS took FROM pg_stat_statements
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND userid <> current_user::regrole
		ORDER BY total_exec_time DESC LIMIT 30`)
	for _, row := range rows {
		line := strings.Join(strings.Fields(row.Query), " ")
		fmt.Printf("    %6.2f ms %6.2f calls  %s\n", row.Took/float64(n), row.Calls/float64(n), line[:min(len(line), 110)])
	}
	return err
}

// settled waits until nobody is left to be told of what has happened: what
// came before is not measured with what comes.
func (r *rig) settled(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	for {
		var waits bool
		err := r.plain.GetContext(ctx, &waits, `SELECT EXISTS (SELECT 1 FROM notices)`)
		if err != nil || !waits {
			return time.Since(begun), err
		}
		time.Sleep(50 * time.Millisecond)
	}
}
