package bankfile

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"github.com/aidflow/aidflow/rails"
)

// message reads one kind of message. Paths are the names of the elements below
// Document, joined by slashes.
type message interface {
	// start is told of each element that begins.
	start(path string) error
	// end is told of each element that ends, with its text and its currency.
	end(path string, e element) error
	// finish gives the report of a whole message.
	finish() (*rails.Report, error)
}

// element is the content of one element.
type element struct{ text, currency string }

// messages gives the reader of a namespace, nil for one that is not known.
func messages(space string) message {
	switch strings.TrimPrefix(space, namespace) {
	case "pain.002.001.03", "pain.002.001.10":
		return newPain002()
	case "camt.053.001.02", "camt.053.001.08":
		return newCamt("camt.053", "BkToCstmrStmt/Stmt")
	case "camt.054.001.02", "camt.054.001.08":
		return newCamt("camt.054", "BkToCstmrDbtCdtNtfctn/Ntfctn")
	}
	return nil
}

// walker goes through a document once. It knows neither document types nor
// entities nor other encodings than UTF-8.
type walker struct {
	xml   *xml.Decoder
	guard *guard
	to    message
	space string
	path  []string             // of the open elements
	paths map[[2]string]string // of element and parent: a file has few, many times
	texts []element            // of the open elements
	inner []bool               // whether they have elements of their own
}

func readXML(in io.Reader, g *guard) (*rails.Report, error) {
	w := &walker{xml: xml.NewDecoder(in), guard: g, paths: map[[2]string]string{}}
	if err := w.root(); err != nil {
		return nil, err
	}
	for {
		g.next()
		token, err := w.xml.Token()
		if err != nil {
			return nil, err
		}
		if err = w.take(token); errors.Is(err, errEnd) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	if err := w.nothingElse(); err != nil {
		return nil, err
	}
	return w.to.finish()
}

var errEnd = errors.New("bankfile: end of the document")

// root reads up to the start of Document.
func (w *walker) root() error {
	for {
		w.guard.next()
		token, err := w.xml.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			w.space = t.Name.Space
			if t.Name.Local == "Document" {
				w.to = messages(t.Name.Space)
			}
			if w.to == nil {
				return unreadable("unknown_format", 0)
			}
			return nil
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return unreadable("malformed", 0)
			}
		case xml.Directive:
			return unreadable("malformed", 0)
		}
	}
}

// nothingElse wants the end of the file behind the document.
func (w *walker) nothingElse() error {
	for {
		w.guard.next()
		token, err := w.xml.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return unreadable("malformed", 0)
		}
		switch t := token.(type) {
		case xml.Comment:
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return unreadable("malformed", 0)
			}
		default:
			return unreadable("malformed", 0)
		}
	}
}

func (w *walker) take(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return w.open(t)
	case xml.EndElement:
		return w.close()
	case xml.CharData:
		return w.text(string(t))
	case xml.Directive:
		return unreadable("malformed", 0)
	}
	return nil
}

// open begins an element. What is of another namespace, as banks add it, is
// passed over.
func (w *walker) open(t xml.StartElement) error {
	if n := len(w.path); n > 0 {
		w.inner[n-1] = true
		if strings.TrimSpace(w.texts[n-1].text) != "" {
			return unreadable("malformed", 0)
		}
	}
	if t.Name.Space != w.space || t.Name.Local == "SplmtryData" {
		return w.skip()
	}
	if len(w.path) >= maxDepth {
		return unreadable("malformed", 0)
	}
	var e element
	for _, a := range t.Attr {
		if a.Name.Local == "Ccy" && a.Name.Space == "" {
			if e.currency != "" { // no XML; encoding/xml lets it pass
				return unreadable("malformed", 0)
			}
			e.currency = a.Value
		}
	}
	path := w.below(t.Name.Local)
	w.path, w.texts, w.inner = append(w.path, path), append(w.texts, e), append(w.inner, false)
	return w.to.start(path)
}

// below gives the path of a child of the open element.
func (w *walker) below(name string) string {
	if len(w.path) == 0 {
		return name
	}
	parent := w.path[len(w.path)-1]
	if path, known := w.paths[[2]string{parent, name}]; known {
		return path
	}
	path := parent + "/" + name
	if len(w.paths) < 1000 {
		w.paths[[2]string{parent, name}] = path
	}
	return path
}

func (w *walker) close() error {
	last := len(w.path) - 1
	if last < 0 {
		return errEnd
	}
	path, e, inner := w.path[last], w.texts[last], w.inner[last]
	w.path, w.texts, w.inner = w.path[:last], w.texts[:last], w.inner[:last]
	e.text = strings.TrimSpace(e.text)
	if inner && e.text != "" {
		return unreadable("malformed", 0)
	}
	return w.to.end(path, e)
}

func (w *walker) text(text string) error {
	last := len(w.path) - 1
	if last < 0 {
		if strings.TrimSpace(text) != "" {
			return unreadable("malformed", 0)
		}
		return nil
	}
	w.texts[last].text += text
	if len(w.texts[last].text) > maxField {
		return unreadable("malformed", 0)
	}
	return nil
}

// skip passes over an element and all below it.
func (w *walker) skip() error {
	for depth := 1; depth > 0; {
		w.guard.next()
		token, err := w.xml.Token()
		if err != nil {
			return err
		}
		switch token.(type) {
		case xml.StartElement:
			depth++
		case xml.EndElement:
			depth--
		case xml.Directive:
			return unreadable("malformed", 0)
		}
		if depth > maxDepth {
			return unreadable("malformed", 0)
		}
	}
	return nil
}
