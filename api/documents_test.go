package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/files/filestest"
)

// form writes a form with a file; fields come in pairs.
func form(name string, data []byte, fields ...string) (contentType, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(fields); i += 2 {
		_ = w.WriteField(fields[i], fields[i+1]) // into memory
	}
	if data != nil {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", fmt.Sprintf(`form-data; name="file"; filename=%q`, name))
		h.Set("Content-Type", "text/html") // is not believed
		part, _ := w.CreatePart(h)
		_, _ = part.Write(data)
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

// upload sends a file for a case.
func (d *door) upload(who string, data []byte, fields ...string) answer {
	d.t.Helper()
	contentType, body := form("Đơn đề nghị.pdf", data, fields...)
	return d.call(who, "POST", "/v1/documents", body, append(key(), "Content-Type", contentType)...)
}

// fileOf reads a document's bytes.
func (d *door) fileOf(who, id, query string) *httptest.ResponseRecorder {
	d.t.Helper()
	r := d.newRequest(who, "GET", "/v1/documents/"+id+"/content"+query, nil)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	d.checked(r, w)
	return w
}

func TestADocumentIsSentAndRead(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	pdf := filestest.PDF("<</A(Phiếu)>>")
	a := d.upload("portal1", pdf, "case", id, "kind", "request_form", "dated", "2026-02-20")
	doc, sum := a.str("id"), sha256.Sum256(pdf)
	if a.Status != 201 || a.str("state") != "clean" || a.str("review") != "uploaded" || a.str("sha256") != hex.EncodeToString(sum[:]) || a.str("sent.sha256") != a.str("sha256") ||
		a.str("name") != "Đơn đề nghị.pdf" || a.Header.Get("Location") != "/v1/documents/"+doc {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	list := d.call("portal1", "GET", "/v1/cases/"+id+"/checklist", nil)
	if !slices.ContainsFunc(list.at("documents").([]any), func(v any) bool {
		item := v.(map[string]any)
		return item["kind"] == "request_form" && item["state"] == "uploaded" && item["document"] == doc && item["sent"] == true
	}) {
		t.Errorf("not in the checklist: %s", list.Raw)
	}
	w := d.fileOf("verifier1", doc, "?why=verification")
	for name, want := range map[string]string{"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store, private",
		"Content-Security-Policy": "default-src 'none'; sandbox", "Content-Length": fmt.Sprint(len(pdf)),
		"Content-Disposition": `attachment; filename="document.pdf"; filename*=UTF-8''%C4%90%C6%A1n%20%C4%91%E1%BB%81%20ngh%E1%BB%8B.pdf`} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), pdf) {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
	if w := d.fileOf("portal1", doc, "?inline=true"); w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "inline;") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if n := d.count("audit WHERE action = 'read_document' AND object = '" + doc + "' AND outcome = 'done' AND (actor = 'verifier1' AND code = 'verification' OR code = 'partner')"); n != 2 {
		t.Errorf("%d looks are in the audit", n)
	}
	for who, status := range map[string]int{"portal2": 404, "verifier3": 404, "auditor1": 403, "manager1": 403, "releaser1": 403, "admin1": 403, "": 401} {
		if w := d.fileOf(who, doc, ""); w.Code != status || bytes.Contains(w.Body.Bytes(), []byte("%PDF")) {
			t.Errorf("%s: %d", who, w.Code)
		}
	}
	if strings.Contains(d.logged(), "Đơn") {
		t.Error("the name of the file is in the log")
	}
}

// A photo is kept without what the camera wrote; the office is told when and
// where it was taken, the partner never.
func TestAPhotoOfAVisit(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	d.underReview(id)
	visit := d.opened(t, id, aid.FieldVisit)
	photo := filestest.Photo(80, 60, filestest.Shot{Taken: "2026:03:02 08:30:00", Latitude: [3]int{15, 7, 12}, Longitude: [3]int{108, 48, 0}, Comment: "Qanary"})
	a := d.upload("verifier1", photo, "case", id, "kind", "visit_photo", "task", visit)
	if a.Status != 201 || a.str("type") != "image/jpeg" || a.str("taken_at") != "2026-03-02T01:30:00Z" || a.at("place.latitude") != 15.12 || len(a.at("flags").([]any)) != 0 || a.str("task") != visit {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if w := d.fileOf("approver1", a.str("id"), "?inline=true"); bytes.Contains(w.Body.Bytes(), []byte("Qanary")) || w.Header().Get("Content-Type") != "image/jpeg" {
		t.Error("what the camera wrote is still there")
	}
	for who, sees := range map[string]bool{"approver1": true, "auditor1": false, "portal1": false} {
		b := d.call(who, "GET", "/v1/documents/"+a.str("id"), nil)
		if b.Status != 200 || (b.at("place") != nil) != sees || (b.at("taken_at") != nil) != sees || (b.at("masked") == true) != (who == "auditor1") {
			t.Errorf("%s: %d %s", who, b.Status, b.Raw)
		}
	}
	if list := d.call("auditor1", "GET", "/v1/cases/"+id+"/documents", nil); len(list.at("data").([]any)) != 1 || strings.Contains(list.Raw, "15.12") {
		t.Errorf("%s", list.Raw)
	}
}

// Copies of one request make one document; the same key with another file is
// another request.
func TestCopiesOfAnUpload(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	k := key()
	send := func(data []byte) answer {
		contentType, body := form("a.pdf", data, "case", id, "kind", "request_form")
		return d.call("portal1", "POST", "/v1/documents", body, append(k, "Content-Type", contentType)...)
	}
	first, again := send(filestest.PDF()), send(filestest.PDF())
	if first.Status != 201 || again.Status != 201 || first.Raw != again.Raw || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s, %d %s", first.Status, first.Raw, again.Status, again.Raw)
	}
	if other := send(filestest.PDF("<</A(1)>>")); other.str("code") != "idempotency_key_reused" {
		t.Errorf("%d %s", other.Status, other.Raw)
	}
	if n := d.count("document_files"); n != 1 {
		t.Errorf("%d files", n)
	}
	if n := d.count("file_chunks"); n != 1 {
		t.Errorf("%d pieces: what was thrown away is still there", n)
	}
}

// None of the hostile files is served; each has one clear answer.
func TestHostileUploads(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	for _, f := range filestest.Hostile() {
		a := d.upload("portal1", append([]byte{}, f.Data...), "case", id, "kind", "request_form")
		status := map[string]int{"unsupported_file_type": 415}[f.Code]
		if status == 0 {
			status = 422
		}
		if a.Status != status || !slices.Equal(a.codes(), []string{"/file " + f.Code}) {
			t.Errorf("%s: %d %s", f.Name, a.Status, a.Raw)
		}
	}
	if n := d.count("file_chunks"); n != 0 {
		t.Errorf("%d pieces are left", n)
	}
	docs, _ := d.call("portal1", "GET", "/v1/cases/"+id+"/documents", nil).at("data").([]any)
	for _, v := range docs {
		doc := v.(map[string]any)
		if w := d.fileOf("verifier1", doc["id"].(string), ""); doc["state"] != "refused" || w.Code != http.StatusConflict {
			t.Errorf("%v: %d", doc, w.Code)
		}
	}
	if a := d.call("portal1", "GET", "/v1/cases/"+id+"/checklist", nil); strings.Contains(a.Raw, `"uploaded"`) {
		t.Error("a hostile file is a paper of the case")
	}
}

func TestBadUploads(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	pdf := filestest.PDF()
	visit := d.opened(t, d.submitted("housing_new"), aid.FieldVisit)
	for _, c := range []struct {
		name, who string
		data      []byte
		fields    []string
		status    int
		faults    []string
	}{
		{"nothing", "portal1", nil, nil, 422, []string{"/case required", "/file required", "/kind required"}},
		{"no file", "portal1", nil, []string{"case", id, "kind", "request_form"}, 422, []string{"/file required"}},
		{"no case, and a file of another type", "portal1", []byte("GIF89a"), []string{"kind", "request_form"}, 415, []string{"/case required", "/file unsupported_file_type"}},
		{"all at once", "portal1", []byte("GIF89a"), []string{"case", id, "kind", "canary", "dated", "canary", "canary", "1", "milestone", "x"}, 415,
			[]string{"/canary unknown_field", "/dated bad_format", "/file unsupported_file_type", "/kind unknown_document", "/milestone unknown_milestone"}},
		{"a field twice", "portal1", pdf, []string{"case", id, "kind", "request_form", "kind", "canary"}, 422, []string{"/kind duplicate_field"}},
		{"a long field", "portal1", pdf, []string{"case", id, "kind", "request_form", "milestone", strings.Repeat("canary", 500)}, 422, []string{"/milestone too_long"}},
		{"NUL in a field", "portal1", pdf, []string{"case", id, "kind", "canary\x00"}, 422, []string{"/kind bad_character", "/kind unknown_document"}},
		{"no UTF-8 in a field", "portal1", pdf, []string{"case", id, "kind", "canary\xff"}, 422, []string{"/kind bad_character", "/kind unknown_document"}},
		{"a field that is a name", "portal1", pdf, []string{"case", id, "kind", "request_form", "Nguyễn canary", "1"}, 422, []string{" unknown_field"}},
		{"another's case", "portal2", pdf, []string{"case", id, "kind", "request_form"}, 404, nil},
		{"another area", "verifier3", pdf, []string{"case", id, "kind", "request_form"}, 404, nil},
		{"a role that sends nothing", "approver1", pdf, []string{"case", id, "kind", "request_form"}, 403, nil},
		{"a partner's photo", "portal1", pdf, []string{"case", id, "kind", "visit_photo"}, 422, []string{"/file image_required", "/kind not_allowed"}},
		{"a photo that is none, of another case", "verifier1", pdf, []string{"case", id, "kind", "visit_photo", "task", visit}, 422, []string{"/file image_required", "/task unknown_task"}},
		{"empty", "portal1", []byte{}, []string{"case", id, "kind", "request_form"}, 422, []string{"/file file_empty"}},
	} {
		a := d.upload(c.who, c.data, c.fields...)
		got := a.codes()
		slices.Sort(got)
		if a.Status != c.status || !slices.Equal(got, c.faults) || strings.Contains(strings.ReplaceAll(a.Raw, "/canary", ""), "canary") {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Raw)
		}
	}
	contentType, body := form("a.pdf", pdf, "case", id, "kind", "request_form")
	boundary := strings.TrimPrefix(contentType, "multipart/form-data; boundary=")
	for _, c := range []struct {
		name, contentType, body string
		status                  int
		code                    string
	}{
		{"JSON", "application/json", `{"case": "canary"}`, 415, "form_required"},
		{"no boundary", "multipart/form-data", body, 415, "form_required"},
		{"another form", "application/x-www-form-urlencoded", "case=canary", 415, "form_required"},
		{"another boundary", "multipart/form-data; boundary=canary", body, 400, "upload_cut"},
		{"cut in the file", contentType, body[:len(body)-200], 400, "upload_cut"},
		{"cut before its end", contentType, strings.TrimSuffix(body, "--\r\n"), 400, "upload_cut"},
		{"empty", contentType, "", 400, "upload_cut"},
		{"a hundred parts", contentType, strings.Repeat("--"+boundary+"\r\nContent-Disposition: form-data; name=\"dated\"\r\n\r\n\r\n", 100) + body, 400, "malformed_form"},
		{"21 MB", contentType, strings.Replace(body, "%PDF-1.7", "%PDF-1.7"+strings.Repeat("x", 21<<20), 1), 413, "file_too_large"},
		{"fields without end", contentType, strings.Replace(body, id, id+strings.Repeat("x", 21<<20), 1), 413, "file_too_large"},
	} {
		a := d.call("portal1", "POST", "/v1/documents", c.body, append(key(), "Content-Type", c.contentType)...)
		if a.Status != c.status || a.str("code") != c.code || strings.Contains(a.Raw, "canary") {
			t.Errorf("%s: %d %s", c.name, a.Status, a.Raw)
		}
	}
	if n := d.count("document_files") + d.count("file_chunks"); n != 0 {
		t.Errorf("%d rows are left of what was refused", n)
	}
}

