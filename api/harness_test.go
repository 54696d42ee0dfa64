package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/golang-jwt/jwt/v5"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/workflows"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const commune = "51001" // of the development data, below province 51

// fakeProcess stands in for the engine: it keeps what it was asked and
// answers what the test says.
type fakeProcess struct {
	mu        sync.Mutex
	started   []string
	decisions []aid.Decision
	withdrawn []aid.Withdrawal
	hints     []string
	asked     context.Context // of the last decision

	startErr, decideErr, withdrawErr, retryErr, forwardErr, healthErr error
	onDecide                                                          func(workflow string, d aid.Decision) error
	onMove                                                            func(aid.VersionMove) error
	onRetry                                                           func(aid.Retry) error
	onWithdraw                                                        func(aid.Withdrawal) string // "withdrawn" or "recorded"
	pending                                                           []string                    // tasks of which no decision is answered in time
}

func (p *fakeProcess) Start(_ context.Context, id, _ string, _ json.RawMessage) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started = append(p.started, id)
	return p.startErr
}

func (p *fakeProcess) Decide(ctx context.Context, workflow string, d aid.Decision) (workflows.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = ctx
	p.decisions = append(p.decisions, d)
	if slices.Contains(p.pending, d.Task) {
		return workflows.Result{}, aid.Refuse(aid.Unknown, "decision_pending")
	}
	if p.decideErr == nil && p.onDecide != nil {
		return workflows.Result{}, p.onDecide(workflow, d)
	}
	return workflows.Result{}, p.decideErr
}

func (p *fakeProcess) Withdraw(_ context.Context, _ string, w aid.Withdrawal) (workflows.Result, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.withdrawn = append(p.withdrawn, w)
	if p.onWithdraw == nil {
		return workflows.Result{}, p.withdrawErr
	}
	return workflows.Result{Result: p.onWithdraw(w)}, p.withdrawErr
}

func (p *fakeProcess) Retry(_ context.Context, _ string, r aid.Retry) (workflows.Result, error) {
	if p.onRetry == nil {
		return workflows.Result{}, p.retryErr
	}
	return workflows.Result{}, p.onRetry(r)
}

func (p *fakeProcess) MoveVersion(_ context.Context, _ string, m aid.VersionMove) (workflows.Result, error) {
	if p.onMove == nil {
		return workflows.Result{}, aid.Refuse(aid.Conflict, "wrong_state")
	}
	return workflows.Result{}, p.onMove(m)
}

func (p *fakeProcess) Hint(_ context.Context, workflow string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hints = append(p.hints, workflow)
	return nil
}

func (p *fakeProcess) Advance(ctx context.Context, _ []string, _ time.Time, d time.Duration, raise func(context.Context, time.Duration) error) error {
	if p.forwardErr != nil {
		return p.forwardErr
	}
	return raise(ctx, d)
}

func (p *fakeProcess) Health(context.Context) error { return p.healthErr }

// issuer is an OpenID Connect issuer of the test.
type issuer struct {
	*httptest.Server
	key *rsa.PrivateKey
}

