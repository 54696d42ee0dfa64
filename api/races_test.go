package api

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aidflow/aidflow/activities"
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/racetest"
	"github.com/aidflow/aidflow/workflows"
)

// Races of approvers on one task, each on a case of its own: over HTTP, through
// the door's own checks and records, into the step that applies a decision, on
// PostgreSQL. Only the engine is left out, which would make the steps of a case
// one after the other: here they come at once, and PostgreSQL alone has to say
// who was first. Every act is written down with when it was called and
// answered, and each race is judged by internal/racetest.
//
// AIDFLOW_RACES says how many (200; `make races`: 10,000), AIDFLOW_RACES_SEED
// repeats what was drawn, though not what the scheduler made of it.

// racers are approvers of one level, none of them in a committee.
func racers() []string { return []string{"racer1", "racer2", "racer3"} }

// track is a door at which steps are made at once.
type track struct {
	*door
	doing *activities.Activities
	cases sync.Map // of a task
	steps atomic.Int64
	apply func(context.Context, aid.Decision) error // in place of the step; may be nil
}

func openTrack(t testing.TB) *track {
	t.Helper()
	tr := &track{door: openDoor(t)}
	tr.doing = &activities.Activities{Store: tr.db.Store, Start: func(context.Context, postgres.Workflow) error { return nil }}
	for _, name := range racers() {
		if _, err := tr.db.SQL(t).Exec(`WITH s AS (INSERT INTO staff (subject, name, created_at) VALUES ($1, $1, now()) RETURNING subject)
			INSERT INTO staff_roles (subject, role, area, level) SELECT subject, 'approver', '51001', 'commune' FROM s`, name); err != nil {
			t.Fatal(err)
		}
	}
	server, err := New(Config{Mode: "test", Version: "0.0.0", Issuer: tr.issuer.URL, Audience: "aidflow"}, tr.db.Store, raced{tr.process, tr}, nil)
	if err != nil {
		t.Fatal(err)
	}
	tr.Server = server
	return tr
}

// raced makes the steps of decisions at once.
type raced struct {
	*fakeProcess
	*track
}

func (p raced) Decide(ctx context.Context, workflow string, d aid.Decision) (workflows.Result, error) {
	if p.apply != nil {
		return workflows.Result{}, p.apply(ctx, d)
	}
	caseID, _ := p.cases.Load(d.Task)
	step := aid.Step{Workflow: workflow, Cause: d.ID, Seq: int(p.steps.Add(1)), Case: caseID.(string)}
	out, err := p.doing.DecideApproval(ctx, aid.ApprovalRequest{Step: step, Decision: d, Asked: []aid.Level{onlyLevel()}})
	if err == nil && out.Refused != "" {
		err = aid.Refuse(out.RefusedKind, out.Refused)
	}
	return workflows.Result{Result: out.Result}, err
}

func onlyLevel() aid.Level { return aid.Level{Name: "commune", Mode: aid.ModeAny} }

// asked opens the approval of a case that was verified. It is the last level:
// an approval reserves the money in its own transaction.
func (tr *track) asked(i int) (task string) {
	tr.t.Helper()
	caseID := tr.submit(tr.person(i))
	err := tr.db.Write(context.Background(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(caseID)
		if err != nil {
			return err
		}
		fund, err := tx.FundFor(c.Area, c.Currency)
		if err != nil {
			return err
		}
		c.FundID = &fund
		for _, event := range []string{aid.EventOpen, aid.EventVerify} {
			if err := tx.MoveCase(c, event); err != nil {
				return err
			}
		}
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.Approve, Level: "commune", Workflow: c.WorkflowID, Owner: aid.OwnerOffice, Rule: onlyLevel()})
		return err
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.cases.Store(task, caseID)
	return task
}

// race is what several people want of one task in the same moment. Exactly one
// of them decides, unless somebody takes or leaves the task meanwhile.
type race struct {
	acts []racetest.Act
	one  bool
}

var verdicts = []string{"approve", "approve", "reject", "return"}

