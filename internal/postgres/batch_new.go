package postgres

import (
	"context"
	"slices"
	"strconv"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// NewBatch is a decision that a person asks for on many tasks: named one by
// one, all that match a filter, or those that a dry run of the same content
// would decide, as that dry run saw them.
type NewBatch struct {
	ID       string
	Content  aid.BatchContent
	Note     string
	Behalf   string      // the principal in whose name the caller decides; "" for nobody named
	Tasks    []string    // or
	Filter   *TaskFilter // or
	Follows  string      // a finished dry run
	Expected *int        // how many tasks its person counted
	DryRun   bool
}

// chosen is a task that a batch is about.
type chosen struct {
	ID        string       `db:"id"`
	Version   int          `db:"version"`
	Amount    int64        `db:"amount"`
	Kind      aid.TaskKind `db:"kind"`
	Programme string       `db:"programme"`
	Rules     int          `db:"programme_version"`
	State     string       `db:"state"` // "" for one to come; else what the dry run said
	Code      string       `db:"code"`
}

const chosenColumns = `t.id, t.version, coalesce(c.amount, c.proposed_amount, c.requested_amount) AS amount, t.kind, t.programme, c.programme_version`

// CreateBatch keeps a batch for a worker, with the version of each of its
// tasks and the id of its decision. A batch that is stored already is stored
// once.
//
// Errors: Conflict count_differs (param count: how many there are now),
// batch_unfinished (param batch), snapshot_needed (it is not finished),
// snapshot_differs; NotFound batch_not_found (the dry run is not the caller's);
// Forbidden not_delegated (nothing that the named person has is lent to the
// caller now);
// Invalid nothing_chosen, batch_too_large (param most), and by fault
// unknown_action, decided_one_by_one (params kind), reason_required,
// unknown_reason, cap_required.
func (s *Store) CreateBatch(ctx context.Context, caller *Caller, in NewBatch) (*BatchRow, error) {
	if row, err := s.Batch(ctx, caller, in.ID); err == nil {
		return row, nil
	}
	if in.Behalf != "" && !slices.ContainsFunc(caller.Roles, func(g RoleGrant) bool { return g.Behalf == in.Behalf }) {
		return nil, aid.Refuse(aid.Forbidden, "not_delegated")
	}
	tasks, err := s.choose(ctx, caller, in)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Expected != nil && *in.Expected != len(tasks):
		return nil, aid.Refuse(aid.Conflict, "count_differs", "count", strconv.Itoa(len(tasks)))
	case len(tasks) == 0:
		return nil, aid.Refuse(aid.Invalid, "nothing_chosen")
	case len(tasks) > batchMost:
		return nil, aid.Refuse(aid.Invalid, "batch_too_large", "most", strconv.Itoa(batchMost))
	}
	if err := s.wholeFaults(ctx, in, tasks); err != nil {
		return nil, err
	}
	if err := s.Write(ctx, func(tx *Tx) error { return tx.insertBatch(caller, in, tasks) }); err != nil {
		return nil, err
	}
	return s.Batch(ctx, caller, in.ID)
}

// choose gives the tasks of a batch, in the order in which they are decided.
func (s *Store) choose(ctx context.Context, caller *Caller, in NewBatch) ([]chosen, error) {
	switch {
	case in.Follows != "":
		return s.chooseAgain(ctx, caller, in)
	case in.Filter != nil:
		return s.chooseMatching(ctx, caller, *in.Filter)
	}
	return s.chooseNamed(ctx, caller, in.Tasks)
}

// chooseMatching gives every task of the caller's inbox that matches, not a
// page of it.
func (s *Store) chooseMatching(ctx context.Context, caller *Caller, f TaskFilter) ([]chosen, error) {
	q := taskQuery{caller: caller, now: s.Now()}
	q.visible()
	if f.Case == "" && !f.All {
		q.actionable(f.base())
	}
	q.filter(f)
	order, err := q.order("", Page{})
	if err != nil {
		return nil, err
	}
	var tasks []chosen
	err = s.list(ctx, &tasks, `SELECT `+chosenColumns+taskRowFrom+` WHERE $1::timestamptz IS NOT NULL AND `+q.where+order+` LIMIT `+q.arg(batchMost+1),
		append([]any{q.now, caller.Actor()}, q.args...)...)
	return tasks, err
}

// chooseNamed gives the named tasks, each once. One that the caller may not
// see is kept without a version: it will be left out.
func (s *Store) chooseNamed(ctx context.Context, caller *Caller, ids []string) ([]chosen, error) {
	var found []chosen
	sees, mine := caller.seesTask()
	err := s.list(ctx, &found, `SELECT `+chosenColumns+taskRowFrom+` WHERE $1::timestamptz IS NOT NULL AND t.id = ANY($4) AND `+sees,
		s.Now(), caller.Actor(), mine, pq.Array(ids))
	if err != nil {
		return nil, err
	}
	known := map[string]chosen{}
	for _, t := range found {
		known[t.ID] = t
	}
	var tasks []chosen
	seen := map[string]bool{}
	for _, id := range ids {
		t, ok := known[id]
		if !ok {
			t = chosen{ID: id, State: "left_out", Code: "task_not_found"}
		}
		if !seen[id] {
			seen[id] = true
			tasks = append(tasks, t)
		}
	}
	return tasks, nil
}

