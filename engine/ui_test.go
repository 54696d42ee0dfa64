package main

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// browser asks a UI as a page would.
type browser struct {
	t      *testing.T
	base   string
	client *http.Client
}

func newBrowser(t *testing.T, base string, c *tls.Config) *browser {
	transport := &http.Transport{TLSClientConfig: c}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{t, base, &http.Client{Transport: transport}}
}

// do sends a request with headers in pairs and gives the answer and its body.
func (b *browser) do(method, path, body string, headers ...string) (*http.Response, string) {
	b.t.Helper()
	request, err := http.NewRequestWithContext(testContext(b.t), method, b.base+path, strings.NewReader(body))
	require.NoError(b.t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(request)
	require.NoError(b.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	require.NoError(b.t, err)
	return response, string(text)
}

func (b *browser) get(path string) string {
	b.t.Helper()
	response, body := b.do(http.MethodGet, path, "")
	require.Equal(b.t, http.StatusOK, response.StatusCode, body)
	return body
}

// namespaces gives the names that the UI lists.
func (b *browser) namespaces() []string {
	b.t.Helper()
	var list struct {
		Namespaces []struct {
			NamespaceInfo struct{ Name string }
		}
	}
	require.NoError(b.t, json.Unmarshal([]byte(b.get("/api/v1/namespaces")), &list))
	var names []string
	for _, n := range list.Namespaces {
		names = append(names, n.NamespaceInfo.Name)
	}
	return names
}

const terminate = "/api/v1/namespaces/aidflow/workflows/one/terminate"

var scriptPattern = regexp.MustCompile(`/_app/immutable/[A-Za-z0-9_./-]+\.js`)

// The UI shows this engine: its page with the scripts, its namespace, its
// workflows, which it does not change. It ends with the engine, and so do the
// calls of a browser that waits for news of a workflow.
func TestUI(t *testing.T) {
	e := startEngine(t, newDatabase(t).url(), "--ui-address", "127.0.0.1:0")
	require.True(t, strings.HasPrefix(e.ready.UI, "http://127.0.0.1:"), e.ready.UI)
	b := newBrowser(t, e.ready.UI, nil)

	scripts := scriptPattern.FindAllString(b.get("/"), -1)
	require.NotEmpty(t, scripts)
	for _, script := range scripts {
		require.NotEmpty(t, b.get(script))
	}
	require.Contains(t, b.namespaces(), "aidflow")
	require.NoError(t, startWorkflow(testContext(t), e.client(nil), "one"))
	require.Contains(t, b.get("/api/v1/namespaces/aidflow/workflows/one"), "WORKFLOW_EXECUTION_STATUS_RUNNING")

	var settings struct {
		DefaultNamespace    string
		DisableNewsFetch    bool
		DisableWriteActions bool
	}
	require.NoError(t, json.Unmarshal([]byte(b.get("/api/v1/settings")), &settings))
	require.Equal(t, "aidflow", settings.DefaultNamespace)
	require.True(t, settings.DisableNewsFetch)
	require.True(t, settings.DisableWriteActions)
	own, _ := b.do(http.MethodPost, terminate, "{}", "Origin", e.ready.UI, "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusMethodNotAllowed, own.StatusCode)
	requireRunning(t, e.client(nil), "one")

	answered := waitForNews(t, e)
	e.stop()
	<-answered
	_, err := net.Dial("tcp", strings.TrimPrefix(e.ready.UI, "http://"))
	require.Error(t, err)
	e.requireQuiet()
}

// waitForNews asks for the next event of workflow one, as an open page does,
// and returns when that is asked; the channel closes when it has ended.
func waitForNews(t *testing.T, e *process) <-chan struct{} {
	t.Helper()
	asked, answered := make(chan struct{}), make(chan struct{})
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { close(asked) },
	})
	const news = "/api/v1/namespaces/aidflow/workflows/one/history?waitNewEvent=true&historyEventFilterType=2"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.ready.UI+news, nil)
	require.NoError(t, err)
	go func() {
		defer close(answered)
		response, err := (&http.Client{Transport: &http.Transport{}}).Do(request)
		if err == nil {
			_ = response.Body.Close()
		}
	}()
	<-asked
	return answered
}

