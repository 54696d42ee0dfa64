package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	_ "github.com/lib/pq" // the ready file's database is looked at

	dev "github.com/aidflow/aidflow/internal/stack"
)

// clone makes a folder as a clone has it after "make build", closed to others.
func clone(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(built.work, "clone-") // 0700
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "bin"), 0o755),
		os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module github.com/aidflow/aidflow\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"aidflow", "aidflow-engine"} {
		if err := os.Link(filepath.Join(built.dir, name), filepath.Join(dir, "bin", name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// occupy listens on the ports that the documentation names, unless somebody
// does already.
func occupy(t *testing.T) {
	t.Helper()
	for _, port := range []string{"8080", "7233", "8233"} {
		if l, err := net.Listen("tcp", "127.0.0.1:"+port); err == nil {
			t.Cleanup(func() { _ = l.Close() })
		}
	}
}

// TestNewcomer does in a clone in a closed folder, on a machine with busy
// ports, what a newcomer does: start it with the demonstration, look around,
// take the first case of the README along, start it a second time by mistake,
// lose the machine's power in the middle of a payment, and go on.
func TestNewcomer(t *testing.T) {
	occupy(t)
	wd := clone(t)
	o := stackOptions{dir: filepath.Join(wd, ".aidflow"), program: filepath.Join(wd, "bin", "aidflow"), wd: wd, args: []string{"--demo"}}
	removeFarCluster(t, o.dir)
	s := startStack(t, o).stopAtEnd(t)
	steps := []struct {
		name string
		do   func(*testing.T)
	}{
		{"ready file", s.checkReadyFile},
		{"busy ports", s.checkPorts},
		{"private files", s.checkPrivateFiles},
		{"console", s.checkConsole},
		{"second start", func(t *testing.T) { s.checkSecondStart(t, o) }},
		{"demonstration", s.checkDemonstration},
		{"README", func(t *testing.T) { s.checkReadme(t, wd) }},
		{"money", s.checkMoney},
		{"second opinion", s.checkIsClean},
		{"power cut", func(step *testing.T) { s = s.checkPowerCut(step, t, o) }},
		{"second opinion after it", func(t *testing.T) { s.checkIsClean(t) }},
		{"orderly end", func(t *testing.T) { s.checkEnd(t) }},
	}
	for _, step := range steps {
		if !t.Run(step.name, step.do) {
			t.Fatal(s.tail())
		}
	}
}

// removeFarCluster: where root starts the stack in a closed folder, PostgreSQL
// lives elsewhere, and outlives the folder. It is removed after the stack's end.
func removeFarCluster(t *testing.T, dir string) {
	t.Helper()
	t.Cleanup(func() {
		if b, err := os.ReadFile(filepath.Join(dir, "postgres.path")); err == nil {
			_ = os.RemoveAll(strings.TrimSpace(string(b)))
		}
	})
}

// checkReadyFile: it says what the contract says, only to its owner, and
// everything in it answers.
func (s *stack) checkReadyFile(t *testing.T) {
	if st, err := os.Stat(s.readyFile()); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("ready file: %v %v", st.Mode(), err)
	}
	raw, err := os.ReadFile(s.readyFile())
	if err != nil {
		t.Fatal(err)
	}
	var said struct {
		API, UI, Temporal, Database string
		Keys                        map[string]string
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{said.API + "/readyz", said.API + "/livez", said.API + "/version", said.API + "/openapi.yaml", said.UI} {
		r, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", url, r.StatusCode)
		}
	}
	c, err := net.Dial("tcp", said.Temporal)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	for _, partner := range []string{"portal1", "portal2"} {
		who := &caller{s: s, name: partner, bearer: said.Keys[partner]}
		if r := who.call(t, http.MethodGet, "/v1/whoami", nil); r.status != http.StatusOK {
			t.Errorf("%s", r)
		}
	}
	db, err := sql.Open("postgres", said.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow("SELECT count(*) FROM programmes").Scan(&n); err != nil || n < 3 {
		t.Errorf("%d programmes, %v", n, err)
	}
}

// checkPorts: what was busy is replaced, and said.
func (s *stack) checkPorts(t *testing.T) {
	for port, address := range map[string]string{"8080": s.API, "7233": s.Temporal, "8233": s.UI} {
		if strings.HasSuffix(address, ":"+port) || !strings.Contains(s.out.String(), "port "+port+" is busy: ") {
			t.Errorf("port %s was busy, it is at %s\n%s", port, address, s.out)
		}
	}
}

// checkPrivateFiles: nobody else on the machine reads keys, passwords, logs or
// books, and the list of processes, which everybody reads, has no secret.
func (s *stack) checkPrivateFiles(t *testing.T) {
	open := map[string]bool{"issuer-url": true, "postgres.path": true}
	err := filepath.WalkDir(s.dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			if mode := e.Name(); mode == "log" || mode == "run" || mode == "postgres" {
				return fs.SkipDir // closed themselves, looked at below
			}
			return nil
		}
		st, err := e.Info()
		if err == nil && st.Mode().Perm()&0o077 != 0 && !open[e.Name()] {
			t.Errorf("%s has mode %o", e.Name(), st.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, dir := range []string{"log", "run"} {
		if st, err := os.Stat(filepath.Join(s.dir, dir)); err != nil || st.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v %v", dir, st, err)
		}
	}
	secrets := []string{s.Environment["AIDFLOW_SIMULATOR_SECRET"], s.Keys["portal1"], s.Keys["portal2"], password(t, s.Database), password(t, s.AppDatabase)}
	for part, pid := range s.PIDs {
		args, err := exec.Command("ps", "-o", "args=", "-p", itoa(pid)).Output()
		if err != nil {
			t.Fatal(err)
		}
		for i, secret := range secrets {
			if secret == "" || strings.Contains(string(args), secret) {
				t.Errorf("secret %d is empty, or among the arguments of the %s", i, part)
			}
		}
	}
}

// checkConsole: the pages for people are there.
func (s *stack) checkConsole(t *testing.T) {
	nobody := &caller{s: s, name: "nobody"}
	for _, path := range []string{"/", "/docs", "/docs/cases"} {
		r := nobody.call(t, http.MethodGet, path, nil, header{"Accept-Language", "en"})
		if r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || !strings.Contains(string(r.body), "</html>") {
			t.Errorf("%s", r)
		}
	}
	if r := nobody.call(t, http.MethodGet, "/docs/nothing", nil); r.status != http.StatusNotFound {
		t.Errorf("%s", r)
	}
}

// checkSecondStart: one line that says where it runs, and nothing disturbed.
func (s *stack) checkSecondStart(t *testing.T, o stackOptions) {
	second := launch(t, stackOptions{dir: o.dir, program: o.program, wd: o.wd})
	<-second.ended
	want := "aidflow: the development stack already runs at " + s.API + " (process " + itoa(s.cmd.Process.Pid) + ")\n"
	if said := second.out.String(); said != want || second.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("exit code %d, said %q, want %q", second.cmd.ProcessState.ExitCode(), said, want)
	}
	if _, err := os.Stat(s.readyFile()); err != nil || !s.ready() {
		t.Errorf("the first one is disturbed: %v", err)
	}
}

var demoCase = regexp.MustCompile(`^demo-[0-9a-f]+-[0-9]+$`)

// checkDemonstration: it reaches its end, with three closed cases and some
// that wait for a person.
func (s *stack) checkDemonstration(t *testing.T) {
	s.await(t, caseLimit, "the end of the demonstration", func() bool { return strings.Contains(s.out.String(), "\nThe stack is up at ") })
	if said := s.out.String(); strings.Contains(said, "the demonstration failed") || !strings.Contains(said, "All of the API: "+s.API+"/docs") {
		t.Errorf("it did not reach its end:\n%s", said)
	}
	closed, waiting := map[string]int{}, 0
	for _, c := range list[caseView](t, s.partner(t), "/v1/cases") {
		if !demoCase.MatchString(c.ExternalID) {
			continue
		}
		if c.Status == "closed" {
			closed[c.Programme]++
		} else {
			waiting++
		}
	}
	if closed["housing_new"] != 1 || closed["medical"] != 1 || closed["schooling"] != 1 || waiting == 0 {
		t.Errorf("closed %v, waiting %d", closed, waiting)
	}
}

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// checkReadme pastes the README's first case into a shell, as it is written.
func (s *stack) checkReadme(t *testing.T, wd string) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script := "set -e\n"
	blocks := shellBlock.FindAllStringSubmatch(string(text), -1)
	for _, block := range blocks {
		script += block[1]
	}
	ctx, cancel := context.WithTimeout(t.Context(), caseLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir, cmd.Env, cmd.WaitDelay = wd, cleanEnv(), time.Second
	out, err := cmd.CombinedOutput()
	if err != nil || len(blocks) < 5 || strings.Count(string(out), "refused\n") != 1 || !strings.Contains(string(out), `"four_eyes"`) {
		t.Fatalf("%d blocks: %v\n%s", len(blocks), err, out)
	}
	made := list[caseView](t, s.partner(t), "/v1/cases", "external_id", "readme-1")
	if len(made) != 1 || made[0].Status != "closed" || made[0].Approved.Amount != 6_000_000 {
		t.Fatalf("%+v\n%s", made, out)
	}
	if paid := list[payment](t, s.as(t, "manager1"), "/v1/payments", "case", made[0].ID, "status", "settled"); len(paid) != 1 {
		t.Errorf("%d payments: %+v", len(paid), paid)
	}
}

// checkPowerCut kills everything while money is on its way; the next start
// finds all of it and goes on.
func (s *stack) checkPowerCut(t, whole *testing.T, o stackOptions) *stack {
	households.Add(1000) // the demonstration has left cases of the first ones waiting
	c := submit(t, s, newRequest(t, s, "medical"))
	d := &drive{s: s, id: c.ID}
	release := d.until(t, "release_payment", "")
	before := len(list[caseView](t, s.partner(t), "/v1/cases"))
	s.settleLate(t, c.ID)
	s.decide(t, "releaser1", release.ID, "approve")
	story{}.expectOnItsWay(t, s, c.ID)
	s.killAll(t)
	if _, err := dev.ReadState(o.dir); !errors.Is(err, dev.ErrNotRunning) {
		t.Errorf("a killed stack is said to run: %v", err)
	}
	o.args = nil
	again := startStack(t, o).stopAtEnd(whole)
	if again.Keys["portal1"] != s.Keys["portal1"] {
		t.Error("portal1 has another key")
	}
	if n := len(list[caseView](t, again.partner(t), "/v1/cases")); n != before {
		t.Errorf("%d cases, were %d", n, before)
	}
	d.s = again
	d.toEnd(t)
	story{programme: "medical", tranches: []int64{6_000_000}}.check(t, again, c.ID)
	again.checkMoney(t)
	return again
}

// checkEnd: asked to end, it ends in order and leaves no process and no file
// that says that it runs.
func (s *stack) checkEnd(t *testing.T) {
	state, err := dev.ReadState(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for part, pid := range state.PIDs {
		if alive(pid) {
			t.Errorf("the %s still runs", part)
		}
	}
	if _, err := os.Stat(s.readyFile()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the ready file stays: %v", err)
	}
}

// password gives the password of a URL.
func password(t *testing.T, dsn string) string {
	t.Helper()
	m := regexp.MustCompile(`://[^:@/]+:([^@]+)@`).FindStringSubmatch(dsn)
	if m == nil {
		t.Fatal("no password in the URL of a database")
	}
	return m[1]
}