// theKey is made once: making one takes longer than most tests. Two issuers of
// a test share it and differ in their names.
var theKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	key := theKey()
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/a",
			"token_endpoint": i.URL + "/t", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		n := base64.RawURLEncoding.EncodeToString(key.N.Bytes())
		e := base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": n, "e": e}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) token(t testing.TB, subject, audience string, expires time.Time) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"iss": i.URL, "sub": subject, "aud": audience,
		"iat": time.Now().Add(-time.Minute).Unix(), "exp": expires.Unix()})
	token.Header["kid"] = "1"
	signed, err := token.SignedString(i.key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// door is a server on a database of its own, with the development data.
type door struct {
	*Server
	t       testing.TB
	db      *pgtest.DB
	process *fakeProcess
	issuer  *issuer
	log     *bytes.Buffer
	logMu   *sync.Mutex
}

type syncWriter struct {
	mu *sync.Mutex
	w  io.Writer
}

func (s syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

func openDoor(t testing.TB, change ...func(*Config)) *door {
	t.Helper()
	d := &door{t: t, db: pgtest.New(t), process: &fakeProcess{}, issuer: newIssuer(t), log: &bytes.Buffer{}, logMu: &sync.Mutex{}}
	cfg := Config{Mode: "test", Sandbox: true, Version: "0.0.0", Issuer: d.issuer.URL, Audience: "aidflow", SimulatorSecret: "secret",
		Log: slog.New(slog.NewJSONHandler(syncWriter{d.logMu, d.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	byFile(&cfg)
	for _, c := range change {
		c(&cfg)
	}
	server, err := New(cfg, d.db.Store, d.process, func(_ *Server, r gin.IRouter) {
		r.GET("/docs", func(c *gin.Context) { c.Data(http.StatusOK, "text/html", []byte("<p>docs</p>")) })
		r.GET("/panic", func(*gin.Context) { panic("0912345678 canary") })
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Server = server
	return d
}

func (d *door) logged() string {
	d.logMu.Lock()
	defer d.logMu.Unlock()
	return d.log.String()
}

// credential gives what a development user sends: a partner's key, a token of
// staff, or nothing for "".
func (d *door) credential(who string) string {
	if who == "" {
		return ""
	}
	if key, ok := d.db.Keys[who]; ok {
		return "Bearer " + key
	}
	return "Bearer " + d.issuer.token(d.t, who, "aidflow", time.Now().Add(time.Hour))
}

// answer is what came back, checked against the document.
type answer struct {
	Status int
	Header http.Header
	Body   map[string]any
	Raw    string
}

func (a answer) str(path string) string {
	s, _ := a.at(path).(string)
	return s
}

// at walks into the body: "data.0.id".
func (a answer) at(path string) any {
	var v any = a.Body
	for _, step := range strings.Split(path, ".") {
		switch n := v.(type) {
		case map[string]any:
			v = n[step]
		case []any:
			i := 0
			for _, c := range step {
				i = i*10 + int(c-'0')
			}
			if i >= len(n) {
				return nil
			}
			v = n[i]
		default:
			return nil
		}
	}
	return v
}

// codes gives "pointer code" of every fault.
func (a answer) codes() []string {
	var out []string
	errs, _ := a.Body["errors"].([]any)
	for _, e := range errs {
		m := e.(map[string]any)
		place, _ := m["pointer"].(string)
		if p, ok := m["parameter"].(string); ok {
			place = p
		}
		out = append(out, place+" "+m["code"].(string))
	}
	return out
}

// call sends a request as a development user. Body is nil, a string sent as it
// is, or anything that becomes JSON. Headers come in pairs.
func (d *door) call(who, method, path string, body any, headers ...string) answer {
	d.t.Helper()
	r := d.newRequest(who, method, path, body, headers...)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return d.checked(r, w)
}

func (d *door) newRequest(who, method, path string, body any, headers ...string) *http.Request {
	d.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			d.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	r := httptest.NewRequest(method, path, reader)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c := d.credential(who); c != "" {
		r.Header.Set("Authorization", c)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// request is a whole valid request of a programme, as its example has it.
func (d *door) request(programme string) map[string]any {
	d.t.Helper()
	row, err := d.db.Programme(context.Background(), programme)
	if err != nil {
		d.t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(row.Definition.ExampleRequest, &out); err != nil {
		d.t.Fatal(err)
	}
	out["area"] = commune
	return out
}

func key() []string { return []string{"Idempotency-Key", postgres.NewID(aid.RequestID)} }

// submitted makes a case of portal1 and gives its id.
func (d *door) submitted(programme string) string {
	d.t.Helper()
	a := d.call("portal1", "POST", "/v1/cases", d.request(programme), key()...)
	if a.Status != http.StatusCreated {
		d.t.Fatalf("submit: %d %s", a.Status, a.Raw)
	}
	return a.str("id")
}

// underReview lets the case's verification begin, as its workflow would: the
// task verify_documents is open. It gives the task's id.
func (d *door) underReview(caseID string) string {
	d.t.Helper()
	var task string
	err := d.db.Write(context.Background(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(caseID)
		if err != nil {
			return err
		}
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		due := tx.Now.Add(72 * time.Hour)
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Owner: aid.OwnerOffice,
			Rule: map[string]string{"because": "documents_to_check"}, Due: &due})
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return task
}

// applyDecisions lets the fake engine make decisions facts, as a step would.
func (d *door) applyDecisions() {
	d.process.onDecide = func(_ string, dec aid.Decision) error {
		var caseID string
		if err := d.db.SQL(d.t).QueryRow(`SELECT case_id FROM tasks WHERE id = $1`, dec.Task).Scan(&caseID); err != nil {
			return err
		}
		return d.db.Write(context.Background(), func(tx *postgres.Tx) error {
			c, err := tx.LockCase(caseID)
			if err != nil {
				return err
			}
			t, _, err := tx.ApplyDecision(c, dec)
			if err != nil {
				return err
			}
			return tx.CloseTask(t, "completed")
		})
	}
}
