package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/programmes"
)

// revisedFile writes a shipped programme with some texts in place of others.
func revisedFile(t *testing.T, code string, replace ...string) string {
	t.Helper()
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), code+".yaml")
	if err := os.WriteFile(file, []byte(strings.NewReplacer(replace...).Replace(string(sources[code]))), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func runRules(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := newRulesCommand()
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

func TestRulesSimulateOnSamples(t *testing.T) {
	golden, err := programmes.Goldens()
	if err != nil {
		t.Fatal(err)
	}
	table := filepath.Join(t.TempDir(), "medical.yaml")
	if err := os.WriteFile(table, golden["medical"], 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runRules(t, "simulate", "medical", "--over", table)
	if err != nil || !strings.Contains(out, " 0 would change: 0 decisions, 0 amounts, 0 levels; 0 do not fit") {
		t.Errorf("beside itself: %v\n%s", err, out)
	}
	stricter := revisedFile(t, "medical", "version: 1", "version: 2", "require: household.registered\n    effect: hint", "require: household.registered\n    effect: final")
	out, err = runRules(t, "simulate", stricter, "--over", table)
	if err != nil || !strings.Contains(out, "not on the register: eligible 6000000 [commune any] -> rejected 6000000 [commune any]") || !strings.Contains(out, " 1 would change: 1 decisions") {
		t.Errorf("a rule that is final now: %v\n%s", err, out)
	}
	if _, err := runRules(t, "simulate", "medical", "--over", "nowhere.yaml"); err == nil {
		t.Error("a table that is not there")
	}
}

// What is asked of the API, and what is told of its answers.
func TestRulesOverTheAPI(t *testing.T) {
	var asked []string
	pages := 0
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		asked = append(asked, r.URL.Path)
		switch {
		case r.Header.Get("Authorization") != "Bearer token" || r.Header.Get("Idempotency-Key") == "":
			w.WriteHeader(http.StatusUnauthorized)
		case strings.HasSuffix(r.URL.Path, "/simulate"):
			pages++
			next := map[int]string{1: `, "has_more": true, "next_cursor": "x"`}[pages]
			_, _ = w.Write([]byte(`{"totals": {"looked_at": 2, "changed": 1, "amount_before": 5, "amount_after": 4}, "cases": [{"reference": "HS-2026-000001", "why": ["limited_by:rule"],
				"before": {"decision": "eligible", "amount": 5, "levels": ["commune any"]}, "after": {"decision": "unfit"}, "differs": ["decision"]}]` + next + `}`))
		case strings.HasSuffix(r.URL.Path, "/publish"):
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"code": "second_administrator", "detail": "Somebody else."}`))
		default:
			_, _ = w.Write([]byte(`{"code": "medical", "version": 2, "state": "proposed", "draft": "drf_1", "compared_with": 1, "changes": [{"text": "Ceiling: less"}], "warnings": [{"line": 4, "message": "In the past."}]}`))
		}
	}))
	t.Cleanup(api.Close)
	t.Setenv("AIDFLOW_TOKEN", "token")
	out, err := runRules(t, "simulate", "medical", "--api", api.URL)
	if err != nil || strings.Count(out, "HS-2026-000001: eligible 5 [commune any] -> unfit (limited_by:rule)") != 2 || !strings.Contains(out, "looked at 4, 2 would change") || !strings.Contains(out, "10 -> 8 VND") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runRules(t, "propose", "medical", "--api", api.URL)
	if err != nil || !strings.Contains(out, "since version 1: Ceiling: less") || !strings.Contains(out, "warning, line 4: In the past.") || !strings.Contains(out, "aidflow rules publish medical 2 --draft drf_1") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err = runRules(t, "publish", "medical", "2", "--draft", "drf_1", "--api", api.URL); err == nil || err.Error() != "Somebody else. [second_administrator]" {
		t.Errorf("%v", err)
	}
	if _, err = runRules(t, "publish", "medical", "two", "--draft", "x"); err == nil {
		t.Error("two is a number")
	}
	if len(asked) != 4 || asked[0] != "/v1/programmes/medical/simulate" || asked[2] != "/v1/programmes" || asked[3] != "/v1/programmes/medical/versions/2/publish" {
		t.Errorf("%v", asked)
	}
}
