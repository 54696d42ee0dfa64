package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	sender "github.com/aidflow/aidflow/internal/mail"
	"github.com/aidflow/aidflow/internal/mail/sink"
	"github.com/aidflow/aidflow/internal/notify"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

const public = "https://aid.example"

// office is a database with people, a mail server and the notifier between
// them.
type office struct {
	*pgtest.DB
	t      *testing.T
	server *sink.Server
	log    *bytes.Buffer
	n      *notify.Notifier
}

func newOffice(t *testing.T, fault func(step string) error) *office {
	t.Helper()
	o := &office{DB: pgtest.New(t), t: t, log: &bytes.Buffer{}}
	var err error
	o.server, err = sink.Open(sink.Config{Address: "127.0.0.1:0", Dir: t.TempDir(), Fault: fault})
	require.NoError(t, err)
	t.Cleanup(func() { _ = o.server.Close() })
	o.n = o.notifier()
	return o
}

// notifier is one worker's.
func (o *office) notifier() *notify.Notifier {
	o.t.Helper()
	s, err := sender.New(sender.Config{URL: "smtp://" + o.server.Address + "?tls=off", From: "aidflow@fund.example"})
	require.NoError(o.t, err)
	letters, err := notify.NewLetters(public)
	require.NoError(o.t, err)
	return &notify.Notifier{Store: o.Store, Letters: letters, Mail: s, Log: slog.New(slog.NewTextHandler(o.log, nil))}
}

func (o *office) once() {
	o.t.Helper()
	require.NoError(o.t, o.n.Once(o.t.Context()))
}

// request is of a household in which everything personal can be recognised.
func request() postgres.CaseContent {
	head := postgres.DevelopmentHousehold(1)[0]
	given := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
	return postgres.CaseContent{
		Programme: "medical", ExternalID: "QANARY-1", Area: head.Area, SubmittedBy: "Qanary officer",
		Applicant: postgres.Applicant{FullName: "Quyen Qanary", NationalID: head.NationalID, BirthDate: head.BirthDate, Sex: head.Sex, Phone: "0905112233", Address: "Qanary lane"},
		Household: postgres.Household{Code: head.HouseholdCode}, Payee: &postgres.Payee{Kind: "household", Method: "bank", BankBIN: "970416",
			AccountNumber: "0051077777", AccountName: "QUYEN QANARY"},
		Answers:   json.RawMessage(`{"facility":"Qanary hospital","treatment":"surgery","admitted_on":"2026-02-01","cost":18500000,"insured":true}`),
		Consent:   postgres.Consent{Purposes: []string{"assessment", "payment"}, GivenAt: &given, Method: "signed_form"},
		Documents: []postgres.NewDocument{{Kind: "request_form", Dated: "2026-02-20", Location: "Qanary cupboard"}, {Kind: "admission_paper", Dated: "2026-02-01"}},

		RequestedAmount: 6_000_000, Currency: "VND",
	}
}

var marks = []string{"qanary", "0051077777", "0905112233", "6000000", "6.000.000", "18500000"}

// opened is a case under review with an open task; it gives both.
func (o *office) opened() (caseID, task string) {
	o.t.Helper()
	c, err := o.CreateCase(o.t.Context(), o.Partner(o.t, "portal1"), postgres.NewID(aid.CaseID), request(), false)
	require.NoError(o.t, err)
	due := o.Now().Add(8 * time.Hour)
	o.change(c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.VerifyDocuments, Workflow: c.WorkflowID, Owner: aid.OwnerOffice, Due: &due})
		return err
	})
	return c.ID, task
}

func (o *office) change(id string, fn func(*postgres.Tx, *postgres.Case) error) {
	o.t.Helper()
	require.NoError(o.t, o.Write(o.t.Context(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(id)
		if err != nil {
			return err
		}
		return fn(tx, c)
	}))
}

func (o *office) event(caseID, kind, task string, to ...string) {
	o.t.Helper()
	o.change(caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		return tx.AddEvent(c, postgres.Event{Kind: kind, Actor: postgres.System, Task: task, Data: map[string]any{"to": to}})
	})
}

// got is a mail as its reader sees it.
type got struct{ to, subject, text, html, id string }

func (o *office) mails() []got {
	o.t.Helper()
	files, err := o.server.Mails()
	require.NoError(o.t, err)
	var all []got
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(o.t, err)
		m, err := mail.ReadMessage(bytes.NewReader(raw))
		require.NoError(o.t, err)
		one := got{to: m.Header.Get("To"), id: m.Header.Get("Message-Id")}
		one.subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		require.NoError(o.t, err)
		_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
		require.NoError(o.t, err)
		parts := multipart.NewReader(m.Body, params["boundary"])
		for _, into := range []*string{&one.text, &one.html} {
			p, err := parts.NextRawPart()
			require.NoError(o.t, err)
			text, err := io.ReadAll(quotedprintable.NewReader(p))
			require.NoError(o.t, err)
			*into = strings.ReplaceAll(string(text), "\r\n", "\n")
		}
		all = append(all, one)
	}
	return all
}

