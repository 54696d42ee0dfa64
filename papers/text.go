package papers

import (
	"strings"
	"unicode/utf8"
)

// Text writes the paper without any drawing, for tests and for those who read
// by ear: one line for each paragraph, field and row of a table.
func (p Paper) Text() string {
	var b strings.Builder
	line := func(parts ...string) {
		var there []string
		for _, part := range parts {
			if part != "" {
				there = append(there, part)
			}
		}
		if len(there) > 0 {
			b.WriteString(strings.Join(there, " | ") + "\n")
		}
	}
	line(strings.Join(p.Head.Organisation, " / "), strings.Join(p.Head.Motto, " / "))
	line(p.Head.Number, p.Head.PlaceDate)
	b.WriteString("\n# " + p.Title + "\n")
	line(p.Subtitle)
	for _, block := range p.Blocks {
		b.WriteString("\n")
		textOf(block, line)
	}
	b.WriteString("\n")
	line(p.Foot.Reference, p.Foot.Page)
	line(p.Foot.Note)
	return b.String()
}

func textOf(block Block, line func(...string)) {
	switch b := block.(type) {
	case Heading:
		line("## " + b.Text)
	case Paragraph:
		line(b.Text)
	case Fields:
		for _, f := range b.Rows {
			line(f.Label + ": " + f.Value)
		}
	case Table:
		titles := make([]string, len(b.Columns))
		for i, c := range b.Columns {
			titles[i] = c.Title
		}
		line("[" + b.Caption + "]")
		line(titles...)
		line(strings.Repeat("-", utf8.RuneCountInString(strings.Join(titles, " | "))))
		for _, row := range b.Rows {
			line(strings.Join(row, " | "))
		}
		line(strings.Join(b.Total, " | "))
	case List:
		for _, item := range b.Items {
			line("- " + item)
		}
	case Code:
		line("[QR " + b.Text + "] " + b.Caption)
	case Signatures:
		for _, s := range b.Places {
			line(s.Role + " " + s.Hint + " " + s.Name)
		}
	}
}
