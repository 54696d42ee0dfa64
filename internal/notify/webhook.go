package notify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"code.dny.dev/ssrf"
	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/aidflow/aidflow/internal/postgres"
)

// WebhookConfig says where the installation wants to be told.
type WebhookConfig struct {
	URL      string
	Secret   string         // whsec_ and base64
	Networks []netip.Prefix // that may be reached besides the public internet
}

// Webhook calls the installation's address, signed as Standard Webhooks says.
// It connects to public addresses and to the networks that were named, follows
// no redirect, and uses no proxy.
type Webhook struct {
	url    string
	signer *webhooks.Webhook
	client *http.Client
}

const callLimit = 20 * time.Second

// NewWebhook makes the caller.
//
// Errors: a secret that is none.
func NewWebhook(c WebhookConfig) (*Webhook, error) {
	signer, err := webhooks.NewWebhook(c.Secret)
	if err != nil {
		return nil, errors.New("the webhook's secret must be whsec_ and base64")
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, errors.New("the webhook's URL is none")
	}
	var v4, v6 []netip.Prefix
	for _, p := range c.Networks {
		if p.Addr().Is4() {
			v4 = append(v4, p)
		} else {
			v6 = append(v6, p)
		}
	}
	guard := ssrf.New(ssrf.WithPorts(portOf(u)), ssrf.WithAllowedV4Prefixes(v4...), ssrf.WithAllowedV6Prefixes(v6...))
	dialer := &net.Dialer{Timeout: callLimit / 2, Control: guard.Safe} // looks at the address after the name was resolved
	return &Webhook{url: c.URL, signer: signer, client: &http.Client{
		Timeout:       callLimit,
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: callLimit / 2, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// portOf gives the port of a URL, the only one that is dialled.
func portOf(u *url.URL) uint16 {
	if n, err := strconv.ParseUint(u.Port(), 10, 16); err == nil {
		return uint16(n)
	}
	if u.Scheme == "http" {
		return 80
	}
	return 443
}

// call is the body: thin, and without anything personal. To names staff by
// the subjects that the issuer of their tokens gave them.
type call struct {
	Type      string   `json:"type"`
	Timestamp string   `json:"timestamp"`
	Data      callData `json:"data"`
}

type callData struct {
	Case      string     `json:"case,omitempty"`
	Reference string     `json:"reference,omitempty"`
	Task      string     `json:"task,omitempty"`
	TaskKind  string     `json:"task_kind,omitempty"`
	Level     string     `json:"level,omitempty"`
	Urgent    bool       `json:"urgent,omitempty"`
	DueAt     *time.Time `json:"due_at,omitempty"`
	Subject   string     `json:"subject,omitempty"`
	To        []string   `json:"to"`
}

func body(m *postgres.Outgoing) ([]byte, error) {
	first := m.Items[0]
	out := call{Type: first.Kind, Timestamp: first.At.UTC().Format(time.RFC3339), Data: callData{Case: first.Case, Reference: first.Reference,
		Task: first.Task, TaskKind: string(first.TaskKind), Level: first.Level, Urgent: first.Urgent, DueAt: first.DueAt, Subject: first.Subject}}
	for _, item := range m.Items {
		out.Data.To = append(out.Data.To, item.Person)
	}
	return json.Marshal(out)
}

// Call tells one thing. The id is the same for every attempt, so that the
// receiver knows a copy. The code says what went wrong: an HTTP status,
// forbidden_address, or connection; "" when it was taken.
func (w *Webhook) Call(ctx context.Context, m *postgres.Outgoing, now time.Time) (code string, err error) {
	raw, err := body(m)
	if err != nil {
		return "", err
	}
	signature, err := w.signer.Sign(m.ID, now, raw)
	if err != nil {
		return "", err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, bytes.NewReader(raw))
	if err != nil {
		return "", fmt.Errorf("webhook: %T", err) // the text holds the URL
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "aidflow")
	r.Header.Set(webhooks.HeaderWebhookID, m.ID)
	r.Header.Set(webhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	r.Header.Set(webhooks.HeaderWebhookSignature, signature)
	answer, err := w.client.Do(r)
	if err != nil {
		return dialCode(err), nil
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	_ = answer.Body.Close()
	if answer.StatusCode/100 == 2 {
		return "", nil
	}
	return "http_" + strconv.Itoa(answer.StatusCode), nil
}

func dialCode(err error) string {
	for _, forbidden := range []error{ssrf.ErrProhibitedIP, ssrf.ErrProhibitedPort, ssrf.ErrProhibitedNetwork} {
		if errors.Is(err, forbidden) {
			return "forbidden_address"
		}
	}
	return "connection"
}
