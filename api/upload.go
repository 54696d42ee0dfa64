package api

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"golang.org/x/text/unicode/norm"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/files"
)

// Limits of a form with a file.
const (
	maxForm     = files.MaxSize + 64<<10 // bytes of the whole form
	maxField    = 1000                   // bytes of a field
	maxParts    = 20
	maxFileName = 120 // letters of a file's name
)

// uploadFields are the fields of a form besides its file.
var uploadFields = []string{"kind", "case", "task", "milestone", "dated", "visited_on"}

// upload is a form that has come: its file lies sealed in quarantine, and is
// thrown away unless the handler adopts it.
type upload struct {
	fields  map[string]string
	file    *archive.Upload // nil when there is none, or when it was refused
	name    string
	faults  []aid.Fault
	code    string // of a file that has a status of its own
	adopted bool
}

// receive takes a form as it comes. What is wrong with it is left for the
// handler, which adds what only the case knows; the fields and the hash of the
// file stand in for the body, so that copies of the request are known.
func (s *Server) receive(c *gin.Context) {
	media, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || media != "multipart/form-data" || params["boundary"] == "" {
		s.problems.write(c, aid.Refuse(aid.Invalid, "form_required"))
		return
	}
	u := &upload{fields: map[string]string{}}
	defer func() {
		if u.file != nil && !u.adopted {
			s.files.Discard(c.Request.Context(), u.file)
		}
	}()
	body := &formReader{r: http.MaxBytesReader(c.Writer, c.Request.Body, maxForm)}
	if err := s.readForm(c, u, multipart.NewReader(body, params["boundary"])); err != nil {
		s.problems.write(c, formError(err, body))
		return
	}
	u.missing()
	c.Set(ctxUpload, u)
	c.Set(ctxBody, u.summary())
	c.Next() // within: what was not adopted is thrown away
}

// patient gives a slow line its time. A test's recorder has no deadlines.
func patient(c *gin.Context) {
	control := http.NewResponseController(c.Writer)
	_ = control.SetReadDeadline(time.Now().Add(fileLimit))
	_ = control.SetWriteDeadline(time.Now().Add(fileLimit + requestLimit))
}

// formReader remembers how a body ended: the form's reader hides it.
type formReader struct {
	r   io.Reader
	err error
}

// Read reads.
func (f *formReader) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		f.err = err
	}
	return n, err
}

// formError tells why a form could not be read to its end.
func formError(err error, body *formReader) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(body.err, &tooLarge):
		return fileRefusal("file_too_large")
	case aid.KindOf(err) != "" && aid.CodeOf(err) != "upload_cut":
		return err
	case body.err != nil, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), aid.CodeOf(err) == "upload_cut":
		return aid.Refuse(aid.Invalid, "upload_cut")
	}
	return aid.Refuse(aid.Invalid, "malformed_form")
}

// fileRefusal is the refusal of a file, with its one fault.
func fileRefusal(code string) error {
	return &aid.Error{Kind: aid.Invalid, Code: code, Faults: []aid.Fault{{Pointer: "/file", Code: code}}}
}

// readForm reads the parts one by one.
//
// Errors: of the reader; of the store.
func (s *Server) readForm(c *gin.Context, u *upload, form *multipart.Reader) error {
	for n := 0; ; n++ {
		part, err := form.NextRawPart()
		if err == io.EOF { //nolint:errorlint // a form that is cut gives one that is wrapped
			return nil
		}
		if err != nil {
			return err
		}
		if n == maxParts {
			return aid.Refuse(aid.Invalid, "malformed_form")
		}
		name := part.FormName()
		if name == "file" {
			err = s.readFile(c, u, part)
		} else {
			err = u.readField(name, part)
		}
		if err != nil {
			return err
		}
	}
}

// readFile stores the file as it comes. One that is no good is passed over,
// and the form read on: all faults are told at once.
func (s *Server) readFile(c *gin.Context, u *upload, part *multipart.Part) error {
	if u.file != nil || u.code != "" || u.has("/file") {
		u.fault("/file", "duplicate_field")
		return nil
	}
	u.name = fileName(part)
	file, err := s.files.Receive(c.Request.Context(), callerOf(c).Actor(), part)
	switch code := aid.CodeOf(err); {
	case err == nil:
		u.file = file
	case code == "unsupported_file_type":
		u.code = code
		u.fault("/file", code)
	case code == "file_too_large":
		return fileRefusal(code)
	case code == "file_empty":
		u.fault("/file", code)
	default:
		return err
	}
	return nil
}

func (u *upload) fault(at, code string) {
	u.faults = append(u.faults, aid.Fault{Pointer: at, Code: code})
}

func (u *upload) has(at string) bool {
	for _, f := range u.faults {
		if f.Pointer == at {
			return true
		}
	}
	return false
}

func (u *upload) readField(name string, part *multipart.Part) error {
	value, err := io.ReadAll(io.LimitReader(part, maxField+1))
	if err != nil {
		return err
	}
	known := false
	for _, field := range uploadFields {
		known = known || field == name
	}
	text := norm.NFC.String(string(value))
	_, twice := u.fields[name]
	switch {
	case !known:
		u.fault(nameOf(name), "unknown_field")
	case twice:
		u.fault("/"+name, "duplicate_field")
	case !utf8.Valid(value) || strings.ContainsFunc(text, unicode.IsControl):
		u.fault("/"+name, "bad_character")
	case len(value) > maxField || utf8.RuneCountInString(text) > 60:
		u.faults = append(u.faults, aid.Fault{Pointer: "/" + name, Code: "too_long", Params: map[string]string{"limit": "60"}})
	default:
		u.fields[name] = text
	}
	return nil
}

// missing adds what has to be there and is not.
func (u *upload) missing() {
	if u.file == nil && !u.has("/file") {
		u.fault("/file", "required")
	}
	for _, name := range []string{"kind", "case"} {
		if u.fields[name] == "" && !u.has("/"+name) {
			u.fault("/"+name, "required")
		}
	}
}

// summary stands for the body where copies of a request are compared.
func (u *upload) summary() []byte {
	said := map[string]any{"fields": u.fields, "name": u.name, "faults": u.faults}
	if u.file != nil {
		said["sha256"] = hex.EncodeToString(u.file.Hash)
	}
	raw, _ := json.Marshal(said) // texts only
	return raw
}

// fileName gives the name of a file as it can be shown: no folders, nothing
// that turns the direction of writing, not too long. It never becomes the name
// of anything on a disk.
func fileName(part *multipart.Part) string {
	_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name := strings.ToValidUTF8(params["filename"], "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, norm.NFC.String(name))
	if letters := []rune(strings.TrimLeft(name, ". ")); len(letters) > maxFileName {
		return string(letters[:maxFileName])
	}
	return strings.TrimLeft(name, ". ")
}

// disposition names a file for a browser: by the type that it has, whatever it
// was called.
func disposition(inline bool, name string, t files.Type) string {
	how := "attachment"
	if inline {
		how = "inline"
	}
	if i := strings.LastIndexByte(name, '.'); i > 0 {
		name = name[:i]
	}
	if name == "" {
		name = "document"
	}
	var quoted strings.Builder
	for _, b := range []byte(name + t.Extension()) {
		if ('a' <= b && b <= 'z') || ('A' <= b && b <= 'Z') || ('0' <= b && b <= '9') || b == '.' || b == '-' || b == '_' {
			quoted.WriteByte(b)
		} else {
			quoted.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(b)|0x100, 16)[1:]))
		}
	}
	return how + `; filename="document` + t.Extension() + `"; filename*=UTF-8''` + quoted.String()
}
