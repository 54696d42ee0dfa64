package api

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/unicode/norm"

	"github.com/aidflow/aidflow/aid"
)

// The limits of every JSON body.
const (
	maxBody  = 1 << 20
	maxDepth = 32
)

// readBody reads the body of a request once, by the strict decoder, and leaves
// the bytes for the handler. Names that differ in letter case only are unknown
// names: validate.go refuses them by the document.
//
// Errors: Invalid body_too_large, unsupported_media_type, body_required,
// malformed_json.
func (s *Server) readBody(c *gin.Context, op *Operation) ([]byte, any, []aid.Fault, error) {
	raw, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if asError(err, &tooLarge) {
			return nil, nil, nil, aid.Refuse(aid.Invalid, "body_too_large")
		}
		return nil, nil, nil, aid.Refuse(aid.Invalid, "malformed_json")
	}
	if len(raw) == 0 {
		if op.NeedsBody {
			return nil, nil, nil, &aid.Error{Kind: aid.Invalid, Code: "malformed_json", Faults: []aid.Fault{{Code: "body_required"}}}
		}
		return nil, nil, nil, nil
	}
	if media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || media != "application/json" {
		return nil, nil, nil, aid.Refuse(aid.Invalid, "unsupported_media_type")
	}
	// A rail signs its bytes: they stay as they came.
	if !norm.NFC.IsNormal(raw) && op.Tag != "callbacks" {
		raw = norm.NFC.Bytes(raw)
	}
	value, faults, err := decodeStrict(raw)
	return raw, value, faults, err
}

// decodeStrict decodes one JSON value and nothing after it. Numbers stay as
// written. Duplicate members, NUL characters and numbers beyond all measure are
// faults, all of them at once; anything that is not JSON, too deep or followed by more is refused as
// a whole.
//
// Errors: Invalid malformed_json with one fault that says why.
func decodeStrict(raw []byte) (any, []aid.Fault, error) {
	if !utf8.Valid(raw) {
		return nil, nil, malformed("not_utf8")
	}
	d := &strictDecoder{dec: json.NewDecoder(bytes.NewReader(raw))}
	d.dec.UseNumber()
	value, err := d.value("", 0)
	if err != nil {
		return nil, nil, err
	}
	if _, err := d.dec.Token(); err != io.EOF {
		return nil, nil, malformed("trailing_data")
	}
	return value, d.faults, nil
}

type strictDecoder struct {
	dec    *json.Decoder
	faults []aid.Fault
}

func malformed(why string) error {
	return &aid.Error{Kind: aid.Invalid, Code: "malformed_json", Faults: []aid.Fault{{Code: why}}}
}

func (d *strictDecoder) value(at string, depth int) (any, error) {
	tok, err := d.dec.Token()
	if err != nil {
		return nil, malformed("not_json")
	}
	switch t := tok.(type) {
	case json.Delim:
		if depth == maxDepth {
			return nil, malformed("too_deep")
		}
		if t == '{' {
			return d.object(at, depth+1)
		}
		return d.array(at, depth+1)
	case string:
		d.checkText(at, t)
	case json.Number:
		d.checkNumber(at, t)
	}
	return tok, nil
}

func (d *strictDecoder) object(at string, depth int) (any, error) {
	out := map[string]any{}
	for d.dec.More() {
		tok, err := d.dec.Token()
		if err != nil {
			return nil, malformed("not_json")
		}
		name, _ := tok.(string) // the decoder lets nothing else stand here
		here := at + "/" + escapePointer(name)
		if _, twice := out[name]; twice {
			d.faults = append(d.faults, aid.Fault{Pointer: here, Code: "duplicate_field"})
		}
		d.checkText(at, name)
		if out[name], err = d.value(here, depth); err != nil {
			return nil, err
		}
	}
	return out, d.end()
}

func (d *strictDecoder) array(at string, depth int) (any, error) {
	out := []any{}
	for d.dec.More() {
		v, err := d.value(at+"/"+strconv.Itoa(len(out)), depth)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, d.end()
}

func (d *strictDecoder) end() error {
	if _, err := d.dec.Token(); err != nil {
		return malformed("not_json")
	}
	return nil
}

// checkText refuses NUL, which PostgreSQL cannot keep.
func (d *strictDecoder) checkText(at, s string) {
	if strings.ContainsRune(s, 0) {
		d.faults = append(d.faults, aid.Fault{Pointer: at, Code: "bad_character"})
	}
}

// checkNumber refuses what is beyond every number that programs count with.
func (d *strictDecoder) checkNumber(at string, n json.Number) {
	if _, err := n.Float64(); err != nil {
		d.faults = append(d.faults, aid.Fault{Pointer: at, Code: "too_large"})
	}
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
