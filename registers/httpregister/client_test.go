package httpregister_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aidflow/aidflow/registers"
	"github.com/aidflow/aidflow/registers/httpregister"
	"github.com/aidflow/aidflow/registers/registertest"
	"github.com/aidflow/aidflow/registers/simulator"
)

const token = "token of the tests"

// processVariable makes the test binary run as the register's process.
const processVariable = "AIDFLOW_TEST_REGISTER"

func TestMain(m *testing.M) {
	encoded := os.Getenv(processVariable)
	if encoded == "" {
		os.Exit(m.Run())
	}
	var cfg simulator.Config
	if err := json.Unmarshal([]byte(encoded), &cfg); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := simulator.Run(ctx, cfg, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func people(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "people")
	text := `{"national_id": "051084001234", "full_name": "Đặng Thị Canary", "birth_date": "1984-03-02", "sex": "female"}` + "\n\n" +
		`{"national_id": "051190007777", "full_name": "Lê Văn B", "birth_date": "1990-11-11", "sex": "male"}`
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// startProcess runs the test binary as the register.
func startProcess(t *testing.T, cfg simulator.Config) (*exec.Cmd, string) {
	t.Helper()
	encoded, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env, cmd.Stderr = append(os.Environ(), processVariable+"="+string(encoded)), os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var ready simulator.Ready
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &ready) != nil || !ready.Ready {
		t.Fatalf("no ready line: %q, %v", line, err)
	}
	return cmd, "http://" + ready.Address
}

func open(t *testing.T, url string) *httpregister.Client {
	t.Helper()
	c, err := httpregister.New(httpregister.Config{URL: url, Token: token, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// subject is a register behind the adapter; its process may be killed.
func subject(t *testing.T, url string, kill func(*testing.T)) registertest.Subject {
	control := func(t *testing.T, method string, body any) {
		t.Helper()
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		req, err := http.NewRequestWithContext(t.Context(), method, url+"/v1/faults", bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusNoContent {
			t.Fatalf("%v %v", res, err)
		}
		_ = res.Body.Close()
	}
	return registertest.Subject{
		Register: open(t, url),
		Known:    registers.Person{NationalID: "051084001234", FullName: "Đặng Thị Canary", BirthDate: "1984-03-02", Sex: "female"},
		Unknown:  "051084009999",
		Kill:     kill,
		Fault: func(t *testing.T, f registertest.Fault) func() {
			control(t, http.MethodPost, simulator.Rule{Kind: simulator.Kind(f)})
			return func() { control(t, http.MethodDelete, nil) }
		},
	}
}

func TestConformanceOfTheRealProcess(t *testing.T) {
	registertest.Run(t, func(t *testing.T) registertest.Subject {
		cmd, url := startProcess(t, simulator.Config{Address: "127.0.0.1:0", People: people(t), Token: token})
		return subject(t, url, func(*testing.T) { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	})
}

func TestTheProcessStopsOnSIGTERM(t *testing.T) {
	cmd, url := startProcess(t, simulator.Config{Address: "127.0.0.1:0", People: people(t), Token: token})
	mend := subject(t, url, nil).Fault(t, registertest.Hang)
	defer func() { _ = mend }() // it is gone with the process
	asked := make(chan error, 1)
	go func() {
		_, err := registers.Ask(context.Background(), open(t, url), registers.Person{NationalID: "051084001234"})
		asked <- err
	}()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	if err := <-asked; err == nil {
		t.Error("a held question was answered")
	}
}

func TestTheProcessSaysWhatIsWrong(t *testing.T) {
	broken := filepath.Join(t.TempDir(), "people")
	for text, want := range map[string]string{
		"canary\n": "line 1",
		`{"national_id": "1"}` + "\n" + `{"national_id": "1"}`: "line 2",
		`{"full_name": "canary"}`:                              "line 1",
	} {
		if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := simulator.Run(t.Context(), simulator.Config{People: broken}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%q: %v", text, err)
		}
	}
	for name, cfg := range map[string]simulator.Config{"no file": {People: broken + "x"}, "no address": {People: people(t), Address: "nowhere"}} {
		if simulator.Run(t.Context(), cfg, &bytes.Buffer{}) == nil {
			t.Errorf("%s: started", name)
		}
	}
}

// The token is asked for; without one a register is open.
func TestTheTokenIsSent(t *testing.T) {
	s, err := simulator.Open(simulator.Config{People: people(t), Token: "another"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	defer s.Close()
	_, err = registers.Ask(t.Context(), open(t, server.URL), registers.Person{NationalID: "051084001234"})
	if registers.CodeOf(err) != registers.CodeUnauthorized {
		t.Errorf("another token: %v", err)
	}
}

// A redirect is not followed: whoever it leads to learns of nobody.
func TestNobodyElseIsAsked(t *testing.T) {
	heard := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { heard = true }))
	defer elsewhere.Close()
	server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusPermanentRedirect))
	defer server.Close()
	_, err := registers.Ask(t.Context(), open(t, server.URL), registers.Person{NationalID: "051084001234"})
	if registers.CodeOf(err) != registers.CodeRegisterFault || heard {
		t.Errorf("%v, elsewhere heard: %v", err, heard)
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	for body, want := range map[string]string{
		`{"found": true, "national_id": "051084001234", "blood_type": "A"}`:        "",
		`{"found": false, "national_id": "051084001234"}`:                          "",
		`{"national_id": "051084001234"}`:                                          registers.CodeMalformedAnswer,
		`{"found": "yes", "national_id": "051084001234"}`:                          registers.CodeMalformedAnswer,
		`{"found": true, "national_id": "051084001234"} {}`:                        registers.CodeMalformedAnswer,
		`{"found": true, "national_id": "051084001234", "birth_date": "2.3.1984"}`: registers.CodeMalformedAnswer,
		`{"found": true, "national_id": "051084001234", "sex": "F"}`:               registers.CodeMalformedAnswer,
		`[]`: registers.CodeMalformedAnswer,
		``:   registers.CodeMalformedAnswer,
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		_, err := registers.Ask(t.Context(), open(t, server.URL), registers.Person{NationalID: "051084001234"})
		server.Close()
		if got := registers.CodeOf(err); (err != nil && got != want) || (err == nil && want != "") {
			t.Errorf("%s: %v, want %q", body, err, want)
		}
	}
	for _, url := range []string{"", "ftp://x", "http://", "https://user:pw@x", "https://x?y=z", "://"} {
		if _, err := httpregister.New(httpregister.Config{URL: url}); err == nil {
			t.Errorf("%q is taken", url)
		}
	}
}
