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
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/tools/common/schema"
	toolsql "go.temporal.io/server/tools/sql"
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

// A store through its life: made, used, stopped, started again, killed; one
// engine at a time, and never with another number of shards.
func TestLifeOfAStore(t *testing.T) {
	db := newDatabase(t)
	ctx := testContext(t)

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
	ctx := testContext(t)
	base, err := pgx.ParseConfig(db.url())
	require.NoError(t, err)
	require.NoError(t, createDatabases(ctx, base, "temporal"))
	old, err := toolsql.NewConnection(sqlConfig(base, "temporal", 1), log.NewNoopLogger())
	require.NoError(t, err)
	require.NoError(t, schema.NewSetupSchemaTask(old, &schema.SetupConfig{InitialVersion: "0.0"}, log.NewNoopLogger()).Run())
	update := &schema.UpdateConfig{SchemaName: "postgresql/v12/temporal", TargetVersion: "1.9"}
	require.NoError(t, schema.NewUpdateSchemaTask(old, update, log.NewNoopLogger()).Run())
	before, err := old.ReadSchemaVersion()
	require.NoError(t, err)
	require.Equal(t, "1.9", before)

	e := startEngine(t, db.url())
	require.NoError(t, startWorkflow(ctx, e.client(nil), "one"))
	after, err := old.ReadSchemaVersion()
	require.NoError(t, err)
	require.NotEqual(t, before, after)
	old.Close()
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
