package files

import (
	"bytes"
	"compress/zlib"
	"io"
	"regexp"
)

// Limits of what is unpacked to look into a PDF. A fund's papers stay far
// below; a PDF beyond them is refused, because what it hides is not known.
const (
	maxStream    = 32 << 20 // bytes of one stream
	maxUnpacked  = 256 << 20
	maxPDFParts  = 20_000 // streams
	maxNameChars = 64     // around a name, for the look at its escapes
)

// active are names of the PDF format that make a reader do something, or that
// bring another file along.
var active = regexp.MustCompile(`/(JavaScript|Launch|EmbeddedFiles?|RichMedia|SubmitForm|ImportData|GoToE)([^A-Za-z0-9_]|$)`)

var (
	encrypted = regexp.MustCompile(`/Encrypt\s*(<<|\d+\s+\d+\s+R)`)
	escape    = regexp.MustCompile(`#[0-9A-Fa-f]{2}`)
)

// checkPDF refuses a PDF that is cut short, locked, or that does things. It is
// a look at names, also in what is packed, not a parser: it finds what common
// programs write and what is hidden in common ways. What it misses meets the
// scanner, and a browser that is told to run nothing.
func checkPDF(data []byte) error {
	if err := checkPDFEnd(data); err != nil {
		return err
	}
	if err := checkNames(data); err != nil {
		return err
	}
	unpacked, parts := 0, 0
	for rest := data; ; {
		i := bytes.Index(rest, []byte("stream"))
		if i < 0 {
			return nil
		}
		after := bytes.TrimLeft(rest[i+6:min(len(rest), i+10)], "\r\n")
		packed := rest[i+6:]
		packed = packed[min(len(packed), 4)-len(after):]
		rest = rest[i+6:]
		if !isZlib(packed) {
			continue
		}
		if parts++; parts > maxPDFParts {
			return refuse("pdf_too_complex")
		}
		n, err := checkPacked(packed)
		if unpacked += n; err != nil {
			return err
		}
		if unpacked > maxUnpacked {
			return refuse("pdf_too_complex")
		}
	}
}

// checkPDFEnd looks for the mark of the end, behind which nothing stands.
func checkPDFEnd(data []byte) error {
	tail := bytes.TrimRight(data[max(0, len(data)-4096):], "\r\n\t \x00")
	i := bytes.LastIndex(tail, []byte("%%EOF"))
	switch {
	case i < 0:
		return refuse("file_damaged")
	case i+5 < len(tail):
		return refuse("file_trailing_data")
	case bytes.Contains(bytes.ToLower(data[:min(len(data), 1024)]), []byte("<html")),
		bytes.Contains(bytes.ToLower(data[:min(len(data), 1024)]), []byte("<script")):
		return refuse("file_polyglot")
	}
	return nil
}

func isZlib(b []byte) bool {
	return len(b) > 2 && b[0]&15 == 8 && (int(b[0])<<8|int(b[1]))%31 == 0
}

// checkPacked looks into one packed stream, as far as it can be unpacked, and
// tells how many bytes it held.
func checkPacked(packed []byte) (int, error) {
	r, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return 0, nil //nolint:nilerr // it only looked like one
	}
	defer func() { _ = r.Close() }()
	total, held := 0, 0
	window := make([]byte, 64<<10)
	for {
		n, err := io.ReadFull(r, window[held:])
		if total += n; total > maxStream {
			return total, refuse("pdf_too_complex")
		}
		if found := checkNames(window[:held+n]); found != nil {
			return total, found
		}
		if err != nil {
			return total, nil // its end, or no further
		}
		held = copy(window, window[len(window)-maxNameChars:]) // a name across the border
	}
}

// checkNames looks for the names of a text of a PDF, written plainly or with
// escapes: /Java#53cript.
func checkNames(text []byte) error {
	if encrypted.Match(text) {
		return refuse("pdf_encrypted")
	}
	if active.Match(text) {
		return refuse("pdf_active")
	}
	for _, at := range escape.FindAllIndex(text, -1) {
		near := text[max(0, at[0]-maxNameChars):min(len(text), at[1]+3*maxNameChars)]
		plain := escape.ReplaceAllFunc(near, func(e []byte) []byte { return []byte{hex(e[1])<<4 | hex(e[2])} })
		if active.Match(plain) {
			return refuse("pdf_active")
		}
		if encrypted.Match(plain) {
			return refuse("pdf_encrypted")
		}
	}
	return nil
}

func hex(c byte) byte {
	switch {
	case c >= 'a':
		return c - 'a' + 10
	case c >= 'A':
		return c - 'A' + 10
	}
	return c - '0'
}