// chooseAgain gives the tasks of a finished dry run, as it saw them; what it
// would have left out is left out for its reason.
func (s *Store) chooseAgain(ctx context.Context, caller *Caller, in NewBatch) ([]chosen, error) {
	dry, err := s.Batch(ctx, caller, in.Follows)
	if err != nil {
		return nil, err
	}
	if !dry.DryRun || dry.State != "done" {
		return nil, aid.Refuse(aid.Conflict, "snapshot_needed")
	}
	same := dry.Action == in.Content.Action && dry.Behalf == in.Behalf && dry.Reason == in.Content.Reason && dry.Currency == in.Content.Currency &&
		(dry.MaxAmount == nil) == (in.Content.MaxAmount == nil) && (dry.MaxAmount == nil || *dry.MaxAmount == *in.Content.MaxAmount)
	if !same {
		return nil, aid.Refuse(aid.Conflict, "snapshot_differs")
	}
	var tasks []chosen
	err = s.list(ctx, &tasks, `SELECT i.task_id AS id, i.task_version AS version, i.amount, coalesce(t.kind, '') AS kind, coalesce(t.programme, '') AS programme,
		coalesce(c.programme_version, 0) AS programme_version, CASE WHEN i.state = 'left_out' THEN 'left_out' ELSE '' END AS state, i.code
		FROM task_batch_items i LEFT JOIN tasks t ON t.id = i.task_id LEFT JOIN cases c ON c.id = t.case_id WHERE i.batch_id = $1 ORDER BY i.n`, in.Follows)
	return tasks, err
}

// wholeFaults finds what is wrong whatever the task.
func (s *Store) wholeFaults(ctx context.Context, in NewBatch, tasks []chosen) error {
	type sort struct {
		kind      aid.TaskKind
		programme string
		version   int
	}
	seen := map[sort]bool{}
	var kinds []aid.BatchKind
	for _, t := range tasks {
		one := sort{t.Kind, t.Programme, t.Rules}
		if t.Version == 0 || seen[one] {
			continue
		}
		seen[one] = true
		def, err := s.Definition(ctx, t.Programme, t.Rules)
		if err != nil {
			return err
		}
		kinds = append(kinds, aid.BatchKind{Kind: t.Kind, ReasonKnown: def.ReasonKnown(string(in.Content.Action), in.Content.Reason)})
	}
	return aid.RefuseAll(in.Content.Faults(kinds))
}

func (tx *Tx) insertBatch(caller *Caller, in NewBatch, tasks []chosen) error {
	sealed, err := tx.sealNote(in.ID, in.Note)
	if err != nil {
		return err
	}
	filter, err := filterJSON(in.Filter)
	if err != nil {
		return err
	}
	left := 0
	for _, t := range tasks {
		if t.State != "" {
			left++
		}
	}
	n, err := tx.exec(`INSERT INTO task_batches (id, created_by, created_at, dry_run, follows, action, reason_code, sealed, filter, max_amount, currency, state, total, left_out, behalf)
		VALUES ($1, $2, $3, $4, nullif($5, ''), $6, $7, $8, $9, $10, $11, 'waiting', $12, $13, $14) ON CONFLICT DO NOTHING`,
		in.ID, caller.Actor(), tx.Wall, in.DryRun, in.Follows, in.Content.Action, in.Content.Reason, sealed, filter,
		in.Content.MaxAmount, in.Content.Currency, len(tasks), left, in.Behalf)
	if err != nil {
		return err
	}
	if n == 0 {
		return tx.unfinished(caller, in.ID)
	}
	if err := tx.insertItems(in.ID, tasks); err != nil {
		return err
	}
	tx.acting = Standing{Actor: caller.Actor(), Behalf: in.Behalf}
	return tx.AddAudit(caller.Actor(), map[bool]string{true: "try_batch", false: "decide_batch"}[in.DryRun], in.ID, "done", "")
}

// unfinished refuses a second batch of a person beside one that is not done.
// A copy of the same one passes.
func (tx *Tx) unfinished(caller *Caller, id string) error {
	var other string
	err := tx.get(&other, `SELECT id FROM task_batches WHERE created_by = $1 AND (id = $2 OR state IN ('waiting', 'running')) ORDER BY id <> $2 LIMIT 1`,
		caller.Actor(), id)
	if err == nil && other == id {
		return nil
	}
	if notFound(err) || err == nil { // not found: it ended in this moment
		return aid.Refuse(aid.Conflict, "batch_unfinished", "batch", other)
	}
	return err
}

func (tx *Tx) insertItems(batch string, tasks []chosen) error {
	n := len(tasks)
	ids, decisions, codes := make([]string, n), make([]string, n), make([]string, n)
	versions, amounts := make([]int64, n), make([]int64, n)
	for i, t := range tasks {
		ids[i], decisions[i], codes[i], versions[i], amounts[i] = t.ID, NewID(aid.DecisionID), t.Code, int64(t.Version), t.Amount
	}
	_, err := tx.exec(`INSERT INTO task_batch_items (batch_id, n, task_id, task_version, amount, decision_id, state, code, ended_at)
		SELECT $1, i.n, i.id, i.version, i.amount, i.decision, CASE WHEN i.code = '' THEN 'waiting' ELSE 'left_out' END, i.code,
		       CASE WHEN i.code <> '' THEN $2::timestamptz END
		FROM unnest($3::text[], $4::int[], $5::bigint[], $6::text[], $7::text[]) WITH ORDINALITY AS i (id, version, amount, decision, code, n)`,
		batch, tx.Wall, pq.Array(ids), pq.Array(versions), pq.Array(amounts), pq.Array(decisions), pq.Array(codes))
	return err
}
