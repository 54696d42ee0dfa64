package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	uiserver "github.com/temporalio/ui-server/v2/server"
	uiconfig "github.com/temporalio/ui-server/v2/server/config"
	uioptions "github.com/temporalio/ui-server/v2/server/server_options"
)

// uiPatience bounds one request of the look whether the UI answers.
const uiPatience = 5 * time.Second

// ui is Temporal's web UI in this process. Like the server it has no users:
// whoever reaches it sees everything. The zero value is no UI.
type ui struct {
	url    string // for browsers, "" without a UI
	server *uiserver.Server
	ended  chan struct{} // closed when it listens no more
}

// startUI returns when the UI's page and the server's answers through it come,
// at once without a fault when ctx ends or no UI is wanted. What it returns
// without a fault has to be stopped.
func startUI(ctx context.Context, o options, p ports) (*ui, error) {
	if !p.ui.IsValid() {
		return &ui{}, nil
	}
	u := &ui{
		url:    uiScheme(o) + "://" + p.ui.String(),
		server: uiserver.NewServer(uioptions.WithConfigProvider(uiConfig(o, p))),
		ended:  make(chan struct{}),
	}
	go func() {
		defer close(u.ended)
		_ = u.server.Start() // ends the process when the port was taken since choosePorts
	}()
	limited, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	client := selfClient()
	for _, path := range []string{"/", "/api/v1/namespaces/" + o.Namespace} {
		err := persist(limited, func(ctx context.Context) error { return u.answers(ctx, client, path) })
		if err != nil && ctx.Err() == nil {
			u.stop()
			return nil, fmt.Errorf("the web UI does not answer: %w", err)
		}
	}
	return u, nil
}

// stop closes the port and the browsers' connections.
func (u *ui) stop() {
	if u.server == nil {
		return
	}
	u.server.Stop()
	<-u.ended
}

// answers succeeds when the UI answers with 200.
func (u *ui) answers(ctx context.Context, c *http.Client, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url+path, nil)
	if err != nil {
		return err
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", path, response.Status)
	}
	return nil
}

// selfClient reaches this process's own port, never through a proxy. It sends
// no secret and learns only a status, so it takes any certificate: ours may be
// for a name instead of this address.
func selfClient() *http.Client {
	return &http.Client{
		Timeout: uiPatience,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
		},
	}
}

func uiScheme(o options) string {
	if o.tls() {
		return "https"
	}
	return "http"
}

// uiConfig points the UI at this engine. With TLS it goes through the internal
// frontend, as the server's own workers do: the certificate need not be one for
// clients, nor for the address. No origin but the UI's own may call it, nothing
// is logged, and the page fetches no news from outside.
func uiConfig(o options, p ports) *uiconfig.Config {
	host := p.ui.Addr().String()
	if p.ui.Addr().Is6() {
		host = "[" + host + "]" // the UI puts ":port" after it
	}
	return &uiconfig.Config{
		TemporalGRPCAddress: p.internalAddress(),
		Host:                host,
		Port:                int(p.ui.Port()),
		EnableUI:            true,
		DefaultNamespace:    o.Namespace,
		DisableWriteActions: !o.UIWrites,
		DisableNewsFetch:    true,
		HideLogs:            true,
		CORS:                uiconfig.CORS{CookieInsecure: !o.tls()}, // a Secure cookie does not come back over http everywhere
		UIServerTLS:         uiconfig.UIServerTLS{CertFile: o.TLSCert, KeyFile: o.TLSKey},
	}
}
