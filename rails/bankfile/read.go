package bankfile

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/aidflow/aidflow/rails"
)

// The limits of a file of the bank. It is read as a stream: what is kept are
// its lines.
const (
	maxBytes = 100 << 20
	maxLines = 200_000
	maxPiece = 1 << 20 // of one element or row, with all that is between two
	maxDepth = 32
	maxField = 4 << 10 // of one text
)

// Read gives what a file of the bank says. The format is told by its content:
// pain.002.001 (.03, .10), camt.053.001 and camt.054.001 (.02, .08), and CSV
// as the settings describe it. A file that is not believed is an
// *rails.Unreadable; any other error is one of the reader.
func (r *Rail) Read(file io.Reader) (*rails.Report, error) {
	g := &guard{in: file}
	in := bufio.NewReader(g)
	if start, err := in.Peek(len(mark)); err == nil && string(start) == mark {
		_, _ = in.Discard(len(mark))
	}
	first, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, g.judge(err)
	}
	switch first = bytes.TrimLeft(first, " \t\r\n"); {
	case len(first) == 0:
		return nil, unreadable("truncated", 0)
	case first[0] == '<':
		report, err := readXML(in, g)
		return report, g.judge(err)
	case bytes.ContainsRune(first, 0), bytes.HasPrefix(first, []byte("PK\x03\x04")):
		return nil, unreadable("unknown_format", 0)
	}
	report, err := r.readCSV(in, g)
	return report, g.judge(err)
}

func unreadable(code string, line int) error { return &rails.Unreadable{Code: code, Line: line} }

// guard lets a file be as long as it may and no element longer than memory
// should hold, and remembers a failure of the reader itself.
type guard struct {
	in           io.Reader
	total, piece int
	failed       error
}

var errTooMuch = errors.New("bankfile: too much")

// Read counts what it reads.
func (g *guard) Read(p []byte) (int, error) {
	n, err := g.in.Read(p)
	g.total += n
	g.piece += n
	if g.total > maxBytes || g.piece > maxPiece {
		return 0, errTooMuch
	}
	if err != nil && !errors.Is(err, io.EOF) {
		g.failed = err
	}
	return n, err
}

// next begins a new element or row.
func (g *guard) next() { g.piece = 0 }

// judge translates what ended the reading.
func (g *guard) judge(err error) error {
	var known *rails.Unreadable
	var syntax *xml.SyntaxError
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case g.failed != nil:
		return g.failed
	case g.total > maxBytes:
		return unreadable("too_large", 0)
	case errors.As(err, &syntax) && strings.Contains(syntax.Msg, "unexpected EOF"),
		errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return unreadable("truncated", 0)
	}
	return unreadable("malformed", 0)
}
