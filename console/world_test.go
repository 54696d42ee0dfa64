package console

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/api"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// world is the console on a real database, with an issuer of its own.
type world struct {
	t      *testing.T
	db     *pgtest.DB
	server *api.Server
	issuer string
	key    *rsa.PrivateKey
	log    bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: pgtest.New(t)}
	var err error
	if w.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	issuer := httptest.NewServer(mux)
	t.Cleanup(issuer.Close)
	w.issuer = issuer.URL
	answer := func(path string, body any) {
		mux.HandleFunc(path, func(out http.ResponseWriter, _ *http.Request) {
			out.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(out).Encode(body)
		})
	}
	answer("/.well-known/openid-configuration", map[string]any{"issuer": w.issuer, "jwks_uri": w.issuer + "/keys", "authorization_endpoint": w.issuer + "/a",
		"token_endpoint": w.issuer + "/t", "id_token_signing_alg_values_supported": []string{"RS256"}})
	answer("/keys", map[string]any{"keys": []any{map[string]any{"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1",
		"n": base64.RawURLEncoding.EncodeToString(w.key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(w.key.E)).Bytes())}}})
	w.server, err = api.New(api.Config{Mode: "test", Version: "0.0.0", Issuer: w.issuer, Audience: "aidflow",
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}, w.db.Store, nil, Mount)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// token is what the sign-in service gives to a person.
func (w *world) token(subject string) string {
	part := func(v map[string]any) string {
		raw, _ := json.Marshal(v)
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	signed := part(map[string]any{"alg": "RS256", "kid": "1", "typ": "JWT"}) + "." + part(map[string]any{"iss": w.issuer, "sub": subject, "aud": "aidflow",
		"iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix()})
	sum := sha256.Sum256([]byte(signed))
	seal, err := rsa.SignPKCS1v15(rand.Reader, w.key, crypto.SHA256, sum[:])
	if err != nil {
		w.t.Fatal(err)
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(seal)
}

// ask opens a page, or sends a form where there is one, as somebody or nobody.
func (w *world) ask(who, path string, form url.Values, headers ...string) (int, string) {
	w.t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if form != nil {
		r = httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if who != "" {
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: w.token(who)})
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	out := httptest.NewRecorder()
	w.server.ServeHTTP(out, r)
	if to := out.Header().Get("Location"); out.Code == http.StatusSeeOther && strings.HasPrefix(to, "/") {
		return w.ask(who, to, nil)
	}
	return out.Code, out.Body.String()
}

var (
	inputs  = regexp.MustCompile(`<input[^>]* name="([^"]+)"[^>]*>`)
	values  = regexp.MustCompile(` value="([^"]*)"`)
	selects = regexp.MustCompile(`(?s)<select[^>]* name="([^"]+)"[^>]*>(.*?)</select>`)
	chosen  = regexp.MustCompile(`<option value="([^"]*)" selected`)
)

// filled gives the fields of a page's form as a browser would send them.
func filled(page string) url.Values {
	out := url.Values{}
	for _, m := range inputs.FindAllStringSubmatch(page, -1) {
		if v := values.FindStringSubmatch(m[0]); v != nil {
			out.Set(m[1], html.UnescapeString(v[1]))
		}
	}
	for _, m := range selects.FindAllStringSubmatch(page, -1) {
		out.Set(m[1], "")
		if v := chosen.FindStringSubmatch(m[2]); v != nil {
			out.Set(m[1], v[1])
		}
	}
	return out
}

// number counts in the database.
func (w *world) number(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.SQL(w.t).QueryRow(query, args...).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

// plainPage tells what a page must not hold, and what every field of its forms
// must have.
func (w *world) plainPage(path, page string) {
	w.t.Helper()
	if found := regexp.MustCompile(`(?i)<script|<style|<iframe|<img|\son[a-z]+=|\sstyle=|(src|href)="(https?:)?//|javascript:`).FindString(page); found != "" {
		w.t.Errorf("%s holds %s", path, found)
	}
	if len(page) > 60<<10 || strings.Contains(page, "ZgotmplZ") {
		w.t.Errorf("%s has %d bytes, or broken markup", path, len(page))
	}
	for _, m := range regexp.MustCompile(`<(?:input|select|textarea)[^>]* id="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(page, fmt.Sprintf(`<label for=%q>`, m[1])) {
			w.t.Errorf("%s: the field %s has no label", path, m[1])
		}
	}
}
