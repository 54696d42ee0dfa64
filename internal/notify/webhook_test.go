package notify_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/internal/notify"
	"github.com/aidflow/aidflow/internal/postgres"
)

const secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

func webhook(t *testing.T, url string, networks ...string) *notify.Webhook {
	t.Helper()
	var allowed []netip.Prefix
	for _, n := range networks {
		allowed = append(allowed, netip.MustParsePrefix(n))
	}
	w, err := notify.NewWebhook(notify.WebhookConfig{URL: url, Secret: secret, Networks: allowed})
	require.NoError(t, err)
	return w
}

// The installation's webhook is called with a signature that the standard's
// own library accepts, and again under the same id until it answers well.
func TestTheWebhook(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	verifier, err := webhooks.NewWebhook(secret)
	require.NoError(t, err)
	var bodies, ids []string
	hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if err := verifier.VerifyIgnoringTimestamp(raw, r.Header); err != nil {
			t.Error(err)
		}
		bodies, ids = append(bodies, string(raw)), append(ids, r.Header.Get("Webhook-Id"))
		switch len(ids) {
		case 1:
			w.WriteHeader(http.StatusBadGateway)
		case 2:
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(hook.Close)
	o.n.Webhook = webhook(t, hook.URL, "127.0.0.0/8")
	c, task := o.opened()
	for range 4 {
		o.once()
		o.Clock.Advance(time.Hour)
	}
	require.Len(t, ids, 3)
	require.Len(t, slices.Compact(ids), 1)
	var said struct {
		Type string
		Data struct {
			Case, Task string
			Kind       string `json:"task_kind"`
			To         []string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(bodies[2]), &said))
	require.Equal(t, []any{"task.opened", c, task, "verify_documents", []string{"verifier1", "verifier2"}},
		[]any{said.Type, said.Data.Case, said.Data.Task, said.Data.Kind, said.Data.To})
	_, err = o.SQL(t).Exec(`UPDATE staff SET disabled_at = now() WHERE subject = 'verifier1'`)
	require.NoError(t, err)
	o.event(c, "task.reminded", task)
	o.once()
	require.Contains(t, bodies[3], `"to":["verifier2"]`)
}

// The webhook connects to nothing inside but what was named.
func TestTheWebhookStaysOutside(t *testing.T) {
	t.Parallel()
	reached := false
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	t.Cleanup(inside.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(inside.URL, "http://"), ":")
	m := &postgres.Outgoing{ID: "msg_1", Items: []postgres.Item{{Kind: "task.opened", Person: "verifier1"}}}
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "127.1", "2130706433", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"} {
		w := webhook(t, "http://"+host+":"+port+"/", "198.51.100.0/24")
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		code, err := w.Call(ctx, m, time.Now())
		cancel()
		if err != nil || (code != "forbidden_address" && code != "connection") || reached {
			t.Errorf("%s: %q %v, reached %v", host, code, err, reached)
		}
	}
	code, err := webhook(t, inside.URL, "127.0.0.0/8").Call(t.Context(), m, time.Now())
	require.NoError(t, err)
	require.Empty(t, code)
	require.True(t, reached)
	_, err = notify.NewWebhook(notify.WebhookConfig{URL: inside.URL, Secret: "not base64!"})
	require.Error(t, err)
}
