// Package page draws papers as pages of HTML: for a screen, for a screen
// reader, and for printing from the browser. No JavaScript, nothing fetched.
package page

import (
	"bytes"
	_ "embed"
	"html/template"

	"github.com/aidflow/aidflow/papers"
)

//go:embed page.html
var source string

// Policy is the Content-Security-Policy under which a page is to be served: it
// needs its own style sheet and nothing else.
const Policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"

// Renderer draws pages; it may be used by several goroutines.
type Renderer struct{ template *template.Template }

// New reads the template.
//
// Errors: a template that does not parse, a fault of the build.
func New() (*Renderer, error) {
	t, err := template.New("page").Parse(source)
	return &Renderer{t}, err
}

// Render draws a paper.
//
// Errors: of the template, which a paper that papers made does not cause.
func (r *Renderer) Render(p papers.Paper) ([]byte, error) {
	blocks := make([]block, len(p.Blocks))
	for i, b := range p.Blocks {
		blocks[i] = blockOf(b)
	}
	var out bytes.Buffer
	err := r.template.Execute(&out, struct {
		papers.Paper
		Parts []block
	}{p, blocks})
	return out.Bytes(), err
}

// block is a part of a paper for the template, which asks which of them is
// there.
type block struct {
	Heading    *papers.Heading
	Paragraph  *papers.Paragraph
	Fields     *papers.Fields
	Table      *papers.Table
	List       *papers.List
	Signatures *papers.Signatures
}

func blockOf(b papers.Block) block {
	switch b := b.(type) {
	case papers.Heading:
		return block{Heading: &b}
	case papers.Paragraph:
		return block{Paragraph: &b}
	case papers.Fields:
		return block{Fields: &b}
	case papers.Table:
		return block{Table: &b}
	case papers.List:
		return block{List: &b}
	case papers.Signatures:
		return block{Signatures: &b}
	}
	return block{}
}
