package stack

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// signInPath is where the console takes people back; the issuer sends nobody
// anywhere else.
const signInPath = "/signed-in"

// desk signs development users in by the code flow of OpenID Connect with
// PKCE: whoever comes chooses who to be. That is why it is for development
// only, and why production refuses to start with it.
type desk struct {
	issuer string
	key    *rsa.PrivateKey
	users  []string

	mu    sync.Mutex
	codes map[string]grantedCode
}

// grantedCode is what a code stands for until it is exchanged.
type grantedCode struct {
	user, redirect, challenge, nonce string
	until                            time.Time
}

// codeLife is how long a code may be exchanged, and signedInFor how long the
// token for it is valid.
const (
	codeLife    = time.Minute
	signedInFor = 12 * time.Hour
)

var chooseUser = template.Must(template.New("").Parse(`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Who are you today?</title></head>
<body><main><h1>Who are you today?</h1><p>The sign-in of the development stack: choose anybody.</p>
<ul>{{range .}}<li><a href="{{.Link}}">{{.User}}</a></li>{{end}}</ul></main></body></html>
`))

// authorize shows the users; with one chosen it sends the browser back with a
// code.
func (d *desk) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || !loopbackHost(back) || back.Path != signInPath || q.Get("client_id") != audience ||
		q.Get("response_type") != "code" || q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" {
		http.Error(w, "this is no request to sign in to a development stack", http.StatusBadRequest)
		return
	}
	user := q.Get("user")
	if user == "" {
		d.choose(w, q)
		return
	}
	code := d.grant(grantedCode{user: user, redirect: back.String(), challenge: q.Get("code_challenge"), nonce: q.Get("nonce"), until: time.Now().Add(codeLife)})
	back.RawQuery = url.Values{"code": {code}, "state": {q.Get("state")}}.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

func (d *desk) choose(w http.ResponseWriter, q url.Values) {
	type choice struct{ User, Link string }
	var all []choice
	for _, user := range d.users {
		q.Set("user", user)
		all = append(all, choice{user, "/authorize?" + q.Encode()})
	}
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = chooseUser.Execute(w, all) // the browser may be gone
}

func (d *desk) grant(g grantedCode) string {
	code := rand.Text()
	d.mu.Lock()
	defer d.mu.Unlock()
	for old, one := range d.codes {
		if time.Now().After(one.until) {
			delete(d.codes, old)
		}
	}
	d.codes[code] = g
	return code
}

// take gives what a code stands for, once.
func (d *desk) take(code string) (grantedCode, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, ok := d.codes[code]
	delete(d.codes, code)
	return g, ok && time.Now().Before(g.until)
}

// token exchanges a code for a token.
func (d *desk) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	g, ok := d.take(r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	w.Header().Set("Content-Type", "application/json")
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != g.redirect ||
		base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge {
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_grant"})
		return
	}
	signed, err := signToken(d.key, d.issuer, g.user, time.Now(), signedInFor, g.nonce)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": signed, "id_token": signed, "token_type": "Bearer", "expires_in": int(signedInFor.Seconds())})
}

// signToken signs what a staff member's sign-on gives. A nonce binds it to one
// sign-in of a browser.
func signToken(key *rsa.PrivateKey, issuer, user string, now time.Time, ttl time.Duration, nonce string) (string, error) {
	claims := jwt.MapClaims{"iss": issuer, "sub": user, "aud": audience, "iat": now.Unix(), "exp": now.Add(ttl).Unix()}
	if nonce != "" {
		claims["nonce"] = nonce
	}
	t := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	t.Header["kid"] = keyID(&key.PublicKey)
	return t.SignedString(key)
}

// loopbackHost tells whether an address is on this machine.
func loopbackHost(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return strings.EqualFold(u.Hostname(), "localhost") || (ip != nil && ip.IsLoopback())
}