// With --ui-writes the UI's own pages may change workflows, but pages of other
// sites can neither read through it nor change anything.
func TestUIRefusesOtherSites(t *testing.T) {
	e := startEngine(t, newDatabase(t).url(), "--ui-address", "127.0.0.1:0", "--ui-writes")
	require.NoError(t, startWorkflow(testContext(t), e.client(nil), "one"))
	b := newBrowser(t, e.ready.UI, nil)

	foreign := []string{"Origin", "https://example.org", "Sec-Fetch-Site", "cross-site"}
	read, _ := b.do(http.MethodGet, "/api/v1/namespaces", "", foreign...)
	require.Empty(t, read.Header.Get("Access-Control-Allow-Origin"))
	for _, headers := range [][]string{foreign, {"Origin", "https://example.org"}} {
		response, _ := b.do(http.MethodPost, terminate, "{}", headers...)
		require.GreaterOrEqual(t, response.StatusCode, 400)
	}
	requireRunning(t, e.client(nil), "one")

	own, body := b.do(http.MethodPost, terminate, "{}", "Origin", e.ready.UI, "Sec-Fetch-Site", "same-origin")
	require.Equal(t, http.StatusOK, own.StatusCode, body)
	e.stop()
}

// With TLS the UI speaks it too, and reaches the server although that one asks
// clients for a certificate.
func TestUIWithTLS(t *testing.T) {
	cert, key := selfSigned(t, t.TempDir())
	e := startEngine(t, newDatabase(t).url(), "--ui-address", "127.0.0.1:0",
		"--tls-cert", cert, "--tls-key", key, "--tls-client-ca", cert)
	require.True(t, strings.HasPrefix(e.ready.UI, "https://127.0.0.1:"), e.ready.UI)
	b := newBrowser(t, e.ready.UI, &tls.Config{RootCAs: rootsOf(t, cert), MinVersion: tls.VersionTLS12})
	require.NotEmpty(t, b.get("/"))
	require.Contains(t, b.namespaces(), "aidflow")

	plain := newBrowser(t, "http://"+strings.TrimPrefix(e.ready.UI, "https://"), nil)
	response, _ := plain.do(http.MethodGet, "/", "")
	require.Equal(t, http.StatusBadRequest, response.StatusCode)
	_, err := (&http.Client{Transport: &http.Transport{}}).Get(e.ready.UI) // knows nothing of our authority
	var unknown *url.Error
	require.ErrorAs(t, err, &unknown)
	e.stop() // what the UI says about such strangers is not on stdout
}

// A busy port is a fault of one line, before PostgreSQL is asked for anything.
func TestBusyPortIsOneLine(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	for _, flag := range []string{"--address", "--ui-address"} {
		line := refusal(t, someURL, flag, l.Addr().String())
		require.Equal(t, "aidflow-engine: "+flag+": port "+strconv.Itoa(int(port(l)))+" is in use", line)
	}
}

func TestUIConfig(t *testing.T) {
	p := ports{
		frontend: netip.MustParseAddrPort("127.0.0.1:1"), internal: netip.MustParseAddrPort("127.0.0.1:2"),
		ui: netip.MustParseAddrPort("[::1]:3"),
	}
	c := uiConfig(options{Namespace: "elsewhere"}, p)
	require.NoError(t, c.Validate())
	require.Equal(t, "[::1]", c.Host)
	require.Equal(t, 3, c.Port)
	require.Equal(t, "127.0.0.1:1", c.TemporalGRPCAddress)
	require.Equal(t, "elsewhere", c.DefaultNamespace)
	require.True(t, c.HideLogs)
	require.True(t, c.DisableNewsFetch)
	require.True(t, c.DisableWriteActions)
	require.True(t, c.CORS.CookieInsecure)
	require.Empty(t, c.CORS.AllowOrigins)
	require.False(t, c.CORS.UnsafeAllowAllOrigins)

	p.tls, p.ui = true, netip.MustParseAddrPort("0.0.0.0:3")
	c = uiConfig(options{TLSCert: "cert.pem", TLSKey: "key.pem", UIWrites: true}, p)
	require.Equal(t, "0.0.0.0", c.Host)
	require.Equal(t, "127.0.0.1:2", c.TemporalGRPCAddress)
	require.Equal(t, "cert.pem", c.UIServerTLS.CertFile)
	require.Equal(t, "key.pem", c.UIServerTLS.KeyFile)
	require.False(t, c.DisableWriteActions)
	require.False(t, c.CORS.CookieInsecure)
}
