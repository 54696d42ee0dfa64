package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// asEngine makes the test binary be the engine: the same main, without a
// second link of 150 MB. AIDFLOW_ENGINE_BINARY tests a built one instead.
const asEngine = "AIDFLOW_ENGINE_TEST_RUN"

func TestMain(m *testing.M) {
	if os.Getenv(asEngine) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// process is one engine in a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	ready  ready
	stdout io.Reader // what follows the ready line
	stderr *output
}

// output collects what a process writes while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

func engineCommand(databaseURL string, args ...string) *exec.Cmd {
	program := os.Getenv("AIDFLOW_ENGINE_BINARY")
	if program == "" {
		program = os.Args[0]
	}
	cmd := exec.Command(program, append([]string{"--address", "127.0.0.1:0", "--ui-address", ""}, args...)...)
	cmd.Env = append(os.Environ(), asEngine+"=1", databaseURLVariable+"="+databaseURL)
	return cmd
}

// launch starts an engine, which is not ready yet.
func launch(t *testing.T, databaseURL string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: engineCommand(databaseURL, args...), stderr: &output{}}
	p.cmd.Stderr = p.stderr
	stdout, err := p.cmd.StdoutPipe()
	require.NoError(t, err)
	p.stdout = stdout
	require.NoError(t, p.cmd.Start())
	t.Cleanup(p.kill)
	return p
}

// startEngine returns when the ready line has come.
func startEngine(t *testing.T, databaseURL string, args ...string) *process {
	t.Helper()
	p := launch(t, databaseURL, args...)
	decoder := json.NewDecoder(p.stdout)
	require.NoError(t, decoder.Decode(&p.ready), "no ready line; stderr: %s", p.stderr)
	require.True(t, p.ready.Ready)
	p.stdout = io.MultiReader(decoder.Buffered(), p.stdout)
	return p
}

// stop asks for the end and expects a clean one, with nothing on stdout after
// the ready line.
func (p *process) stop() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(syscall.SIGTERM))
	rest, err := io.ReadAll(p.stdout)
	require.NoError(p.t, err)
	require.Equal(p.t, "\n", string(rest))
	require.NoError(p.t, p.cmd.Wait(), p.stderr.String())
}

// requireQuiet expects that the engine had nothing to say in its life. On a busy
// machine the server asks some shards for tasks before it has them, calls that an
// error and asks again; that is let pass.
func (p *process) requireQuiet() {
	p.t.Helper()
	for line := range strings.Lines(p.stderr.String()) {
		require.Contains(p.t, line, "shard status unknown", "a quiet life")
	}
}

// kill ends the process as kill -9 does; a process that has ended is fine.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// client reaches the engine; creds nil means without TLS.
func (p *process) client(creds credentials.TransportCredentials) workflowservice.WorkflowServiceClient {
	p.t.Helper()
	if creds == nil {
		creds = insecure.NewCredentials()
	}
	conn, err := grpc.NewClient(p.ready.Address, grpc.WithTransportCredentials(creds))
	require.NoError(p.t, err)
	p.t.Cleanup(func() { _ = conn.Close() })
	return workflowservice.NewWorkflowServiceClient(conn)
}

// refusal starts an engine that must not start and gives its one line.
func refusal(t *testing.T, databaseURL string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := engineCommand(databaseURL, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Run(), &exit)
	require.Equal(t, 1, exit.ExitCode())
	require.Empty(t, stdout.String())
	line := strings.TrimSuffix(stderr.String(), "\n")
	require.NotContains(t, line, "\n")
	require.True(t, strings.HasPrefix(line, "aidflow-engine: "), line)
	return line
}

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
