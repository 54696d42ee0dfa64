// Package papers says what a fund's office prints: request form, minutes,
// letters, vouchers, receipts and lists. It makes a small document of facts
// and texts; papers/pdf and papers/page draw it. It is pure: the same facts
// give the same paper tomorrow, so a paper bears the date of what it tells and
// never the date of its printing.
package papers

import "time"

// Paper is a document ready to be drawn: every text is final, clean (see
// clean) and in one language.
type Paper struct {
	Kind     Kind
	Lang     string // vi, en, id
	Head     Head
	Title    string // in capitals as offices write it
	Subtitle string // "" for none
	Blocks   []Block
	Foot     Foot
	Date     time.Time // of what the paper tells; for the file's own dates
}

// Head is the block at the top as Vietnamese offices know it: who writes and
// under which number on the left, motto, place and date on the right.
type Head struct {
	Organisation []string
	Number       string
	Motto        []string
	PlaceDate    string
}

// Foot stands at the end of every page.
type Foot struct {
	Reference string // what the paper is about
	Note      string // what its reader must check; "" for nothing
	Page      string // with {n} and {m} for the page and how many there are
}

// Block is one part of a paper: Heading, Paragraph, Fields, Table, List, Code
// or Signatures.
type Block interface{ block() }

// Heading begins a section.
type Heading struct{ Text string }

// Paragraph is running text.
type Paragraph struct {
	Text   string
	Strong bool
}

// Fields are facts by name, one under the other.
type Fields struct{ Rows []Field }

// Field is one fact.
type Field struct{ Label, Value string }

// Table has a row of titles and rows of equal length.
type Table struct {
	Caption string // says what the table holds, for those who do not see it
	Columns []Column
	Rows    [][]string
	Total   []string // a last row that stands out; nil for none
}

// Column is one column of a table.
type Column struct {
	Title string
	Share int  // of the width, in percent
	Right bool // numbers stand right
}

// List is an unordered list.
type List struct{ Items []string }

// Code is a QR code and what it says to those who have no camera at hand.
type Code struct{ Text, Caption string }

// Signatures are the places where people sign, side by side.
type Signatures struct{ Places []Signature }

// Signature is one place to sign.
type Signature struct{ Role, Hint, Name string }

func (Heading) block()    {}
func (Paragraph) block()  {}
func (Fields) block()     {}
func (Table) block()      {}
func (List) block()       {}
func (Code) block()       {}
func (Signatures) block() {}