// Over a real connection: a client that goes away in the middle leaves
// nothing, and one that sends too much is told so.
func TestUploadsOverAConnection(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	server := httptest.NewServer(d)
	t.Cleanup(server.Close)
	contentType, body := form("a.pdf", filestest.PDF(strings.Repeat("x", 2<<20)), "case", id, "kind", "request_form")
	send := func(body io.Reader) (*http.Response, error) {
		r := d.newRequest("portal1", "POST", server.URL+"/v1/documents", nil, append(key(), "Content-Type", contentType)...)
		r.RequestURI, r.Body = "", io.NopCloser(body)
		return http.DefaultClient.Do(r)
	}
	cut, stop := io.Pipe()
	go func() {
		_, _ = io.WriteString(stop, body[:1<<20])
		_ = stop.CloseWithError(io.ErrClosedPipe)
	}()
	if answer, err := send(cut); err == nil {
		_ = answer.Body.Close()
		t.Errorf("a cut request is answered %d", answer.StatusCode)
	}
	for n := -1; n != 0; time.Sleep(10 * time.Millisecond) { // until the server has noticed
		n = d.count("document_files") + d.count("file_chunks")
	}
	answer, err := send(strings.NewReader(body))
	if err != nil || answer.StatusCode != 201 {
		t.Fatalf("%v %v", answer, err)
	}
	_ = answer.Body.Close()
}

