package console

import (
	"log/slog"
	"net/mail"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	sender "github.com/aidflow/aidflow/internal/mail"
	"github.com/aidflow/aidflow/internal/mail/sink"
	"github.com/aidflow/aidflow/internal/notify"
	"github.com/aidflow/aidflow/internal/postgres"
)

// mails sends what waits to a real mail server and gives the headers of all
// that have arrived.
func (w *world) mails(server *sink.Server) (all []mail.Header) {
	w.t.Helper()
	out, err := sender.New(sender.Config{URL: "smtp://" + server.Address + "?tls=off", From: "aidflow@fund.example"})
	if err != nil {
		w.t.Fatal(err)
	}
	letters, err := notify.NewLetters("https://aid.example")
	if err != nil {
		w.t.Fatal(err)
	}
	n := notify.Notifier{Store: w.db.Store, Letters: letters, Mail: out, Log: slog.New(slog.NewTextHandler(&w.log, nil))}
	if err := n.Once(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	files, err := server.Mails()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			w.t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, m.Header)
	}
	return all
}

func (w *world) tell(kind, actor string) {
	w.t.Helper()
	err := w.db.Write(w.t.Context(), func(tx *postgres.Tx) error {
		return tx.Tell(postgres.Notice{Kind: kind, Subject: "bat_1", Actor: actor, To: []string{"verifier1"}})
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// The link of a mail opens a page that changes nothing; its button, or the one
// click of a mail program, ends mails of that kind and no others, without a
// sign-in and as often as it is pressed.
func TestOneClickEndsMails(t *testing.T) {
	w := newWorld(t)
	server, err := sink.Open(sink.Config{Address: "127.0.0.1:0", Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	w.tell("batch.done", "verifier1")
	all := w.mails(server)
	if len(all) != 1 {
		t.Fatalf("%d mails", len(all))
	}
	link := regexp.MustCompile(`^<(https://aid\.example/unsubscribe/[^>]+)>, <mailto:`).FindStringSubmatch(all[0].Get("List-Unsubscribe"))
	if link == nil || all[0].Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Fatalf("%v", all[0])
	}
	address, err := url.Parse(link[1])
	if err != nil || strings.Contains(link[1], "verifier") || strings.Contains(link[1], "@") {
		t.Fatalf("%s names somebody (%v)", link[1], err)
	}
	off := func() int {
		return w.number(`SELECT count(*) FROM staff_contacts WHERE subject = 'verifier1' AND channels ->> 'outcomes' = 'off' AND coalesce(channels ->> 'mine', '') <> 'off'`)
	}
	for range 2 { // a scanner of mails, and the person
		status, page := w.ask("", address.RequestURI(), nil)
		if status != 200 || !strings.Contains(page, "<button>") || off() != 0 {
			t.Fatalf("a look: %d %s", status, page)
		}
		w.plainPage("/unsubscribe", page)
	}
	for range 2 {
		status, page := w.ask("", address.RequestURI(), url.Values{"List-Unsubscribe": {"One-Click"}}, "Sec-Fetch-Site", "cross-site")
		if status != 200 || strings.Contains(page, "<button>") || off() != 1 {
			t.Fatalf("the click: %d %s", status, page)
		}
	}
	if n := w.number(`SELECT version FROM staff_contacts WHERE subject = 'verifier1'`); n != 3 && n != 2 {
		t.Errorf("version %d: changed twice", n)
	}
	if n := w.number(`SELECT count(*) FROM audit WHERE actor = 'verifier1' AND code = 'unsubscribed'`); n != 1 {
		t.Errorf("%d lines in the audit", n)
	}
	w.tell("batch.done", "verifier1")
	if again := w.mails(server); len(again) != 1 {
		t.Errorf("a mail came after all: %v", again[1:])
	}
	w.tell("delegation.begun", "manager1") // another topic goes on
	if others := w.mails(server); len(others) != 2 {
		t.Errorf("%d mails, want the one of another topic", len(others))
	}
}

// A token that is no mail's, that was changed or cut, or of a mail that is
// forgotten: one clear page in the reader's language, whatever is sent.
func TestBadUnsubscribeLinks(t *testing.T) {
	w := newWorld(t)
	gone := w.db.MailToken("msg_00000000000000000000000000")
	for _, token := range []string{"x", "msg_1", gone, gone[:len(gone)-1], strings.ToUpper(gone), "msg_2" + gone[5:], strings.Repeat("a", 5000), "%00", "..%2f", "' OR 1=1"} {
		for _, form := range []url.Values{nil, {"List-Unsubscribe": {"One-Click"}}} {
			status, page := w.ask("", "/unsubscribe/"+url.PathEscape(token)+"?lang=vi", form)
			if status != 404 || !strings.Contains(page, "90 ngày") || strings.Contains(page, "<button>") {
				t.Errorf("%.40q: %d %s", token, status, page)
			}
		}
	}
}