// drawRace draws a race: always two approvers or more, and somebody who looks.
func drawRace(r *rand.Rand) race {
	people := racers()
	r.Shuffle(len(people), func(i, j int) { people[i], people[j] = people[j], people[i] })
	deciding := func(who string) racetest.Act {
		return racetest.Act{Kind: racetest.Decide, Actor: who, Action: verdicts[r.IntN(len(verdicts))], Seen: 1, Key: key()[1]}
	}
	out := race{one: true, acts: []racetest.Act{deciding(people[0]), deciding(people[1]), {Kind: racetest.Look, Actor: people[r.IntN(2)]}}}
	switch n := r.IntN(10); {
	case n < 5: // two approvers
	case n < 6: // three
		out.acts = append(out.acts, deciding(people[2]))
	case n < 8: // one of them sends the same request twice
		out.acts[0].Twice = true
		out.acts = append(out.acts, out.acts[0])
	case n < 9: // one of them has two windows
		again := deciding(people[0])
		again.Twice, out.acts[0].Twice = true, true
		out.acts = append(out.acts, again)
	default: // one of them abstains, takes the task or leaves it
		out.one = false
		out.acts[1].Action = []string{"abstain", out.acts[1].Action}[r.IntN(2)]
		out.acts = append(out.acts, racetest.Act{Kind: racetest.Claim, Actor: people[2]}, racetest.Act{Kind: racetest.Release, Actor: people[2]},
			deciding(people[2]))
		out.acts[len(out.acts)-1].Seen = 2
	}
	return out
}

// run makes all acts of a race at once and gives its history.
func (tr *track) run(task string, acts []racetest.Act) []racetest.Done {
	tr.t.Helper()
	history, requests := make([]racetest.Done, len(acts)), make([]*http.Request, len(acts))
	for i, a := range acts {
		requests[i] = tr.requestFor(task, a)
	}
	start, begun := make(chan struct{}), time.Now()
	var all sync.WaitGroup
	for i, a := range acts {
		all.Go(func() {
			w := httptest.NewRecorder()
			<-start
			called := time.Since(begun)
			tr.ServeHTTP(w, requests[i])
			returned := time.Since(begun)
			history[i] = racetest.Done{Act: a, Answer: answered(tr.checked(requests[i], w)), Called: called, Returned: returned}
		})
	}
	close(start)
	all.Wait()
	return history
}

func (tr *track) requestFor(task string, a racetest.Act) *http.Request {
	path := "/v1/tasks/" + task
	switch a.Kind {
	case racetest.Look:
		return tr.newRequest(a.Actor, "GET", path, nil)
	case racetest.Claim, racetest.Release:
		return tr.newRequest(a.Actor, "POST", path+"/"+a.Kind, nil)
	}
	body := map[string]any{"action": a.Action}
	switch a.Action {
	case "reject":
		body["reason_code"] = "not_eligible"
	case "return":
		body["reason_code"], body["note"] = "information_needed", "which hospital?"
	}
	return tr.newRequest(a.Actor, "POST", path+"/decisions", body, "Idempotency-Key", a.Key, "If-Match", strconv.Quote(strconv.Itoa(a.Seen)))
}

// answered reads what an act was answered.
func answered(a answer) racetest.Answer {
	out := racetest.Answer{Code: a.str("code")}
	switch {
	case a.Status == http.StatusOK && a.str("decided_by") != "":
		out.Settled = racetest.Settled{By: a.str("decided_by"), Action: a.str("action"), At: second(a.str("applied_at"))}
	case a.Status == http.StatusOK:
		out.Open, out.Holder = a.str("status") == "open" || a.str("status") == "claimed", a.str("assignee")
		_, _ = fmt.Sscanf(a.Header.Get("ETag"), `"%d"`, &out.Version)
	case out.Code == "":
		out.Code = a.Raw
	default:
		said := "decided."
		if out.Code == "task_claimed" {
			said = "held."
		}
		out.Settled = racetest.Settled{By: a.str(said + "by"), Action: a.str(said + "action"), At: second(a.str(said + "at"))}
	}
	return out
}

