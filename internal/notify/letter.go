package notify

import (
	"bytes"
	"html/template"
	"net/url"
	"strings"
	"time"

	"github.com/aidflow/aidflow/internal/mail"
	"github.com/aidflow/aidflow/internal/notify/words"
	"github.com/aidflow/aidflow/internal/postgres"
)

// shown is how many things one mail names; it counts the rest.
const shown = 50

// Letters writes mails in the languages of the project. It never changes and
// may be used by several goroutines.
type Letters struct {
	public string
	words  *words.Catalogue
	page   *template.Template
}

// NewLetters reads the shipped texts. Public is the address under which people
// reach this installation.
//
// Errors: texts that cannot be read; a fault of the build.
func NewLetters(public string) (*Letters, error) {
	all, err := words.New()
	if err != nil {
		return nil, err
	}
	l := &Letters{public: strings.TrimSuffix(public, "/"), words: all}
	l.page, err = template.New("mail").Parse(page)
	return l, err
}

// line is one thing that a mail tells, in words.
type line struct {
	What string // what has happened
	Of   string // reference, kind of task, level
	Due  string // "" when there is no deadline
	Link string
}

// letter is a mail in words.
type letter struct {
	Lang    string
	Heading string
	Lines   []line
	More    string
	Why     string
	Change  string
	Open    string
}

// Mail writes the mail of a message that was taken. It holds references,
// kinds, deadlines and links; of persons nothing but the recipient's address.
func (l *Letters) Mail(m *postgres.Outgoing) (mail.Mail, error) {
	zone, err := time.LoadLocation(m.Zone)
	if err != nil {
		zone = time.UTC
	}
	w := writer{Words: l.words.In(m.Language), zone: zone}
	text := letter{Lang: m.Language, Why: w.Word("why", nil), Change: w.Word("change", map[string]string{"Link": l.public + "/notifications/settings"}), Open: w.Word("open", nil)}
	for _, item := range m.Items[:min(len(m.Items), shown)] {
		text.Lines = append(text.Lines, w.line(item, l.link(item)))
	}
	if rest := len(m.Items) - shown; rest > 0 {
		text.More = w.Count("more", rest)
	}
	text.Heading = w.heading(m, text.Lines)
	var html bytes.Buffer
	err = l.page.Execute(&html, text)
	return mail.Mail{ID: m.ID, To: m.Address, Subject: text.Heading, Text: text.plain(), HTML: html.String(), Date: m.Created,
		Unsubscribe: l.public + "/unsubscribe/" + url.PathEscape(m.Token) + "?lang=" + url.QueryEscape(m.Language)}, err
}

// link leads to the console's page of the task, or to what a person was told.
func (l *Letters) link(item postgres.Item) string {
	if item.Task != "" {
		return l.public + "/tasks/" + url.PathEscape(item.Task)
	}
	return l.public + "/notifications"
}

// writer writes lines in one language and time zone.
type writer struct {
	words.Words
	zone *time.Location
}

func (w writer) line(item postgres.Item, link string) line {
	out := line{What: w.Kind(item.Kind), Link: link}
	var of []string
	if item.Reference != "" {
		of = append(of, item.Reference)
	}
	if item.TaskKind != "" {
		of = append(of, w.Task(item.TaskKind, item.Level))
	}
	if item.Urgent {
		of = append(of, w.Word("urgent", nil))
	}
	if len(of) == 0 && item.Subject != "" {
		of = append(of, item.Subject)
	}
	out.Of = strings.Join(of, " · ")
	if item.DueAt != nil {
		out.Due = w.Word("due", map[string]string{"At": item.DueAt.In(w.zone).Format(w.Word("clock", nil))})
	}
	return out
}

// heading is the subject of the mail, too.
func (w writer) heading(m *postgres.Outgoing, lines []line) string {
	switch {
	case m.Digest:
		return w.Count("digest", len(m.Items))
	case len(m.Items) == 1 && m.Items[0].Reference != "":
		return lines[0].What + ": " + m.Items[0].Reference
	case len(m.Items) == 1:
		return lines[0].What
	}
	return w.Count("several", len(m.Items))
}

func (t letter) plain() string {
	var b strings.Builder
	b.WriteString(t.Heading + "\n")
	for _, l := range t.Lines {
		b.WriteString("\n" + l.What + "\n")
		for _, part := range []string{l.Of, l.Due, l.Link} {
			if part != "" {
				b.WriteString("  " + part + "\n")
			}
		}
	}
	if t.More != "" {
		b.WriteString("\n" + t.More + "\n")
	}
	b.WriteString("\n-- \n" + t.Why + "\n" + t.Change + "\n")
	return b.String()
}

const page = `<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Heading}}</title></head>
<body style="font-family: sans-serif; line-height: 1.5; color: #1b1b1b; background: #ffffff">
<h1 style="font-size: 1.25em">{{.Heading}}</h1>
<ul>{{range .Lines}}
<li><strong>{{.What}}</strong>{{if .Of}}<br>{{.Of}}{{end}}{{if .Due}}<br>{{.Due}}{{end}}<br><a href="{{.Link}}">{{$.Open}}</a></li>{{end}}
</ul>{{if .More}}
<p>{{.More}}</p>{{end}}
<p style="font-size: 0.875em; color: #4a4a4a">{{.Why}}<br>{{.Change}}</p>
</body></html>
`
