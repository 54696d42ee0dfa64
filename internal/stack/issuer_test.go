package stack

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

func issuerForTest(t *testing.T) (dir, issuer string) {
	t.Helper()
	dir = t.TempDir()
	issuer, stop, err := serveIssuer(dir, []string{"verifier1", "approver1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return dir, issuer
}

func verify(t *testing.T, issuer, token string) (*oidc.IDToken, error) {
	t.Helper()
	provider, err := oidc.NewProvider(context.Background(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	return provider.Verifier(&oidc.Config{ClientID: "aidflow"}).Verify(context.Background(), token)
}

func TestTokensAreVerifiedByAStandardClient(t *testing.T) {
	dir, issuer := issuerForTest(t)
	now := time.Now()
	token, err := Token(dir, "verifier1", now, 12*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	id, err := verify(t, issuer, token)
	if err != nil {
		t.Fatal(err)
	}
	if id.Subject != "verifier1" || id.Issuer != issuer || id.Expiry.Unix() != now.Add(12*time.Hour).Unix() {
		t.Fatalf("%+v", id)
	}
	if old, err := Token(dir, "verifier1", now.Add(-2*time.Hour), time.Hour); err != nil {
		t.Fatal(err)
	} else if _, err := verify(t, issuer, old); err == nil {
		t.Fatal("an expired token was accepted")
	}
}

func TestATokenOfAnotherStackIsRefused(t *testing.T) {
	dir, issuer := issuerForTest(t)
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, issuerURLFile), []byte(issuer), 0o600); err != nil {
		t.Fatal(err)
	}
	forged, err := Token(other, "admin1", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := verify(t, issuer, forged); err == nil {
		t.Fatal("a token signed with another key was accepted")
	}
	if st, err := os.Stat(filepath.Join(dir, issuerKeyFile)); err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("the signing key has mode %v, %v", st.Mode(), err)
	}
}

func TestTheIssuerStaysTheSame(t *testing.T) {
	dir := t.TempDir()
	first, stop, err := serveIssuer(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	token, err := Token(dir, "manager1", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	second, stop, err := serveIssuer(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if first != second {
		t.Fatalf("%s became %s", first, second)
	}
	if _, err := verify(t, second, token); err != nil {
		t.Fatal(err)
	}
	third, stop3, err := serveIssuer(dir, nil) // its port is busy now
	if err != nil {
		t.Fatal(err)
	}
	defer stop3()
	if third == second {
		t.Fatal("two issuers at one address")
	}
}

func TestTokenRefusals(t *testing.T) {
	dir, _ := issuerForTest(t)
	for name, row := range map[string]struct {
		dir, user string
		ttl       time.Duration
		want      string
	}{
		"never ran": {t.TempDir(), "verifier1", time.Hour, "make run"},
		"no name":   {dir, "", time.Hour, "name"},
		"spaces":    {dir, "a b", time.Hour, "name"},
		"no time":   {dir, "verifier1", 0, "validity"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Token(row.dir, row.user, time.Now(), row.ttl); err == nil || !strings.Contains(err.Error(), row.want) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

// A browser signs in by the code flow, as a standard client does it; a code
// works once, for who asked for it, and leads nowhere but back.
func TestABrowserSignsIn(t *testing.T) {
	_, issuer := issuerForTest(t)
	provider, err := oidc.NewProvider(t.Context(), issuer)
	if err != nil {
		t.Fatal(err)
	}
	flow := oauth2.Config{ClientID: "aidflow", RedirectURL: "http://127.0.0.1:1/signed-in", Scopes: []string{"openid"}, Endpoint: provider.Endpoint()}
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	open := func(address string) (int, string, string) {
		res, err := browser.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return res.StatusCode, res.Header.Get("Location"), string(body)
	}
	verifier := oauth2.GenerateVerifier()
	address := flow.AuthCodeURL("st", oidc.Nonce("once"), oauth2.S256ChallengeOption(verifier))
	status, _, page := open(address)
	if status != 200 || !strings.Contains(page, "user=approver1") {
		t.Fatalf("%d %s", status, page)
	}
	code := func() string {
		_, location, _ := open(address + "&user=approver1")
		back, err := url.Parse(location)
		if err != nil || back.Query().Get("state") != "st" || back.Host != "127.0.0.1:1" {
			t.Fatalf("%s %v", location, err)
		}
		return back.Query().Get("code")
	}
	once := code()
	got, err := flow.Exchange(t.Context(), once, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := got.Extra("id_token").(string)
	id, err := verify(t, issuer, raw)
	if err != nil || id.Subject != "approver1" || id.Nonce != "once" {
		t.Fatalf("%+v %v", id, err)
	}
	if _, err := flow.Exchange(t.Context(), once, oauth2.VerifierOption(verifier)); err == nil {
		t.Error("a code worked twice")
	}
	if _, err := flow.Exchange(t.Context(), code(), oauth2.VerifierOption(oauth2.GenerateVerifier())); err == nil {
		t.Error("a code worked for another browser")
	}
	for _, wrong := range []string{strings.Replace(address, "127.0.0.1%3A1", "evil.example", 1), strings.Replace(address, "signed-in", "elsewhere", 1), issuer + "/authorize"} {
		if status, _, _ := open(wrong); status != 400 {
			t.Errorf("%s: %d", wrong, status)
		}
	}
}