func (o *office) texts(query string, args ...any) []string {
	o.t.Helper()
	rows, err := o.SQL(o.t).Query(query, args...)
	require.NoError(o.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		require.NoError(o.t, rows.Scan(&one))
		all = append(all, one)
	}
	return all
}

// A reminder at once, an escalation in another language, the digest the next
// morning: each to the right person, with reference, kind, deadline and link.
func TestMailsInEverybodysLanguage(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	_, err := o.SQL(t).Exec(`UPDATE staff_contacts SET language = 'id', zone = 'Asia/Jakarta' WHERE subject = 'verifier2'`)
	require.NoError(t, err)
	c, task := o.opened()
	o.once()
	require.Empty(t, o.mails(), "new work waits for the digest")
	reference := o.texts(`SELECT reference FROM cases WHERE id = $1`, c)[0]
	o.event(c, "task.escalated", task)
	o.once()
	o.event(c, "task.reminded", task)
	o.once()
	o.once()
	all := o.mails()
	require.Len(t, all, 3)
	require.Equal(t, "<manager1@aidflow.test>", all[0].to)
	require.Equal(t, "Late: nobody has acted in time: "+reference, all[0].subject)
	require.Equal(t, `Late: nobody has acted in time: `+reference+`

Late: nobody has acted in time
  `+reference+` · check of the papers
  Due 2 Mar 2026, 17:00
  https://aid.example/tasks/`+task+`

`+"-- "+`
Aidflow sent this because of your role. It names nobody; what it is about is shown after you have signed in.
How you are told, and whether by mail, is your choice: https://aid.example/notifications/settings
`, all[0].text)
	require.Contains(t, all[0].html, `<a href="https://aid.example/tasks/`+task+`">Open</a>`)
	require.Equal(t, "Việc vẫn đang chờ bạn: "+reference, all[1].subject)
	require.Contains(t, all[1].text, "kiểm tra giấy tờ\n  Hạn: 17:00 02/03/2026\n")
	require.Equal(t, "Masih menunggu Anda: "+reference, all[2].subject)
	require.Contains(t, all[2].text, "Tenggat 02/03/2026 17.00") // the zone of Jakarta is that of Vietnam
	o.Clock.Advance(24 * time.Hour)
	o.once()
	all = o.mails()
	require.Len(t, all, 5)
	require.Equal(t, "Hôm nay: 1 tin mới", all[3].subject)
	require.Equal(t, "Hari ini: 1 kabar baru", all[4].subject)
	require.Contains(t, all[3].text, "\nViệc mới\n  "+reference)
}

// Nothing personal goes into a mail, a call of the webhook, or the log.
func TestNothingPersonalLeaves(t *testing.T) {
	t.Parallel()
	o := newOffice(t, func(step string) error {
		if step == "to" {
			return sink.Answer(450, "not now, verifier2@aidflow.test")
		}
		return nil
	})
	var heard bytes.Buffer
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.Header.Write(&heard)
		_, _ = io.Copy(&heard, r.Body)
	}))
	t.Cleanup(hook.Close)
	o.n.Webhook = webhook(t, hook.URL, "127.0.0.0/8")
	c, task := o.opened()
	for _, rule := range aid.NoticeRules() {
		o.event(c, rule.Kind, task, "verifier1", "verifier2", "manager1")
	}
	for range 4 {
		o.once()
		o.Clock.Advance(24 * time.Hour)
	}
	for _, mark := range append(marks, "verifier2@") {
		require.NotContains(t, strings.ToLower(heard.String()+o.log.String()), mark)
	}
	require.Contains(t, o.log.String(), "smtp_450")
	require.Contains(t, heard.String(), `"reference":"HS-`)
	o.server.Close()
	clean := newOffice(t, nil)
	c, task = clean.opened()
	for _, rule := range aid.NoticeRules() {
		clean.event(c, rule.Kind, task, "verifier1", "verifier2", "manager1")
	}
	clean.once()
	clean.Clock.Advance(24 * time.Hour)
	clean.once()
	all := clean.mails()
	require.GreaterOrEqual(t, len(all), 5)
	for _, m := range all {
		for _, mark := range marks {
			require.NotContains(t, strings.ToLower(m.subject+m.text+m.html), mark)
		}
	}
	require.NotEmpty(t, clean.texts(`SELECT 1 FROM cases WHERE external_id = 'QANARY-1'`), "the marks were not planted")
	require.Equal(t, []string{"0"}, clean.texts(`SELECT count(*) FROM staff_contacts WHERE encode(address, 'escape') LIKE '%@aidflow%'`))
}