// While the scanner is away a document waits, and is no paper of the case.
func TestAnUploadWhileTheScannerIsAway(t *testing.T) {
	d := openDoor(t)
	var err error
	if d.files, err = archive.New(t.Context(), d.db.Store, archive.Config{Scanner: "clamd://127.0.0.1:1"}); err != nil {
		t.Fatal(err)
	}
	id := d.submitted("schooling")
	a := d.upload("portal1", filestest.PDF(), "case", id, "kind", "request_form")
	if a.Status != 201 || a.str("state") != "quarantine" || a.str("reason_code") != "scanner_unavailable" || a.str("review") != "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if w := d.fileOf("portal1", a.str("id"), ""); w.Code != http.StatusConflict || bytes.Contains(w.Body.Bytes(), []byte("%PDF")) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// Names that somebody might give a file, and what a browser is told.
func TestNamesOfFiles(t *testing.T) {
	for sent, want := range map[string]string{
		"photo.html": "photo.jpg", "../../etc/passwd": "passwd.jpg", `C:\Users\a\photo.jpg`: "photo.jpg", "": "document.jpg", ".htaccess": "htaccess.jpg",
		"a\u202egpj.exe": "agpj.jpg", "a\r\nSet-Cookie: b=c": "aSet-Cookie%3A%20b%3Dc.jpg", `a"; filename="b.exe`: "a%22%3B%20filename%3D%22b.jpg",
		"Ảnh.png": "%E1%BA%A2nh.jpg", strings.Repeat("x", 500) + ".jpg": strings.Repeat("x", 120) + ".jpg", "a%00.pdf": "a%2500.jpg",
	} {
		h := textproto.MIMEHeader{}
		h.Set("Content-Disposition", "form-data; name=\"file\"; filename*=UTF-8''"+escaped(sent))
		got := disposition(false, fileName(&multipart.Part{Header: h}), "image/jpeg")
		if got != `attachment; filename="document.jpg"; filename*=UTF-8''`+want {
			t.Errorf("%q: %s, want %s", sent, got, want)
		}
	}
}

func escaped(s string) (out string) {
	for _, b := range []byte(s) {
		out += fmt.Sprintf("%%%02X", b)
	}
	return out
}
