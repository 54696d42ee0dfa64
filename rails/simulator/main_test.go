package simulator

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/railtest"
)

const testSecret = "secret of the tests"

// processVariable makes the test binary run as the simulator's process.
const processVariable = "AIDFLOW_TEST_SIMULATOR"

func TestMain(m *testing.M) {
	encoded := os.Getenv(processVariable)
	if encoded == "" {
		os.Exit(m.Run())
	}
	var cfg Config
	if err := json.Unmarshal([]byte(encoded), &cfg); err != nil {
		panic(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := Run(ctx, cfg, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// process is the simulator as an own process.
type process struct {
	cmd *exec.Cmd
	url string
}

// startProcess runs the test binary as the simulator on these books.
func startProcess(t *testing.T, cfg Config) *process {
	t.Helper()
	cfg.Address, cfg.Secret = "127.0.0.1:0", testSecret
	encoded, err := json.Marshal(struct {
		Address, Books, CallbackURL, Secret string
		SettleAfter                         time.Duration
	}{cfg.Address, cfg.Books, cfg.CallbackURL, cfg.Secret, cfg.SettleAfter})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), processVariable+"="+string(encoded))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	var ready Ready
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil || json.Unmarshal(line, &ready) != nil || !ready.Ready {
		t.Fatalf("no ready line: %q, %v", line, err)
	}
	return &process{cmd: cmd, url: "http://" + ready.Address}
}

// kill ends the process as a power cut would.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

func newClient(t *testing.T, url string) *Client {
	t.Helper()
	c, err := NewClient(ClientConfig{URL: url, Secret: testSecret, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openServer runs a simulator in this process and gives its client.
func openServer(t *testing.T, cfg Config) (*Server, *Client) {
	t.Helper()
	if cfg.Books == "" {
		cfg.Books = filepath.Join(t.TempDir(), "books")
	}
	cfg.Secret = testSecret
	s, err := Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	h := httptest.NewServer(s.Handler())
	t.Cleanup(func() { s.cancel(); h.Close(); _ = s.Close() })
	return s, newClient(t, h.URL)
}

// instruction makes the nth instruction, to a payee who behaves.
func instruction(n int) rails.Instruction { return instructionTo(n, fmt.Sprintf("0451%06d", n)) }

func instructionTo(n int, account string) rails.Instruction {
	return rails.Instruction{
		Key: fmt.Sprintf("awd_%d/tra_1/1", n), Amount: int64(1_000_000 + n), Currency: "VND",
		Purpose: fmt.Sprintf("HS-2026-%06d", n),
		Payee: rails.Payee{
			Method: rails.MethodBank, BankBIN: "970416", AccountNumber: account, AccountName: "NGUYEN THI CANARY",
		},
	}
}

// subjectOf lets the conformance suite use a simulator.
func subjectOf(c func() *Client) railtest.Subject {
	return railtest.Subject{
		Rail:        c(),
		Instruction: instruction,
		Movements: func(t *testing.T) []railtest.Movement {
			var out []railtest.Movement
			for _, m := range mustRead(t, c()).Movements {
				out = append(out, railtest.Movement{Key: m.Key, Amount: m.Amount, Currency: m.Currency})
			}
			return out
		},
		Fault: func(t *testing.T, f railtest.Fault, key string) {
			mustScript(t, c(), Rule{Kind: Kind(f), Keys: key, Calls: 1, DelayMS: 20})
		},
	}
}

// mustRead reads the books and checks that they balance.
func mustRead(t *testing.T, c *Client) Books {
	t.Helper()
	b, err := c.Books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !b.Balanced {
		t.Fatalf("the books do not balance: %+v", b)
	}
	return b
}

func mustScript(t *testing.T, c *Client, rules ...Rule) {
	t.Helper()
	if err := c.AddFaults(t.Context(), Script{Seed: 1, Rules: rules}); err != nil {
		t.Fatal(err)
	}
}

func TestConformanceInThisProcess(t *testing.T) {
	railtest.Run(t, func(t *testing.T) railtest.Subject {
		_, c := openServer(t, Config{SettleAfter: 10 * time.Millisecond})
		return subjectOf(func() *Client { return c })
	})
}

func TestConformanceOfTheRealProcess(t *testing.T) {
	railtest.Run(t, func(t *testing.T) railtest.Subject {
		cfg := Config{Books: filepath.Join(t.TempDir(), "books"), SettleAfter: 10 * time.Millisecond}
		p := startProcess(t, cfg)
		c := newClient(t, p.url)
		s := subjectOf(func() *Client { return c })
		s.Restart = func(t *testing.T) rails.Rail {
			p.kill()
			p = startProcess(t, cfg)
			c = newClient(t, p.url)
			return c
		}
		return s
	})
}

func TestProcessStopsOnSIGTERMAndSaysWhatIsWrong(t *testing.T) {
	books := filepath.Join(t.TempDir(), "books")
	p := startProcess(t, Config{Books: books})
	if _, err := Open(Config{Books: books, Secret: testSecret}); err == nil {
		t.Error("two processes hold the same books")
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	for name, cfg := range map[string]Config{
		"no books":     {Secret: "s"},
		"no secret":    {Books: books},
		"bad callback": {Books: books, Secret: "s", CallbackURL: "ftp://x"},
		"bad delay":    {Books: books, Secret: "s", SettleAfter: -1},
		"bad address":  {Books: books, Secret: "s", Address: "nowhere"},
		"bad file":     {Books: filepath.Join(books, "x"), Secret: "s"},
	} {
		if err := Run(t.Context(), cfg, io.Discard); err == nil {
			t.Errorf("%s: started", name)
		}
	}
}
