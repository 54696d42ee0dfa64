package worker_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/registers"
	"github.com/aidflow/aidflow/registers/httpregister"
	"github.com/aidflow/aidflow/registers/simulator"
)

// registerVariable makes the test binary run as the process of a register.
const registerVariable = "AIDFLOW_TEST_REGISTER"

// beRegister is the whole of that process.
func beRegister(encoded string) int {
	var cfg simulator.Config
	if err := json.Unmarshal([]byte(encoded), &cfg); err != nil {
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := simulator.Run(ctx, cfg, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// office is the process of an external register, at one address for life.
type office struct {
	t       *testing.T
	people  string
	address string
	cmd     *exec.Cmd // nil while it is down
}

// newOffice makes a register that is down and knows these people.
func newOffice(t *testing.T, people ...postgres.Applicant) *office {
	t.Helper()
	o := &office{t: t, people: filepath.Join(t.TempDir(), "people")}
	var lines []string
	for _, p := range people {
		raw, err := json.Marshal(map[string]string{"national_id": p.NationalID, "full_name": p.FullName, "birth_date": p.BirthDate, "sex": p.Sex})
		require.NoError(t, err)
		lines = append(lines, string(raw))
	}
	require.NoError(t, os.WriteFile(o.people, []byte(strings.Join(lines, "\n")), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	o.address = l.Addr().String()
	require.NoError(t, l.Close())
	t.Cleanup(o.down)
	return o
}

func (o *office) up() {
	o.t.Helper()
	encoded, err := json.Marshal(simulator.Config{Address: o.address, People: o.people, Token: "t"})
	require.NoError(o.t, err)
	o.cmd = exec.Command(os.Args[0])
	o.cmd.Env, o.cmd.Stderr = append(os.Environ(), registerVariable+"="+string(encoded)), os.Stderr
	out, err := o.cmd.StdoutPipe()
	require.NoError(o.t, err)
	require.NoError(o.t, o.cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(o.t, err)
	require.Contains(o.t, line, `"ready":true`)
}

// stumbles makes the register fail at the next question.
func (o *office) stumbles() {
	o.t.Helper()
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, "http://"+o.address+"/v1/faults", strings.NewReader(`{"kind": "error", "calls": 1}`))
	require.NoError(o.t, err)
	req.Header.Set("Authorization", "Bearer t")
	res, err := http.DefaultClient.Do(req)
	require.NoError(o.t, err)
	require.Equal(o.t, http.StatusNoContent, res.StatusCode)
	require.NoError(o.t, res.Body.Close())
}

func (o *office) down() {
	if o.cmd != nil {
		_ = o.cmd.Process.Kill()
		_ = o.cmd.Wait()
		o.cmd = nil
	}
}

// asks lets a programme ask external registers and gives the town's worker the
// way to one of them.
func (tn *town) asks(programme string, final bool, o *office, names ...string) {
	tn.t.Helper()
	var checks string
	for _, name := range names {
		checks += fmt.Sprintf(`{"kind":"external","register":%q,"final":%t},`, name, final)
	}
	tn.change(`ALTER TABLE programmes DISABLE TRIGGER programmes_stay`)
	tn.change(`UPDATE programmes SET definition = replace(definition, '"checks":[', '"checks":[' || $2) WHERE code = $1`, programme, checks)
	client, err := httpregister.New(httpregister.Config{URL: "http://" + o.address, Token: "t", Timeout: 500 * time.Millisecond})
	require.NoError(tn.t, err)
	tn.doing.Registers = map[string]registers.Register{"population": client}
}

// external gives what is recorded of the external registers.
func (tn *town) external(id string) []string {
	tn.t.Helper()
	return tn.texts(`SELECT kind || ' ' || passed || ' ' || array_to_string(codes, ',') FROM case_checks WHERE case_id = $1 AND kind LIKE 'external:%' ORDER BY kind`, id)
}

// owners gives whom a case has waited for, in its order, each wait once.
func (tn *town) owners(id, stage string) []string {
	tn.t.Helper()
	return tn.texts(`SELECT owner FROM intervals WHERE case_id = $1 AND stage = $2 ORDER BY n`, id, stage)
}

func recording(actor, result string) *move {
	return &move{actor: actor, action: aid.ActionComplete, note: "The register did not answer.", data: `{"result": "` + result + `", "reference": "Letter 12/2026"}`}
}

func TestARegisterAnswers(t *testing.T) {
	request := example(t, "medical")
	other := request.Applicant
	other.FullName, other.BirthDate = "Somebody Else", "1950-01-01"
	nobody := request
	nobody.Applicant.NationalID = ""
	tests := []struct {
		name   string
		knows  postgres.Applicant
		asked  postgres.CaseContent
		final  bool
		want   string
		status aid.Status
	}{
		{"a match", request.Applicant, request, true, "external:population true ", aid.Closed},
		{"somebody else, which informs", other, request, false, "external:population false no_match,birth_date_differs,full_name_differs", aid.Closed},
		{"somebody else, which is final", other, request, true, "external:population false no_match,birth_date_differs,full_name_differs", aid.Rejected},
		{"not known", postgres.Applicant{NationalID: "051190007777"}, request, false, "external:population false not_found", aid.Closed},
		{"nobody to ask about", other, nobody, true, "external:population true no_id_number", aid.Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn, o := newTown(t), newOffice(t, tt.knows)
			o.up()
			if tt.asked.Applicant.NationalID != "" {
				o.stumbles() // a second later it answers
			}
			tn.asks("medical", tt.final, o, "population")
			c := tn.submit(tt.asked)
			tn.now = tn.now.Add(time.Minute) // a case does not end in the moment in which it comes
			tn.live(willing)
			require.Equal(t, tt.status, tn.status(c))
			require.Equal(t, []string{tt.want}, tn.external(c))
			require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'record_check'`))
			require.Equal(t, 1, tn.events(c, "case.register_checked"))
			if tt.status == aid.Rejected {
				require.Equal(t, "check_external", tn.row(c).ReasonCode)
			}
			tn.check()
		})
	}
}

// A register that is away keeps nobody from coming back to it: the case waits
// for it by name, and goes on by itself when it answers.
func TestARegisterIsAwayForADay(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	request := example(t, "medical")
	o := newOffice(t, request.Applicant)
	tn.asks("medical", false, o, "population")
	c := tn.submit(request)
	began := tn.now
	tn.once("it is awaited", tn.open(c, aid.RecordCheck), func() {
		row := tn.row(c)
		require.Equal(t, aid.Submitted, row.Status)
		require.Equal(t, aid.OwnerRegister, *row.WaitingOwner)
		require.Equal(t, []string{"population"}, tn.texts(`SELECT subject FROM tasks WHERE closed_at IS NULL`))
	})
	tn.once("it is back", func() bool { return tn.now.Sub(began) > 24*time.Hour }, o.up)
	tn.live(people(willing).never(aid.RecordCheck))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"external:population true "}, tn.external(c))
	require.Equal(t, []string{"void answered"}, tn.texts(`SELECT state || ' ' || outcome FROM tasks WHERE kind = 'record_check'`))
	require.Equal(t, []string{"system", "register", "register"}, tn.owners(c, "intake"))
	require.NotZero(t, tn.number(`SELECT count(*) FROM intervals WHERE owner = 'register' AND to_at - from_at BETWEEN '24 hours' AND '26 hours'`), "asked at least once an hour")
	tn.check()
}

// While a register stays away a verifier records the check in its place. Of
// two registers the one that answers is not asked again.
func TestACheckIsRecordedByHand(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	request := example(t, "medical")
	o := newOffice(t, request.Applicant)
	o.up()
	tn.asks("medical", false, o, "population", "insurance") // the deployment has no insurance
	c := tn.submit(request)
	bad := recording("verifier1", "perhaps")
	bad.refuse = "result_required"
	silent := recording("verifier1", "match")
	silent.note, silent.refuse = "", "invalid_content"
	tn.live(people(willing).first(aid.RecordCheck, nil, nil, silent, bad, recording("verifier1", "differs")))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"external:insurance false differs,recorded_by_hand", "external:population true "}, tn.external(c))
	require.Equal(t, []string{"insurance done recorded"}, tn.texts(`SELECT subject || ' ' || state || ' ' || outcome FROM tasks WHERE kind = 'record_check'`))
	require.Equal(t, []string{"insurance true verifier1", "population false system"}, tn.texts(`SELECT (data->>'register') || ' ' || (data->>'by_hand') || ' ' || actor
		FROM events WHERE kind = 'case.register_checked' ORDER BY 1`))
	require.Empty(t, tn.texts(`SELECT person FROM case_duties WHERE duty = 'record_check'`))
	tn.check()
}

// A register and a person that answer in the same moment: one is first, the
// other is told, and nothing is there twice.
func TestARegisterAndAPersonAnswerAtOnce(t *testing.T) {
	for name, personFirst := range map[string]bool{"the person first": true, "the register first": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			request := example(t, "medical")
			o := newOffice(t, request.Applicant)
			tn.asks("medical", false, o, "population")
			c := tn.submit(request)
			late := recording("verifier2", "not_found")
			if !personFirst {
				late.refuse = "task_closed"
			}
			tn.live(people(willing).but(aid.RecordCheck, func(task postgres.TaskRow, waited time.Duration) *move {
				if waited < 3*time.Hour {
					return nil
				}
				o.up()
				ask := func() {
					_, err := tn.doing.AskRegister(context.Background(), aid.RegisterRequest{Case: c, Register: "population"})
					require.NoError(t, err)
				}
				if personFirst {
					tn.later = append(tn.later, func() { tn.hooksAfter(ask) })
				} else {
					tn.later = append(tn.later, ask)
				}
				return late
			}))
			require.Equal(t, aid.Closed, tn.status(c))
			want := "external:population true "
			if personFirst {
				want = "external:population false not_found,recorded_by_hand"
			}
			require.Equal(t, []string{want}, tn.external(c))
			require.Equal(t, 1, tn.events(c, "case.register_checked"))
			require.Equal(t, 1, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'record_check'`))
			tn.check()
		})
	}
}

// hooksAfter does something at the next look.
func (tn *town) hooksAfter(do func()) { tn.once("the next look", func() bool { return true }, do) }

// A partner withdraws while a register is awaited.
func TestWithdrawWhileARegisterIsAwaited(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	o := newOffice(t)
	tn.asks("medical", false, o, "population")
	c := tn.submit(example(t, "medical"))
	tn.once("withdraw", tn.open(c, aid.RecordCheck), func() { tn.withdraw(c) })
	tn.live(people(willing).never(aid.RecordCheck))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Empty(t, tn.external(c))
	require.Equal(t, []string{"void"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'record_check'`))
	tn.check()
}

// A register that nobody mends: the task's deadline is told, the case is asked
// about for weeks without filling its history, and nobody is rejected.
func TestARegisterIsAwayForWeeks(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	o := newOffice(t)
	tn.asks("medical", false, o, "population")
	c := tn.submit(example(t, "medical"))
	began := tn.now
	tn.liveUntil(people(willing).never(aid.RecordCheck), func() bool { return tn.now.Sub(began) > 21*24*time.Hour })
	require.Equal(t, aid.Submitted, tn.status(c))
	require.Equal(t, 1, tn.events(c, "case.sla_breached"))
	require.LessOrEqual(t, tn.number(`SELECT count(*) FROM transitions`), 9, "the questions, and a look at each rung")
	tn.check()
}

// The question to a register, run twice and at once as after the death of a
// worker, has one effect.
func TestARegisterIsAskedTwice(t *testing.T) {
	for name, atOnce := range map[string]bool{"one after the other": false, "both at once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			request := example(t, "medical")
			o := newOffice(t, request.Applicant)
			tn.asks("medical", false, o, "population", "insurance")
			twice := &repeater{t: t, doing: tn.doing, atOnce: atOnce, times: map[string]int{}}
			tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
				env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{twice}})
			}
			c := tn.submit(request)
			tn.once("it is back", tn.open(c, aid.RecordCheck), o.up)
			tn.live(people(willing).but(aid.RecordCheck, func(task postgres.TaskRow, waited time.Duration) *move {
				if task.Subject == "population" || waited < 5*time.Hour {
					return nil
				}
				return recording("verifier1", "match")
			}))
			require.Equal(t, aid.Closed, tn.status(c))
			require.NotZero(t, twice.times["AskRegister"])
			require.NotZero(t, twice.times["RecordCheck"])
			require.Equal(t, []string{"external:insurance true recorded_by_hand", "external:population true "}, tn.external(c))
			require.Equal(t, 2, tn.events(c, "case.register_checked"))
			require.Equal(t, 1, tn.events(c, "case.verified"))
			tn.check()
		})
	}
}
