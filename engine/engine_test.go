package main

import (
	"context"
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/credentials"
)

func startWorkflow(ctx context.Context, c workflowservice.WorkflowServiceClient, id string) error {
	_, err := c.StartWorkflowExecution(ctx, &workflowservice.StartWorkflowExecutionRequest{
		Namespace: "aidflow", WorkflowId: id, RequestId: id,
		WorkflowType: &commonpb.WorkflowType{Name: "anything"},
		TaskQueue:    &taskqueuepb.TaskQueue{Name: "nobody"},
	})
	return err
}

func requireRunning(t *testing.T, c workflowservice.WorkflowServiceClient, id string) {
	t.Helper()
	d, err := c.DescribeWorkflowExecution(testContext(t), &workflowservice.DescribeWorkflowExecutionRequest{
		Namespace: "aidflow", Execution: &commonpb.WorkflowExecution{WorkflowId: id},
	})
	require.NoError(t, err)
	require.Equal(t, enumspb.WORKFLOW_EXECUTION_STATUS_RUNNING, d.GetWorkflowExecutionInfo().GetStatus())
}

// A store through its life: half made, made, used, stopped, started again,
// killed; one engine at a time, and never with another number of shards.
func TestLifeOfAStore(t *testing.T) {
	db := newDatabase(t)
	ctx := testContext(t)
	for _, part := range []string{"temporal", "temporal_visibility"} {
		killOnceVersioned(t, db, part)
	}

	e := startEngine(t, db.url())
	require.Equal(t, "aidflow", e.ready.Namespace)
	require.Empty(t, e.ready.UI)
	c := e.client(nil)
	d, err := c.DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: "aidflow"})
	require.NoError(t, err)
	require.Equal(t, 90*24*time.Hour, d.GetConfig().GetWorkflowExecutionRetentionTtl().AsDuration())
	require.NoError(t, startWorkflow(ctx, c, "one"))
	requireRunning(t, c, "one")
	require.Contains(t, refusal(t, db.url()), "another engine is running on database temporal")
	e.stop()
	e.requireQuiet()

	require.Contains(t, refusal(t, db.url(), "--shards", "4"), "this store was made with 16 shards")
	e = startEngine(t, db.url())
	requireRunning(t, e.client(nil), "one")
	require.NoError(t, startWorkflow(ctx, e.client(nil), "two"))
	e.kill()
	e = startEngine(t, db.url())
	requireRunning(t, e.client(nil), "two")
	e.stop()
}

// killOnceVersioned starts an engine and kills it as soon as one of its
// databases has a first version, while it works on the next ones.
func killOnceVersioned(t *testing.T, db *database, name string) {
	t.Helper()
	e := launch(t, db.url())
	base, err := pgx.ParseConfig(db.url())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		conn, err := pgx.ConnectConfig(t.Context(), withDatabase(base, name))
		if err != nil {
			return false
		}
		defer func() { _ = conn.Close(t.Context()) }()
		var version string
		return conn.QueryRow(t.Context(), "SELECT curr_version FROM schema_version").Scan(&version) == nil
	}, time.Minute, 5*time.Millisecond)
	e.kill()
}

// Two stores live beside each other in one server, over its socket directory.
func TestAnotherStoreOverASocket(t *testing.T) {
	db := newDatabase(t)
	first := startEngine(t, db.url())
	second := startEngine(t, db.socketURL(), "--database", "second", "--namespace", "elsewhere", "--shards", "1")
	require.Equal(t, "elsewhere", second.ready.Namespace)
	_, err := second.client(nil).DescribeNamespace(testContext(t), &workflowservice.DescribeNamespaceRequest{Namespace: "aidflow"})
	var missing *serviceerror.NamespaceNotFound
	require.ErrorAs(t, serviceerror.FromStatus(statusOf(err)), &missing)
	second.stop()
	first.stop()
}

func TestPostgresIsAway(t *testing.T) {
	db := newDatabase(t)
	wrong := strings.Replace(db.url(), "engine:", "stranger:", 1)
	require.Contains(t, refusal(t, wrong), "password authentication failed")
	db.stop()
	line := refusal(t, db.url())
	require.Contains(t, line, "connection refused")
	require.NotContains(t, line, "w%3Ard")
	require.NotContains(t, line, postgresPassword)
}

// PostgreSQL goes away for a moment under a running engine.
func TestPostgresComesBack(t *testing.T) {
	db := newDatabase(t)
	e := startEngine(t, db.url())
	c := e.client(nil)
	require.NoError(t, startWorkflow(testContext(t), c, "before"))
	db.stop()
	db.start()
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		return startWorkflow(ctx, c, "after") == nil
	}, 2*time.Minute, 100*time.Millisecond)
	requireRunning(t, c, "before")
	e.stop()
}

// A store whose schema is of an older server is brought up to date.
func TestOlderSchema(t *testing.T) {
	db := newDatabase(t)
	old := openDatabase(t, db, "temporal")
	require.NoError(t, bringUp(old, "postgresql/v12/temporal", "1.9"))
	require.Equal(t, "1.9", versionOf(t, old))

	e := startEngine(t, db.url())
	require.NoError(t, startWorkflow(testContext(t), e.client(nil), "one"))
	require.NotEqual(t, "1.9", versionOf(t, old))
	e.stop()
}

// With TLS and a client authority only clients that show a certificate are
// served, while the engine's own workers need none.
func TestTLS(t *testing.T) {
	db := newDatabase(t)
	cert, key := selfSigned(t, t.TempDir())
	e := startEngine(t, db.url(), "--tls-cert", cert, "--tls-key", key, "--tls-client-ca", cert)
	pair, err := tls.LoadX509KeyPair(cert, key)
	require.NoError(t, err)
	roots := rootsOf(t, cert)

	ctx := testContext(t)
	known := &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	require.NoError(t, startWorkflow(ctx, e.client(credentials.NewTLS(known)), "one"))
	stranger := &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	require.Error(t, startWorkflow(ctx, e.client(credentials.NewTLS(stranger)), "two"))
	require.Error(t, startWorkflow(ctx, e.client(nil), "three"))
	e.stop()
}