// second cuts an instant down to what a refusal tells of it.
func second(instant string) string {
	at, err := time.Parse(time.RFC3339Nano, instant)
	if err != nil {
		return instant
	}
	return at.UTC().Format(time.RFC3339)
}

// winners counts those whose decision was made, copies of one request as one.
func winners(history []racetest.Done) int {
	won := map[string]bool{}
	for _, d := range history {
		if d.Kind == racetest.Decide && d.Code == "" && d.Action != "abstain" {
			won[d.Key] = true
		}
	}
	return len(won)
}

func TestRacesOfApprovers(t *testing.T) {
	tr := openTrack(t)
	n, seed := racesWanted(t)
	var told tally
	var lanes sync.WaitGroup
	next := atomic.Int64{}
	for range 4 {
		lanes.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !t.Failed(); i = int(next.Add(1)) - 1 {
				one := drawRace(rand.New(rand.NewPCG(seed, uint64(i))))
				task := tr.asked(i)
				history := tr.run(task, one.acts)
				told.add(history)
				if !racetest.Check(1, history) || (one.one && winners(history) != 1) {
					t.Errorf("race %d of seed %d: %d winners, or an order that cannot be:%s", i, seed, winners(history), lines(history))
				}
			}
		})
	}
	lanes.Wait()
	told.say(t, n, seed)
	if t.Failed() {
		return
	}
	// The record says the same: one decision that closed each task, one duty.
	for what, query := range map[string]string{
		"decisions that closed a task":  `SELECT count(*) FROM (SELECT task_id FROM decisions WHERE state = 'applied' AND action <> 'abstain' GROUP BY 1 HAVING count(*) > 1) x`,
		"decisions without their event": `SELECT count(*) FROM decisions d WHERE state = 'applied' AND (SELECT count(*) FROM events e WHERE e.kind = 'task.decided' AND e.data->>'decision' = d.id) <> 1`,
		"decisions left without an end": `SELECT count(*) FROM decisions WHERE state = 'intent'`,
		"deadlocks":                     `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`,
		"ended cases whose waits do not add up": `SELECT count(*) FROM (SELECT c.id FROM cases c JOIN intervals i ON i.case_id = c.id WHERE c.closed_at IS NOT NULL
			GROUP BY c.id, c.closed_at, c.created_at HAVING sum(i.to_at - i.from_at) <> c.closed_at - c.created_at) x`,
		"awards of one case":              `SELECT count(*) FROM (SELECT case_id FROM awards GROUP BY 1 HAVING count(*) > 1) x`,
		"awards of what was not approved": `SELECT count(*) FROM awards a WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.case_id = a.case_id AND d.state = 'applied' AND d.action = 'approve')`,
	} {
		var found int
		if err := tr.db.SQL(t).QueryRow(query).Scan(&found); err != nil || found != 0 {
			t.Errorf("%s: %d, %v", what, found, err)
		}
	}
}

// A store that lets both win is found out: otherwise the races prove nothing.
func TestRacesFindAFault(t *testing.T) {
	tr := openTrack(t)
	tr.apply = func(ctx context.Context, d aid.Decision) error { // without a lock, and whoever was first
		_, err := tr.db.SQL(t).ExecContext(ctx, `UPDATE decisions SET state = 'applied', decided_at = now() WHERE id = $1`, d.ID)
		return err
	}
	for i := range 20 {
		one := drawRace(rand.New(rand.NewPCG(1, uint64(i))))
		if !racetest.Check(1, tr.run(tr.asked(i), one.acts)) {
			return
		}
	}
	t.Error("both win, and nobody has noticed")
}

// racesWanted gives how many races there are, and of which seed.
func racesWanted(t *testing.T) (n int, seed uint64) {
	t.Helper()
	n, seed = 200, uint64(time.Now().UnixNano())
	var err error
	if given := os.Getenv("AIDFLOW_RACES"); given != "" {
		if n, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	if given := os.Getenv("AIDFLOW_RACES_SEED"); given != "" {
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return n, seed
}
