package simulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/railtest"
)

// call makes a raw request and gives status and problem code.
func call(t *testing.T, h http.Handler, method, path, secret, body string) (int, string) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+secret)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var p problem
	_ = json.Unmarshal(w.Body.Bytes(), &p)
	return w.Code, p.Code
}

func TestBadRequestsAreRefusedAndLeaveNothing(t *testing.T) {
	s, c := openServer(t, Config{})
	b, err := json.Marshal(requestOf(instruction(1)))
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	for name, x := range map[string]struct {
		method, path, secret, body string
		status                     int
		code                       string
	}{
		"wrong secret":    {"POST", "/v1/payments", "x", good, 401, rails.CodeUnauthorized},
		"no secret":       {"GET", "/v1/books", "", "", 401, rails.CodeUnauthorized},
		"faults closed":   {"POST", "/v1/faults", "x", "{}", 401, rails.CodeUnauthorized},
		"no route":        {"GET", "/v1/other", testSecret, "", 404, codeNoRoute},
		"not JSON":        {"POST", "/v1/payments", testSecret, "x", 400, codeMalformed},
		"trailing":        {"POST", "/v1/payments", testSecret, good + "x", 400, codeMalformed},
		"unknown field":   {"POST", "/v1/payments", testSecret, strings.Replace(good, `"key"`, `"x":1,"key"`, 1), 400, codeMalformed},
		"doubled field":   {"POST", "/v1/payments", testSecret, strings.Replace(good, `"key"`, `"amount":9,"key"`, 1), 400, codeMalformed},
		"letter case":     {"POST", "/v1/payments", testSecret, strings.Replace(good, `"key"`, `"Key"`, 1), 400, codeMalformed},
		"fraction":        {"POST", "/v1/payments", testSecret, strings.Replace(good, "1000001", "1.5", 1), 400, codeMalformed},
		"too long":        {"POST", "/v1/payments", testSecret, strings.Repeat(" ", maxBody) + good, 400, codeMalformed},
		"amount zero":     {"POST", "/v1/payments", testSecret, strings.Replace(good, "1000001", "0", 1), 422, rails.CodeInvalidInstruction},
		"key malformed":   {"GET", "/v1/payments/x", testSecret, "", 422, rails.CodeInvalidInstruction},
		"fault malformed": {"POST", "/v1/faults", testSecret, `{"rule":[]}`, 400, codeMalformed},
	} {
		if status, code := call(t, s.Handler(), x.method, x.path, x.secret, x.body); status != x.status || code != x.code {
			t.Errorf("%s: %d %s", name, status, code)
		}
	}
	if b := mustRead(t, c); len(b.States) != 0 {
		t.Errorf("something was left: %v", b.States)
	}
	if status, _ := call(t, s.Handler(), "GET", "/livez", "", ""); status != http.StatusNoContent {
		t.Errorf("livez: %d", status)
	}
	if status, _ := call(t, s.Handler(), "GET", "/v1/faults", testSecret, ""); status != http.StatusOK {
		t.Errorf("faults: %d", status)
	}
}

func TestTheBooksAddUpAndKeepNoPayee(t *testing.T) {
	file := filepath.Join(t.TempDir(), "books")
	_, c := openServer(t, Config{Books: file})
	var sum int64
	for n := 1; n <= 4; n++ {
		in := instructionTo(n, "CANARY77001")
		if _, err := c.Submit(t.Context(), in); err != nil {
			t.Fatal(err)
		}
		railtest.Await(t, c, in)
		sum += in.Amount
	}
	b := mustRead(t, c)
	if len(b.Totals) != 1 || b.Totals[0] != (Total{"VND", 4, sum}) {
		t.Errorf("totals %+v", b.Totals)
	}
	want := []Balance{{accountClearing, "VND", 0}, {accountOperator, "VND", -sum}, {accountPayees, "VND", sum}}
	for i, w := range want {
		if i >= len(b.Balances) || b.Balances[i] != w {
			t.Errorf("balances %+v", b.Balances)
			break
		}
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"CANARY", "970416"} {
		if bytes.Contains(raw, []byte(personal)) {
			t.Errorf("the books hold %s", personal)
		}
	}
}

func TestADoubledMovementIsSeen(t *testing.T) {
	b := Books{States: map[rails.State]int{rails.Settled: 1}, Movements: []Movement{{Key: "a/b/1", Reference: "r"}}}
	if !b.agrees() {
		t.Error("good books are refused")
	}
	b.Movements = append(b.Movements, b.Movements[0])
	if b.agrees() {
		t.Error("a doubled movement is not seen")
	}
	b.Movements = b.Movements[:0]
	if b.agrees() {
		t.Error("a lost movement is not seen")
	}
}

func TestAHeldCallEndsWithTheServer(t *testing.T) {
	s, c := openServer(t, Config{})
	mustScript(t, c, Rule{Kind: Hang})
	ended := make(chan error, 1)
	go func() {
		_, err := c.Submit(t.Context(), instruction(1))
		ended <- err
	}()
	for mustRead(t, c).States[rails.Settled] == 0 { // until it was executed
	}
	s.cancel()
	if err := <-ended; rails.CertaintyOf(err) != rails.Unknown {
		t.Errorf("got %v", err)
	}
}

func TestRunPrintsOneReadyLine(t *testing.T) {
	r, w := io.Pipe()
	cfg := Config{Address: "127.0.0.1:0", Books: filepath.Join(t.TempDir(), "books"), Secret: testSecret}
	go func() { _ = Run(t.Context(), cfg, w) }()
	var ready Ready
	if err := json.NewDecoder(r).Decode(&ready); err != nil || !ready.Ready {
		t.Fatalf("%+v %v", ready, err)
	}
	if b := mustRead(t, newClient(t, "http://"+ready.Address)); len(b.Movements) != 0 {
		t.Error("new books are not empty")
	}
}
