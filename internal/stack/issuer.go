package stack

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// audience is what the tokens are for.
const audience = "aidflow"

const (
	issuerKeyFile = "issuer-key.pem"
	issuerURLFile = "issuer-url"
)

// serveIssuer serves the development issuer on loopback, on the port of the
// last time while it is free, so that tokens outlive a restart.
func serveIssuer(dir string, users []string) (issuer string, stop func(), err error) {
	key, err := issuerKey(dir)
	if err != nil {
		return "", nil, err
	}
	l, err := issuerListener(dir)
	if err != nil {
		return "", nil, err
	}
	issuer = "http://" + l.Addr().String()
	if err := replaceFile(filepath.Join(dir, issuerURLFile), []byte(issuer+"\n")); err != nil {
		return "", nil, errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: issuerHandler(&desk{issuer: issuer, key: key, users: users, codes: map[string]grantedCode{}}), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }() // ends with ErrServerClosed
	return issuer, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx)
		_ = l.Close() // Serve may not have begun, and then closes it later only
	}, nil
}

func issuerListener(dir string) (net.Listener, error) {
	if b, err := os.ReadFile(filepath.Join(dir, issuerURLFile)); err == nil {
		saved := strings.TrimPrefix(strings.TrimSpace(string(b)), "http://")
		if l, err := net.Listen("tcp", saved); err == nil {
			return l, nil
		}
	}
	for range 100 {
		port, err := cluster.FreePort()
		if err != nil {
			return nil, err
		}
		if l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return l, nil // else somebody was quicker
		}
	}
	return nil, errors.New("no free port on 127.0.0.1 for the development issuer")
}

// issuerHandler answers the two requests that a verifier of tokens makes, and
// those by which a browser signs in.
func issuerHandler(d *desk) http.Handler {
	mux, issuer, key := http.NewServeMux(), d.issuer, &d.key.PublicKey
	mux.HandleFunc("GET /authorize", d.authorize)
	mux.HandleFunc("POST /token", d.token)
	serve := func(path string, v any) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(v) // the caller may be gone
		})
	}
	serve("/.well-known/openid-configuration", map[string]any{
		"issuer": issuer, "jwks_uri": issuer + "/jwks",
		"authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token",
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
	})
	serve("/jwks", map[string]any{"keys": []map[string]string{{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID(key),
		"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}}})
	return mux
}

// Token signs a token for a user of the stack of dir, valid from now for ttl.
// The stack need not run, but must have run here once.
func Token(dir, user string, now time.Time, ttl time.Duration) (string, error) {
	if user == "" || strings.ContainsAny(user, " \t\n") {
		return "", errors.New("a user has a name without spaces, such as verifier1")
	}
	if ttl <= 0 {
		return "", errors.New("the validity must be longer than nothing, such as 12h")
	}
	b, err := os.ReadFile(filepath.Join(dir, issuerURLFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("no development stack has run in %s: make run", dir)
	}
	if err != nil {
		return "", err
	}
	key, err := issuerKey(dir)
	if err != nil {
		return "", err
	}
	return signToken(key, strings.TrimSpace(string(b)), user, now, ttl, "")
}

// issuerKey reads the signing key of dir, and makes it the first time.
func issuerKey(dir string) (*rsa.PrivateKey, error) {
	path := filepath.Join(dir, issuerKeyFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeIssuerKey(path)
	}
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(b)
	if block == nil {
		return nil, fmt.Errorf("the issuer's key is damaged: rm %s", path)
	}
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the issuer's key is damaged: rm %s", path)
	}
	return key, nil
}

func makeIssuerKey(path string) (*rsa.PrivateKey, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	block := pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return key, replaceFile(path, pem.EncodeToMemory(&block))
}

func keyID(key *rsa.PublicKey) string {
	sum := sha256.Sum256(x509.MarshalPKCS1PublicKey(key))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}
