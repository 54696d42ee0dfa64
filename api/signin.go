package api

import (
	"context"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/aidflow/aidflow/aid"
)

// SignIn is what a page keeps between sending a person to the sign-in service
// and the person's return: it proves that both were the same browser.
type SignIn struct {
	State    string // returned as it was sent
	Verifier string // of PKCE (RFC 7636)
	Nonce    string // stands in the token
}

// NewSignIn makes a secret of each kind.
func NewSignIn() SignIn {
	return SignIn{State: oauth2.GenerateVerifier(), Verifier: oauth2.GenerateVerifier(), Nonce: oauth2.GenerateVerifier()}
}

// SignInURL gives the address of the sign-in service to which a person is
// sent, by the code flow of OpenID Connect with PKCE. The person comes back to
// redirect.
//
// Errors: Unavailable issuer_away.
func (s *Server) SignInURL(ctx context.Context, redirect string, in SignIn) (string, error) {
	flow, err := s.codeFlow(redirect)
	if err != nil {
		return "", err
	}
	return flow.AuthCodeURL(in.State, oidc.Nonce(in.Nonce), oauth2.S256ChallengeOption(in.Verifier)), nil
}

// SignedIn exchanges the code with which a person came back for the token of
// that person, and gives until when it is valid. The token is of the kind that
// every operation takes.
//
// Errors: Unauthorized invalid_token; Unavailable issuer_away.
func (s *Server) SignedIn(ctx context.Context, redirect, code string, in SignIn) (token string, until time.Time, err error) {
	flow, err := s.codeFlow(redirect)
	if err != nil {
		return "", time.Time{}, err
	}
	ctx = oidc.ClientContext(ctx, s.staff.client)
	got, err := flow.Exchange(ctx, code, oauth2.VerifierOption(in.Verifier))
	if err != nil { // the cause may quote what the service was sent
		return "", time.Time{}, aid.Refuse(aid.Unauthorized, "invalid_token")
	}
	raw, _ := got.Extra("id_token").(string)
	verifier, err := s.staff.load()
	if err != nil {
		return "", time.Time{}, &aid.Error{Kind: aid.Unavailable, Code: "issuer_away", Cause: err}
	}
	parsed, err := verifier.Verify(ctx, raw)
	if err != nil || parsed.Nonce != in.Nonce || parsed.Subject == "" {
		return "", time.Time{}, aid.Refuse(aid.Unauthorized, "invalid_token")
	}
	return raw, parsed.Expiry, nil
}

func (s *Server) codeFlow(redirect string) (*oauth2.Config, error) {
	if s.cfg.Issuer == "" {
		return nil, aid.Refuse(aid.Unavailable, "issuer_away")
	}
	if _, err := s.staff.load(); err != nil {
		return nil, &aid.Error{Kind: aid.Unavailable, Code: "issuer_away", Cause: err}
	}
	return &oauth2.Config{ClientID: s.cfg.Audience, ClientSecret: s.cfg.ClientSecret, RedirectURL: redirect, Scopes: []string{oidc.ScopeOpenID},
		Endpoint: s.staff.endpoint}, nil
}

// Secure tells whether a request came over TLS, here or at a proxy that is
// trusted; pages set their cookies by it.
func (s *Server) Secure(r *http.Request) bool {
	return r.TLS != nil || s.mode == "live"
}
