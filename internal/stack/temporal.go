package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"github.com/aidflow/aidflow/internal/config"
)

// temporalAnswers looks whether the Temporal of the environment is there and
// has the namespace. Making namespaces is the business of whoever runs it.
func temporalAnswers(ctx context.Context, environ []string, namespace string) error {
	c, err := config.Load(nil, environ)
	if err != nil {
		return err
	}
	o, err := c.TemporalOptions()
	if err != nil {
		return err
	}
	o.Logger = log.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	t, err := client.DialContext(ctx, o)
	if err != nil {
		return fmt.Errorf("no Temporal answers at TEMPORAL_ADDRESS=%s: start it, or unset TEMPORAL_ADDRESS for our own", o.HostPort)
	}
	defer t.Close()
	_, err = t.WorkflowService().DescribeNamespace(ctx, &workflowservice.DescribeNamespaceRequest{Namespace: namespace})
	var missing *serviceerror.NamespaceNotFound
	if errors.As(err, &missing) {
		return fmt.Errorf("the Temporal at %s has no namespace %s: temporal operator namespace create --namespace %s --retention 90d",
			o.HostPort, namespace, namespace)
	}
	return err
}

// environment is what worker and api run with, on top of what we inherited.
func (s *Stack) environment(keyFile string) map[string]string {
	env := map[string]string{
		"AIDFLOW_ADDR":             hostOf(s.state.API),
		"AIDFLOW_MODE":             config.ModeTest,
		"AIDFLOW_KEY_FILE":         keyFile,
		"AIDFLOW_OIDC_ISSUER":      s.state.Issuer,
		"AIDFLOW_OIDC_AUDIENCE":    audience,
		"AIDFLOW_SIMULATOR_URL":    s.state.Simulator,
		"AIDFLOW_SIMULATOR_SECRET": s.secret,
		"AIDFLOW_PUBLIC_URL":       s.state.API,
		"AIDFLOW_SMTP_URL":         "smtp://" + s.mail + "?tls=off",
		"AIDFLOW_MAIL_FROM":        "aidflow@aidflow.test",
		"DATABASE_URL":             s.state.AppDatabase,
		"AIDFLOW_MIGRATE_URL":      s.state.Database,
		"TEMPORAL_ADDRESS":         s.state.Temporal,
		"TEMPORAL_NAMESPACE":       s.namespace(),
	}
	if s.o.TemporalAddress == "" { // our own engine: nothing of another one's settings
		for _, name := range []string{"TEMPORAL_TLS", "TEMPORAL_API_KEY", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"} {
			env[name] = ""
		}
	}
	return env
}
