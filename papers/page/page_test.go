package page_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/papers"
	"github.com/aidflow/aidflow/papers/page"
)

const evil = `<script>alert("x")</script>&'`

func paper(members int, text string) papers.Paper {
	t := papers.Table{Caption: text, Columns: []papers.Column{{Title: text, Share: 20, Right: true}, {Title: "Name", Share: 80}}, Total: []string{"1", text}}
	for i := range members {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i), text})
	}
	return papers.Paper{Lang: "vi", Title: text, Subtitle: text, Head: papers.Head{Organisation: []string{text}, Motto: []string{text, text}, Number: text, PlaceDate: text},
		Foot: papers.Foot{Reference: text, Note: text, Page: "{n}"},
		Blocks: []papers.Block{papers.Heading{Text: text}, papers.Paragraph{Text: text}, papers.Paragraph{Text: text, Strong: true},
			papers.Fields{Rows: []papers.Field{{Label: text, Value: text}}}, t, papers.List{Items: []string{text}}, papers.Code{Text: text, Caption: text},
			papers.Signatures{Places: []papers.Signature{{Role: text, Hint: text, Name: text}}}}}
}

func render(t *testing.T, p papers.Paper) string {
	t.Helper()
	r, err := page.New()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := r.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestNothingIsTakenForMarkup(t *testing.T) {
	html := render(t, paper(2, evil))
	if strings.Contains(html, "<script") || strings.Contains(html, `="<`) || strings.Contains(html, `"x"`) {
		t.Error(html)
	}
	// Every place of the paper is there, the title of the tab and the two names
	// of the table among them.
	if n := strings.Count(html, "&lt;script&gt;alert("); n != 27 {
		t.Errorf("%d texts\n%s", n, html)
	}
}

// What a reader of the screen needs: the language, one title, sections below
// it, titles of columns, names of regions; and nothing that is fetched or run.
func TestPageIsAccessible(t *testing.T) {
	html := render(t, paper(3, "Nội dung"))
	for _, want := range []string{`<html lang="vi">`, `<meta charset="utf-8">`, `name="viewport"`, `<title>Nội dung Nội dung</title>`, "<main>", "<h2>", `<th scope="col"`,
		`<caption>Nội dung</caption>`, `role="region" tabindex="0" aria-label="Nội dung"`, "<dt>Nội dung</dt>", "@media print", "@page"} {
		if !strings.Contains(html, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if n := strings.Count(html, "<h1>"); n != 1 {
		t.Errorf("%d titles", n)
	}
	if found := regexp.MustCompile(`(?i)<(script|link|img|iframe|form|object)|https?:|url\(|\son\w+=|javascript:`).FindString(html); found != "" {
		t.Errorf("the page has %q", found)
	}
	balanced(t, html)
}

// balanced holds every element to its end.
func balanced(t *testing.T, html string) {
	t.Helper()
	var open []string
	for _, tag := range regexp.MustCompile(`<(/?)([a-z][a-z0-9]*)[^>]*>`).FindAllStringSubmatch(html, -1) {
		switch {
		case tag[2] == "meta":
		case tag[1] == "":
			open = append(open, tag[2])
		case len(open) == 0 || open[len(open)-1] != tag[2]:
			t.Fatalf("</%s> ends %v", tag[2], open)
		default:
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("%v stay open", open)
	}
}

func TestPagesAreSmall(t *testing.T) {
	if n := len(render(t, paper(40, "Nguyễn Thị Minh Khai"))); n > 60_000 {
		t.Errorf("%d bytes with 40 members", n)
	}
	if n := len(render(t, paper(0, ""))); n < 1000 {
		t.Errorf("%d bytes", n)
	}
}
