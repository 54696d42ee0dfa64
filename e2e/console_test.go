package e2e

import (
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// browser is a person at the console: links, forms and cookies, no script.
type browser struct {
	s    *stack
	http *http.Client
}

// signIn signs a person in at the development issuer, by its links.
func (s *stack) signIn(t *testing.T, name string) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{s: s, http: &http.Client{Jar: jar, Timeout: callLimit}}
	_, page := b.open(t, s.API+"/inbox?lang=en")
	link := regexp.MustCompile(`href="([^"]*user=` + name + `)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatalf("the sign-in does not offer %s: %s", name, page)
	}
	if status, page := b.open(t, s.Issuer+html.UnescapeString(link[1])); status != 200 || !strings.Contains(page, "("+name+")") {
		t.Fatalf("%s is not signed in: %d %s", name, status, page)
	}
	return b
}

// open reads a page, wherever it leads.
func (b *browser) open(t *testing.T, address string) (int, string) {
	t.Helper()
	res, err := b.http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	return read(t, res)
}

func read(t *testing.T, res *http.Response) (int, string) {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// send fills the form of an address that a page holds, and sends it.
func (b *browser) send(t *testing.T, page, path, holds string, fill url.Values, headers ...header) (int, string) {
	t.Helper()
	for _, form := range regexp.MustCompile(`(?s)<form[^>]*action="`+regexp.QuoteMeta(path)+`".*?</form>`).FindAllString(page, -1) {
		if !strings.Contains(form, holds) {
			continue
		}
		values := url.Values{}
		for _, m := range hidden.FindAllStringSubmatch(form, -1) {
			values.Set(m[1], html.UnescapeString(m[2]))
		}
		for name, all := range fill {
			values[name] = all
		}
		req, err := http.NewRequest(http.MethodPost, b.s.API+path, strings.NewReader(values.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for _, h := range headers {
			req.Header.Set(h.name, h.value)
		}
		res, err := b.http.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		return read(t, res)
	}
	t.Fatalf("the page has no form %s with %s:\n%s", path, holds, page)
	return 0, ""
}

// A verifier finds the case in the inbox, takes it, is told what is missing,
// and decides; all of it without a script, and under the rules of the API.
func TestConsole(t *testing.T) {
	t.Parallel()
	s := theStack(t)
	c := submit(t, s, newRequest(t, s, "medical"))
	task := s.awaitTask(t, c.ID, "verify_documents", "")
	path := "/tasks/" + task.ID

	b := s.signIn(t, "verifier1")
	status, page := b.open(t, s.API+path)
	if status != 200 || !strings.Contains(page, c.Reference) || !strings.Contains(page, "Check of the papers") {
		t.Fatalf("%d %s", status, page)
	}
	if status, page = b.send(t, page, path+"/claim", "", nil); status != 200 || !strings.Contains(page, "Give it back") {
		t.Fatalf("claim: %d %s", status, page)
	}
	if other := s.signIn(t, "verifier2"); true {
		if _, seen := other.open(t, s.API+path); !strings.Contains(seen, "verifier1") || strings.Contains(seen, `value="complete"`) {
			t.Errorf("a task of another is offered: %s", seen)
		}
	}
	status, refused := b.send(t, page, path+"/decisions", `value="return"`, url.Values{"note": {"a <b> & more"}})
	if status != 422 || !strings.Contains(refused, `role="alert"`) || !strings.Contains(refused, "a &lt;b&gt; &amp; more") {
		t.Errorf("a return without a reason: %d %s", status, refused)
	}
	if status, _ := b.send(t, page, path+"/decisions", `value="complete"`, nil, header{"Sec-Fetch-Site", "cross-site"}); status != 403 {
		t.Errorf("another site decided: %d", status)
	}
	if status, done := b.send(t, page, path+"/decisions", `value="complete"`, nil); status != 200 || !strings.Contains(done, "Your decision is made") {
		t.Errorf("the decision: %d %s", status, done)
	}
	s.awaitTask(t, c.ID, "field_visit", "")
	if status, late := b.send(t, page, path+"/decisions", `value="complete"`, url.Values{"key": {"another"}}); status != 409 || !strings.Contains(late, "verifier1") {
		t.Errorf("decided twice: %d %s", status, late)
	}
	for _, view := range []string{"group", "mine", "unclaimed", "overdue"} {
		if status, list := b.open(t, s.API+"/inbox?view="+view); status != 200 || !strings.Contains(list, `aria-current="true"`) {
			t.Errorf("%s: %d %s", view, status, list)
		}
	}
	if status, told := b.open(t, s.API+"/notifications"); status != 200 {
		t.Errorf("notifications: %d %s", status, told)
	}
	_, page = b.open(t, s.API+"/inbox")
	if _, out := b.send(t, page, "/sign-out", "", nil); !strings.Contains(out, "Aidflow") || strings.Contains(out, "(verifier1)") {
		t.Errorf("still signed in: %s", out)
	}
}

// Nobody is sent elsewhere after signing in, and a return that nobody began is
// begun anew.
func TestSignInLeadsHome(t *testing.T) {
	t.Parallel()
	s := theStack(t)
	stop := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stop.Get(s.API + "/signed-in?code=x&state=y")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 303 || res.Header.Get("Location") != "/sign-in" {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("Location"))
	}
	b := s.signIn(t, "approver1")
	_, page := b.open(t, s.API+"/sign-in?to=//evil.example/")
	link := regexp.MustCompile(`href="([^"]*user=approver1)"`).FindStringSubmatch(page)
	if link == nil {
		t.Fatal(page)
	}
	if status, home := b.open(t, s.Issuer+html.UnescapeString(link[1])); status != 200 || !strings.Contains(home, "(approver1)") {
		t.Errorf("%d %s", status, home)
	}
}
