package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"go.temporal.io/sdk/client"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/stack"
)

// latency prints submit and decide through HTTP beside the bare SQL
// transaction plus the bare engine call, in turns, one caller.
func (r *rig) latency(ctx context.Context) error {
	fmt.Println("## latency over HTTP, one caller")
	var submit, bareStart, decide, bareUpdate []time.Duration
	for i := range r.calls {
		id, took, err := r.httpSubmit(ctx, r.people)
		if err != nil {
			return err
		}
		r.people++
		submit = append(submit, took)
		workflow := fmt.Sprintf("bare-%d", i)
		if took, err = r.bare(ctx, workflow, r.bareStart); err != nil {
			return err
		}
		bareStart = append(bareStart, took)
		if took, err = r.httpDecide(ctx, id); err != nil {
			return err
		}
		decide = append(decide, took)
		if took, err = r.bare(ctx, workflow, r.bareUpdate); err != nil {
			return err
		}
		bareUpdate = append(bareUpdate, took)
	}
	compare("submit", submit, bareStart)
	compare("decide", decide, bareUpdate)
	fmt.Println()
	return nil
}

func compare(name string, ours, bare []time.Duration) {
	line := fmt.Sprintf("%-8s", name)
	for _, p := range []float64{0.5, 0.99} {
		a, b := percentile(ours, p), percentile(bare, p)
		line += fmt.Sprintf("  p%.0f aidflow %6.1f ms  control %6.1f ms  ratio %.2f", p*100, ms(a), ms(b), float64(a)/float64(b))
	}
	fmt.Println(line)
}

func percentile(all []time.Duration, p float64) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[min(int(p*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bare times one SQL transaction of one row and one call of the engine.
func (r *rig) bare(ctx context.Context, workflow string, call func(context.Context, string) error) (time.Duration, error) {
	begun := time.Now()
	tx, err := r.plain.BeginTxx(ctx, nil)
	if err != nil {
		return 0, err
	}
	if _, err := tx.ExecContext(ctx, `INSERT INTO bench_bare (id, at) VALUES ($1, now())`, postgres.NewID("bare")); err != nil {
		return 0, err
	}
	if err := tx.Commit(); err != nil {
		return 0, err
	}
	if err := call(ctx, workflow); err != nil {
		return 0, err
	}
	return time.Since(begun), nil
}

func (r *rig) bareStart(ctx context.Context, workflow string) error {
	_, err := r.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: workflow, TaskQueue: controlQueue}, "controlCase",
		controlInput{ID: workflow, Shape: shape{Checks: 4, Decisions: 9}})
	return err
}

func (r *rig) bareUpdate(ctx context.Context, workflow string) error {
	return r.controlUpdate(ctx, workflow)
}

// httpSubmit times POST /v1/cases and waits, untimed, for the case's tasks.
func (r *rig) httpSubmit(ctx context.Context, n int) (id string, took time.Duration, err error) {
	row, err := r.store.Programme(ctx, "medical")
	if err != nil {
		return "", 0, err
	}
	var body map[string]any
	if err := json.Unmarshal(row.Definition.ExampleRequest, &body); err != nil {
		return "", 0, err
	}
	head := postgres.DevelopmentHousehold(n)[0]
	body["area"], body["external_id"] = head.Area, fmt.Sprintf("bench-http-%d", n)
	body["applicant"] = map[string]any{"full_name": head.FullName, "national_id": head.NationalID, "birth_date": head.BirthDate, "sex": head.Sex}
	body["household"] = map[string]any{"code": head.HouseholdCode}
	begun := time.Now()
	var out struct{ ID string }
	_, err = r.call(ctx, "POST", "/v1/cases", r.state.Keys["portal1"], "", body, &out)
	took = time.Since(begun)
	for tasks := 0; err == nil && tasks == 0; time.Sleep(5 * time.Millisecond) {
		var rows []postgres.TaskRow
		rows, err = r.store.Tasks(ctx, r.manager, postgres.TaskFilter{Case: out.ID}, postgres.Page{Limit: 10})
		tasks = len(rows)
	}
	return out.ID, took, err
}

// httpDecide times the decision on the case's documents.
func (r *rig) httpDecide(ctx context.Context, caseID string) (time.Duration, error) {
	token, err := stack.Token(r.state.DataDir, "verifier1", time.Now(), time.Hour)
	if err != nil {
		return 0, err
	}
	var list struct{ Data []struct{ ID, Kind string } }
	if _, err := r.call(ctx, "GET", "/v1/tasks?kind=verify_documents&case="+caseID, token, "", nil, &list); err != nil {
		return 0, err
	}
	if len(list.Data) == 0 {
		return 0, fmt.Errorf("no task of %s", caseID)
	}
	path := "/v1/tasks/" + list.Data[0].ID
	etag, err := r.call(ctx, "GET", path, token, "", nil, nil)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	_, err = r.call(ctx, "POST", path+"/decisions", token, etag, map[string]any{"action": "complete"}, nil)
	return time.Since(begun), err
}

// call makes one request and gives the ETag of its answer.
func (r *rig) call(ctx context.Context, method, path, bearer, ifMatch string, body, out any) (string, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, method, r.state.API+path, bytes.NewReader(raw))
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	if method == "POST" {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", postgres.NewID("key"))
	} else {
		req.Body, req.ContentLength = nil, 0
	}
	if ifMatch != "" {
		req.Header.Set("If-Match", ifMatch)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	if res.StatusCode >= 300 {
		return "", fmt.Errorf("%s %s: %d %s", method, path, res.StatusCode, said)
	}
	if out != nil {
		err = json.Unmarshal(said, out)
	}
	return res.Header.Get("ETag"), err
}
