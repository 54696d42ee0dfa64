package papers

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// clean makes a text that a printer can show as it is meant: accents composed
// (a font has no loose ones), white space as single spaces, no control
// characters, nothing invisible that turns the direction of writing, and a box
// for what lies beyond the characters of fonts.
func clean(text string) string {
	text = strings.ToValidUTF8(text, "□")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\u00a0': // keeps an amount and its currency together
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), r >= 0xfe00 && r <= 0xfe0f:
			return -1
		case r == '₫': // in few fonts
			return 'đ'
		case r > 0xffff, unicode.Is(unicode.Co, r):
			return '□'
		}
		return r
	}, norm.NFC.String(text))
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == ' ' }), " ")
}

// cleaned gives the paper with every text clean.
func (p Paper) cleaned() Paper {
	p.Title, p.Subtitle = clean(p.Title), clean(p.Subtitle)
	p.Head = Head{Organisation: each(p.Head.Organisation), Number: clean(p.Head.Number), Motto: each(p.Head.Motto), PlaceDate: clean(p.Head.PlaceDate)}
	p.Foot = Foot{Reference: clean(p.Foot.Reference), Note: clean(p.Foot.Note), Page: clean(p.Foot.Page)}
	blocks := make([]Block, len(p.Blocks))
	for i, b := range p.Blocks {
		blocks[i] = cleanBlock(b)
	}
	p.Blocks = blocks
	return p
}

func cleanBlock(b Block) Block {
	switch b := b.(type) {
	case Heading:
		return Heading{clean(b.Text)}
	case Paragraph:
		return Paragraph{clean(b.Text), b.Strong}
	case Fields:
		rows := make([]Field, len(b.Rows))
		for i, f := range b.Rows {
			rows[i] = Field{clean(f.Label), clean(f.Value)}
		}
		return Fields{rows}
	case Table:
		return cleanTable(b)
	case List:
		return List{each(b.Items)}
	case Code:
		return Code{clean(b.Text), clean(b.Caption)}
	case Signatures:
		places := make([]Signature, len(b.Places))
		for i, s := range b.Places {
			places[i] = Signature{clean(s.Role), clean(s.Hint), clean(s.Name)}
		}
		return Signatures{places}
	}
	return b
}

func cleanTable(t Table) Table {
	out := Table{Caption: clean(t.Caption), Total: each(t.Total)}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, Column{clean(c.Title), c.Share, c.Right})
	}
	for _, row := range t.Rows {
		out.Rows = append(out.Rows, each(row))
	}
	return out
}

func each(texts []string) []string {
	var out []string
	for _, text := range texts {
		out = append(out, clean(text))
	}
	return out
}
