package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/lib/pq"
	enumspb "go.temporal.io/api/enums/v1"
	historypb "go.temporal.io/api/history/v1"
	temporalclient "go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"
	"google.golang.org/protobuf/encoding/protojson"
)

// eventBudget is how many events a housing case may cost, over all of its
// workflows and their runs: the engine's price is its events.
const eventBudget = 170

// history is one run of a workflow, as Temporal keeps it.
type history struct {
	kind string // case, disbursement, followup
	run  int    // from 1; a workflow that continues as new has several
	of   *historypb.History
}

// engine connects to the stack's Temporal.
func (s *stack) engine(t *testing.T) temporalclient.Client {
	t.Helper()
	c, err := temporalclient.Dial(temporalclient.Options{HostPort: s.Temporal, Namespace: s.Environment["TEMPORAL_NAMESPACE"],
		Logger: log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// database connects to the program's database with the owner's role.
func (s *stack) database(t *testing.T) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", s.Database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// texts gives the one column of a query.
func texts(t *testing.T, db *sql.DB, query string, args ...any) []string {
	t.Helper()
	rows, err := db.Query(query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// histories gives every run of every workflow of a case, once all have ended.
func (s *stack) histories(t *testing.T, id string) []history {
	t.Helper()
	var all []history
	temporal := s.engine(t)
	for _, w := range texts(t, s.database(t), `SELECT kind || ' ' || id FROM workflows WHERE case_id = $1 ORDER BY wanted_at, kind`, id) {
		kind, workflow, _ := strings.Cut(w, " ")
		run := s.firstRun(t, temporal, workflow)
		for n := 1; run != ""; n++ {
			events := s.eventsOf(t, temporal, workflow, run)
			all = append(all, history{kind, n, &historypb.History{Events: events}})
			last := events[len(events)-1]
			run = last.GetWorkflowExecutionContinuedAsNewEventAttributes().GetNewExecutionRunId()
			if run == "" && last.EventType != enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED {
				t.Errorf("the workflow %s ended with %s", workflow, last.EventType)
			}
		}
	}
	return all
}

func (s *stack) firstRun(t *testing.T, temporal temporalclient.Client, workflow string) string {
	t.Helper()
	latest := s.eventsOf(t, temporal, workflow, "")
	return latest[0].GetWorkflowExecutionStartedEventAttributes().GetFirstExecutionRunId()
}

// eventsOf waits until a run has ended, and gives its events.
func (s *stack) eventsOf(t *testing.T, temporal temporalclient.Client, workflow, run string) []*historypb.HistoryEvent {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_ = temporal.GetWorkflow(ctx, workflow, run).GetWithOptions(ctx, nil, temporalclient.WorkflowRunGetOptions{DisableFollowingRuns: true}) // how it ended is in its history
	var events []*historypb.HistoryEvent
	pages := temporal.GetWorkflowHistory(ctx, workflow, run, false, enumspb.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for pages.HasNext() {
		e, err := pages.Next()
		if err != nil {
			t.Fatalf("history of %s: %v", workflow, err)
		}
		events = append(events, e)
	}
	if len(events) == 0 {
		t.Fatalf("the workflow %s has no history", workflow)
	}
	return events
}

// ofTheClock tells whether an event is there only because a test has moved the
// clock of the case.
func ofTheClock(e *historypb.HistoryEvent) bool {
	return e.EventType == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED ||
		e.EventType == enumspb.EVENT_TYPE_WORKFLOW_EXECUTION_OPTIONS_UPDATED
}

// TestEventsOfAHousingCase counts what the longest path costs in the engine:
// verification by two tasks, two levels with three votes, three tranches with
// their evidence, preparations and releases, and three visits.
func TestEventsOfAHousingCase(t *testing.T) {
	s := theStack(t)
	p := tale{programme: "housing_new", end: "closed"}.tell(t, s)
	total, runs := 0, map[string]int{}
	for _, h := range s.histories(t, p.id) {
		n := 0
		for _, e := range h.of.Events {
			if !ofTheClock(e) {
				n++
			}
		}
		t.Logf("%s, run %d: %d events", h.kind, h.run, n)
		total += n
		runs[h.kind]++
	}
	if want := (map[string]int{"case": 1, "disbursement": 1, "followup": 3}); fmt.Sprint(runs) != fmt.Sprint(want) {
		t.Errorf("the case has the runs %v, want %v", runs, want)
	}
	if total > eventBudget {
		t.Errorf("a housing case costs %d events, more than %d", total, eventBudget)
	}
	t.Logf("%d events in all", total)
}

// TestNothingPersonalLeaves sends a request full of marked personal data the
// long way (returned, answered, refused by the bank, paid anew, visited) and
// looks for the marks everywhere but in what is sealed.
func TestNothingPersonalLeaves(t *testing.T) {
	s := theStack(t)
	p := tale{programme: "medical", account: blockedOnce, end: "closed", says: map[string][]said{
		"verify_documents": {{who: "verifier1", action: "return", reason: "documents_missing", data: missing("admission_paper")}},
		"approve/commune":  {{who: "approver1", action: "return", reason: "information_needed", data: again()}},
	}}.tell(t, s)
	all := s.histories(t, p.id)
	if len(all) < 3 {
		t.Fatalf("%d histories", len(all))
	}
	for _, h := range all {
		p.expectNone(t, "the history of the "+h.kind, readable(t, h.of))
	}
	logs, err := filepath.Glob(filepath.Join(s.dir, "log", "*.log"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("no logs: %v", err)
	}
	for _, name := range logs {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p.expectNone(t, filepath.Base(name), string(raw))
	}
	p.expectNone(t, "what the supervisor prints", s.out.String())
	db := s.database(t)
	for _, table := range texts(t, db, `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`) {
		p.expectNone(t, "the table "+table, strings.Join(texts(t, db, `SELECT row::text FROM "`+table+`" row`), "\n"))
	}
}

// expectNone looks for the marks of the case's people in a text.
func (p *player) expectNone(t *testing.T, where, text string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, mark := range p.marks {
		if i := strings.Index(text, mark); i >= 0 {
			t.Errorf("%s holds %q: %q", where, mark, text[max(0, i-80):min(len(text), i+80)])
		}
	}
}

// readable gives everything that a history says, with its payloads decoded.
func readable(t *testing.T, h *historypb.History) string {
	t.Helper()
	raw, err := protojson.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.Write(raw)
	payloads := 0
	walk(tree, func(object map[string]any) {
		data, ok := object["data"].(string)
		if _, isPayload := object["metadata"]; !ok || !isPayload {
			return
		}
		plain, err := base64.StdEncoding.DecodeString(data)
		if err != nil {
			t.Fatal(err)
		}
		payloads++
		out.WriteByte('\n')
		out.Write(plain)
	})
	if payloads == 0 {
		t.Fatal("a history without payloads")
	}
	return out.String()
}

// walk calls fn with every object of a JSON document.
func walk(tree any, fn func(map[string]any)) {
	switch node := tree.(type) {
	case map[string]any:
		fn(node)
		for _, child := range node {
			walk(child, fn)
		}
	case []any:
		for _, child := range node {
			walk(child, fn)
		}
	}
}

// anonymous takes from a history what tells of the machine that recorded it.
func anonymous(t *testing.T, h *historypb.History) []byte {
	t.Helper()
	raw, err := protojson.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	var tree any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatal(err)
	}
	walk(tree, func(object map[string]any) {
		for _, name := range []string{"identity", "workerInstanceKey"} {
			if _, ok := object[name]; ok {
				object[name] = "recorded"
			}
		}
		if queue, ok := object["taskQueue"].(map[string]any); ok && queue["kind"] == "TASK_QUEUE_KIND_STICKY" {
			queue["name"] = "recorded"
		}
	})
	compact, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return compact
}
