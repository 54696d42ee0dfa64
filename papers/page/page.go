// Package page draws papers as pages of HTML: for a screen, for a screen
// reader, and for printing from the browser. No JavaScript, nothing fetched.
package page

import (
	"bytes"
	_ "embed"
	"html/template"

	"github.com/aidflow/aidflow/papers"
	"github.com/aidflow/aidflow/papers/qr"
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
// Errors: of the template, or a text too long for a code, which a paper that
// papers made does not cause.
func (r *Renderer) Render(p papers.Paper) ([]byte, error) {
	blocks := make([]block, len(p.Blocks))
	for i, b := range p.Blocks {
		var err error
		if blocks[i], err = blockOf(b); err != nil {
			return nil, err
		}
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
	Code       *code
	Signatures *papers.Signatures
}

// code is a QR code as the path of an SVG.
type code struct {
	Caption, Path string
	Side          int
}

func codeOf(c papers.Code) (*code, error) {
	drawn, err := qr.Of(c.Text)
	if err != nil {
		return nil, err
	}
	return &code{c.Caption, drawn.Path(), drawn.Size() + 2*qr.Quiet}, nil
}

func blockOf(b papers.Block) (block, error) {
	switch b := b.(type) {
	case papers.Heading:
		return block{Heading: &b}, nil
	case papers.Paragraph:
		return block{Paragraph: &b}, nil
	case papers.Fields:
		return block{Fields: &b}, nil
	case papers.Table:
		return block{Table: &b}, nil
	case papers.List:
		return block{List: &b}, nil
	case papers.Code:
		c, err := codeOf(b)
		return block{Code: c}, err
	case papers.Signatures:
		return block{Signatures: &b}, nil
	}
	return block{}, nil
}