// A server that is away loses nothing: the mail leaves when it is back, once
// and under the same id.
func TestAServerThatIsAway(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	away := true
	o := newOffice(t, func(step string) error {
		mu.Lock()
		defer mu.Unlock()
		if step == "from" && away {
			return sink.Answer(421, "busy")
		}
		return nil
	})
	c, task := o.opened()
	o.event(c, "task.escalated", task)
	for range 3 {
		o.once()
		o.once() // not before its time
		o.Clock.Advance(3 * time.Minute)
	}
	require.Empty(t, o.mails())
	require.Equal(t, []string{"waiting 3 smtp_421"}, o.texts(`SELECT state || ' ' || attempts || ' ' || code FROM messages`))
	mu.Lock()
	away = false
	mu.Unlock()
	o.Clock.Advance(time.Hour)
	o.once()
	o.once()
	all := o.mails()
	require.Len(t, all, 1)
	require.Equal(t, "<"+o.texts(`SELECT id FROM messages`)[0]+"@fund.example>", all[0].id)
}

// An answer that is lost leaves the mail as unknown: it is not sent again, but
// where that is set, and then under the same id.
func TestALostAnswer(t *testing.T) {
	t.Parallel()
	for _, resend := range []bool{false, true} {
		lost := 0
		o := newOffice(t, func(step string) error {
			if step == "data" && lost == 0 {
				lost++
				return sink.ErrCut
			}
			return nil
		})
		o.n.Resend = resend
		c, task := o.opened()
		o.event(c, "task.escalated", task)
		for range 3 {
			o.once()
			o.Clock.Advance(10 * time.Minute)
		}
		all := o.mails()
		if resend {
			require.Len(t, all, 2)
			require.Equal(t, all[0].id, all[1].id)
		} else {
			require.Len(t, all, 1)
			require.Equal(t, []string{"unknown answer_lost"}, o.texts(`SELECT state || ' ' || code FROM messages`))
		}
	}
}

// A worker that dies before it gives the mail to the server has lost nothing;
// one that dies while it does leaves a mail of which nobody knows.
func TestAWorkerThatDies(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	c, task := o.opened()
	o.event(c, "task.escalated", task)
	_, err := o.SpreadNotices(t.Context(), false, 100)
	require.NoError(t, err)
	_, err = o.TakeMail(t.Context()) // and dies
	require.NoError(t, err)
	o.once()
	require.Empty(t, o.mails())
	o.Clock.Advance(postgres.Lease)
	o.once()
	require.Len(t, o.mails(), 1)
	o.event(c, "task.escalated", task)
	_, err = o.SpreadNotices(t.Context(), false, 100)
	require.NoError(t, err)
	m, err := o.TakeMail(t.Context())
	require.NoError(t, err)
	require.NoError(t, o.Handing(t.Context(), m)) // and dies
	o.Clock.Advance(postgres.Lease)
	o.once()
	require.Len(t, o.mails(), 1)
	require.Equal(t, []string{"sent", "unknown"}, o.texts(`SELECT state FROM messages ORDER BY created_at`))
	require.Contains(t, o.log.String(), "mails whose end nobody knows")
}

// Many workers at once send each mail once, and one digest to each person.
func TestManyWorkers(t *testing.T) {
	t.Parallel()
	o := newOffice(t, nil)
	c, task := o.opened()
	for range 5 {
		o.event(c, "task.escalated", task)
	}
	round := func() {
		var all sync.WaitGroup
		for range 3 {
			n := o.notifier()
			n.Log = slog.New(slog.DiscardHandler)
			all.Go(func() {
				if err := n.Once(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	round()
	round()
	o.Clock.Advance(24 * time.Hour)
	round()
	round()
	var to, ids []string
	for _, m := range o.mails() {
		to, ids = append(to, m.to), append(ids, m.id)
	}
	slices.Sort(to)
	slices.Sort(ids)
	require.Len(t, slices.Compact(ids), len(to), "a mail was sent twice")
	require.Equal(t, []string{"<verifier1@aidflow.test>", "<verifier2@aidflow.test>"}, to[len(to)-2:])
	require.Equal(t, "<manager1@aidflow.test>", to[0])
	require.Equal(t, []string{"5"}, o.texts(`SELECT count(*) FROM notifications WHERE person = 'manager1' AND message_id IS NOT NULL`))
}
