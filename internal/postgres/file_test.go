package postgres_test

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

const lease = 10 * time.Minute

// received is a file that has come completely: one sealed piece.
func received(t testing.TB, db *pgtest.DB, in postgres.NewFile) postgres.NewFile {
	t.Helper()
	content := []byte("%PDF-1.7 canary")
	in.ID = must(db.BeginFile(t.Context(), "canary", false))(t)
	piece := postgres.Chunk{File: in.ID, Part: postgres.PartSent, Last: true}
	if err := db.PutChunk(t.Context(), piece, must(db.SealChunk(piece, content))(t)); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	in.DocumentID, in.Size, in.Chunks, in.Hash = postgres.NewID(aid.DocumentID), int64(len(content)), 1, sum[:]
	return in
}

// sendFile sends a file as portal1, or as the caller given, and admits it.
func sendFile(t testing.TB, db *pgtest.DB, caseID string, in postgres.NewFile, who ...*postgres.Caller) *postgres.File {
	t.Helper()
	if len(who) == 0 {
		who = []*postgres.Caller{db.Partner(t, "portal1")}
	}
	in.Case = caseID
	return must(db.AdmitFile(t.Context(), who[0], received(t, db, in), lease))(t)
}

// keepFile finds a file clean, as it came.
func keepFile(t testing.TB, db *pgtest.DB, f *postgres.File, k postgres.KeptFile) {
	t.Helper()
	sum := sha256.Sum256([]byte(f.ID))
	k.Type, k.Size, k.Hash, k.Part, k.Chunks = "application/pdf", f.SentSize, sum[:], postgres.PartSent, f.SentChunks
	if err := db.KeepFile(t.Context(), f.ID, k); err != nil {
		t.Fatal(err)
	}
}

func draftOf(t testing.TB, db *pgtest.DB, i int) string {
	t.Helper()
	in := request(100 + i)
	in.Documents = nil
	return must(db.CreateCase(t.Context(), db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), in, true))(t).ID
}

func paper(kind string) postgres.NewFile {
	return postgres.NewFile{Kind: kind, Type: "application/pdf", Name: "canary.pdf"}
}

// papersOf gives the checklist's kinds that are not missing, with their states.
func papersOf(t testing.TB, db *pgtest.DB, caseID string) (out []string) {
	t.Helper()
	for _, row := range must(db.Checklist(t.Context(), db.Partner(t, "portal1"), caseID))(t) {
		if row.State != "missing" {
			out = append(out, strings.TrimSpace(row.Kind+" "+row.State+" "+row.Reason))
		}
	}
	return out
}

// A paper is there once its file was found clean, not before; a better one
// takes its place, and an accepted one stays.
func TestAPaperThatIsSent(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := draftOf(t, db, 0)
	first := sendFile(t, db, c, paper("request_form"))
	require.Empty(t, papersOf(t, db, c))
	keepFile(t, db, first, postgres.KeptFile{})
	require.Equal(t, []string{"request_form uploaded"}, papersOf(t, db, c))

	changed := request(100) // a draft that is written anew keeps what was sent
	changed.Documents = []postgres.NewDocument{{Kind: "admission_paper", Dated: "2026-02-01", Location: "here"}}
	must(db.PatchCase(t.Context(), db.Partner(t, "portal1"), c, 0, changed))(t)
	require.Equal(t, []string{"request_form uploaded", "admission_paper listed"}, papersOf(t, db, c))

	second := sendFile(t, db, c, paper("request_form"))
	require.NoError(t, db.RejectFile(t.Context(), second.ID, postgres.FileInfected, "file_infected"))
	require.Equal(t, []string{"request_form uploaded", "admission_paper listed"}, papersOf(t, db, c), "a worse one changes nothing")
	for _, kind := range []string{"request_form", "admission_paper"} {
		keepFile(t, db, sendFile(t, db, c, paper(kind)), postgres.KeptFile{})
	}
	require.Equal(t, []string{"request_form uploaded", "admission_paper uploaded"}, papersOf(t, db, c))
	require.Equal(t, 2, count(t, db, `SELECT count(*) FROM case_documents WHERE case_id = $1 AND state = 'replaced' AND id <> $2`, c, *first.DocumentID)-
		count(t, db, `SELECT count(*) FROM case_documents d WHERE d.case_id = $1 AND state = 'replaced' AND kind = 'admission_paper' AND EXISTS (SELECT 1 FROM document_files f WHERE f.document_id = d.id)`, c)+1)

	exec(t, db, `UPDATE case_documents SET state = 'accepted' WHERE case_id = $1 AND kind = 'request_form' AND state = 'listed'`, c)
	_, err := db.AdmitFile(t.Context(), db.Partner(t, "portal1"), func() postgres.NewFile { in := received(t, db, paper("request_form")); in.Case = c; return in }(), lease)
	wantCode(t, err, "document_accepted")
}

// Copies of one request make one document; a file whose upload was swept away
// meanwhile makes none.
func TestADocumentIsAdmittedOnce(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := draftOf(t, db, 0)
	partner := db.Partner(t, "portal1")
	one, other := received(t, db, paper("request_form")), received(t, db, paper("request_form"))
	one.Case, other.Case, other.DocumentID = c, c, one.DocumentID
	first := must(db.AdmitFile(t.Context(), partner, one, lease))(t)
	again := must(db.AdmitFile(t.Context(), partner, other, lease))(t)
	require.Equal(t, first.ID, again.ID)
	gone := received(t, db, paper("admission_paper"))
	gone.Case = c
	require.NoError(t, db.DropChunks(t.Context(), gone.ID, postgres.PartSent))
	require.NoError(t, db.ForgetFile(t.Context(), gone.ID))
	_, err := db.AdmitFile(t.Context(), partner, gone, lease)
	wantCode(t, err, "upload_lost")
}

func TestWhatIsNotAdmitted(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0)).ID
	visit := openTask(t, db, c, postgres.NewTask{Kind: aid.FieldVisit})
	foreign := openTask(t, db, submit(t, db, "portal1", request(1)).ID, postgres.NewTask{Kind: aid.FieldVisit})
	verifier := db.Staff(t, "verifier1")
	portal := db.Partner(t, "portal1")
	photo := func(change func(*postgres.NewFile)) postgres.NewFile {
		in := postgres.NewFile{Kind: postgres.VisitPhoto, Type: "image/jpeg", Image: true, Task: visit}
		change(&in)
		return in
	}
	none := func(*postgres.NewFile) {}
	for name, tt := range map[string]struct {
		who  *postgres.Caller
		file postgres.NewFile
		code string // or "pointer code" of every fault
	}{
		"a paper":                      {portal, paper("request_form"), ""},
		"a photo":                      {verifier, photo(none), ""},
		"evidence of a milestone":      {db.Staff(t, "treasurer1"), postgres.NewFile{Kind: postgres.Evidence, Task: visit, Type: "application/pdf"}, ""},
		"another partner's case":       {db.Partner(t, "portal2"), paper("request_form"), "case_not_found"},
		"another area":                 {db.Staff(t, "verifier3"), photo(none), "case_not_found"},
		"a role that sends nothing":    {db.Staff(t, "approver1"), photo(none), "wrong_role"},
		"an unknown kind":              {portal, paper("canary"), "/kind unknown_document"},
		"a partner's photo of a visit": {portal, photo(none), "/kind not_allowed"},
		"a photo of nothing":           {verifier, photo(func(f *postgres.NewFile) { f.Task = "" }), "/task required"},
		"a photo that is none":         {verifier, photo(func(f *postgres.NewFile) { f.Image = false; f.Type = "application/pdf" }), "/file image_required"},
		"a photo of another case":      {verifier, photo(func(f *postgres.NewFile) { f.Task = foreign }), "/task unknown_task"},
		"a photo of an unknown stage":  {verifier, photo(func(f *postgres.NewFile) { f.Milestone = "canary" }), "/milestone unknown_milestone"},
		"a paper of a task":            {verifier, func() postgres.NewFile { f := paper("request_form"); f.Task = visit; return f }(), "/task not_allowed"},
		"a paper of tomorrow":          {portal, func() postgres.NewFile { f := paper("request_form"); f.Dated = "2026-03-03"; return f }(), "/dated in_future"},
		"no date":                      {portal, func() postgres.NewFile { f := paper("request_form"); f.Dated = "2026-02-30"; return f }(), "/dated bad_format"},
		"all faults at once": {portal, postgres.NewFile{Kind: "canary", Dated: "x", Milestone: "y", VisitedOn: "2026-03-01", Faults: []aid.Fault{{Pointer: "/file", Code: "file_empty"}}},
			"/dated bad_format, /file file_empty, /kind unknown_document, /milestone unknown_milestone, /visited_on not_allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			in := received(t, db, tt.file)
			in.Case = c
			_, err := db.AdmitFile(t.Context(), tt.who, in, lease)
			if !strings.Contains(tt.code, " ") {
				wantCode(t, err, tt.code)
				return
			}
			require.Equal(t, tt.code, faultsOf(t, err))
		})
	}
}

func faultsOf(t testing.TB, err error) string {
	t.Helper()
	var e *aid.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "invalid_content", e.Code)
	var all []string
	for _, f := range e.Faults {
		all = append(all, f.Pointer+" "+f.Code)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// What a case takes depends on where it stands: papers until it is decided,
// evidence as long as it is open, nothing once it has ended.
func TestWhatACaseTakes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0)).ID
	visit := openTask(t, db, c, postgres.NewTask{Kind: aid.FollowUpVisit})
	send := func(who *postgres.Caller, in postgres.NewFile) error {
		in = received(t, db, in)
		in.Case = c
		_, err := db.AdmitFile(t.Context(), who, in, lease)
		return err
	}
	photo := postgres.NewFile{Kind: postgres.VisitPhoto, Type: "image/jpeg", Image: true, Task: visit}
	for _, tt := range []struct{ status, stage, paper, photo string }{
		{"approved", "disbursement", "wrong_state", ""}, {"following_up", "follow_up", "wrong_state", ""}, {"action_needed", "approval", "", ""},
	} {
		exec(t, db, `UPDATE cases SET status = $2, stage = $3, decided_at = now(), paid_at = now() WHERE id = $1`, c, tt.status, tt.stage)
		wantCode(t, send(db.Partner(t, "portal1"), paper("request_form")), tt.paper)
		wantCode(t, send(db.Staff(t, "verifier1"), photo), tt.photo)
	}
	exec(t, db, `UPDATE tasks SET state = 'claimed', assignee = 'verifier2', claimed_at = now() WHERE id = $1`, visit)
	wantCode(t, send(db.Staff(t, "verifier1"), photo), "task_claimed")
	exec(t, db, `UPDATE tasks SET state = 'done', closed_at = now() WHERE id = $1`, visit)
	wantCode(t, send(db.Staff(t, "verifier1"), photo), "task_closed")
	exec(t, db, `INSERT INTO document_files (id, document_id, case_id, kind, uploader, state, sent_size, sent_hash, sealed, bucket, received_at, added_at, look_at)
		SELECT 'file_' || n, 'doc_' || n, $1, 'request_form', 'x', 'quarantine', 1, sha256('x'), 'x', false, now(), now(), now() FROM generate_series(1, 300) n`, c)
	wantCode(t, send(db.Partner(t, "portal1"), paper("request_form")), "too_many_documents")
}

// Photos of a visit: what the camera says is sealed, what is odd about it is
// flagged, and the decision counts the clean ones.
func TestPhotosOfAVisit(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0)).ID
	visit := openTask(t, db, c, postgres.NewTask{Kind: aid.FieldVisit})
	verifier := db.Staff(t, "verifier1")
	at := func(y, m, d, h int) func(*time.Location) *time.Time {
		return func(zone *time.Location) *time.Time {
			taken := time.Date(y, time.Month(m), d, h, 0, 0, 0, zone)
			return &taken
		}
	}
	here := &[2]float64{15.12, 108.8}
	var ids []string
	for _, tt := range []struct {
		visited string
		kept    postgres.KeptFile
		flags   string
	}{
		{"", postgres.KeptFile{TakenAt: at(2026, 3, 2, 8), Place: here}, ""},
		{"", postgres.KeptFile{TakenAt: at(2026, 3, 2, 23), Place: here}, ""},
		{"2026-03-01", postgres.KeptFile{TakenAt: at(2026, 3, 1, 0), Place: here}, ""},
		{"", postgres.KeptFile{TakenAt: at(2026, 3, 1, 23), Place: here}, "taken_on_another_day"},
		{"2026-03-01", postgres.KeptFile{TakenAt: at(2025, 3, 1, 9)}, "taken_on_another_day place_missing"},
		{"", postgres.KeptFile{}, "time_missing place_missing"},
	} {
		f := sendFile(t, db, c, postgres.NewFile{Kind: postgres.VisitPhoto, Type: "image/jpeg", Image: true, Task: visit, VisitedOn: tt.visited}, verifier)
		keepFile(t, db, f, tt.kept)
		row := must(db.Document(t.Context(), verifier, *f.DocumentID))(t)
		require.Equal(t, tt.flags, strings.Join(row.Flags, " "))
		require.Equal(t, tt.kept.Place, row.Place)
		require.Equal(t, tt.kept.TakenAt == nil, row.TakenAt == nil)
		ids = append(ids, *f.DocumentID)
	}
	sendFile(t, db, c, postgres.NewFile{Kind: postgres.VisitPhoto, Type: "image/jpeg", Image: true, Task: visit}, verifier) // in quarantine: does not count
	change(t, db, c, func(tx *postgres.Tx, _ *postgres.Case) error {
		photos := must(tx.PhotosOf(visit))(t)
		require.Len(t, photos, 6)
		require.Empty(t, must(tx.PhotoFaults(visit, 6, ids))(t))
		faults := must(tx.PhotoFaults(visit, 7, []string{ids[0], "doc_canary"}))(t)
		require.Equal(t, "/data/photos photos_missing, /data/photos/1 unknown_document", faultsOf(t, aid.RefuseAll(faults)))
		return nil
	})
}

// Who sees what of a document, and that every look at its bytes is written
// down, also one that was refused.
func TestWhoReadsADocument(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0)).ID
	f := sendFile(t, db, c, paper("request_form"))
	here := [2]float64{15.12, 108.8}
	keepFile(t, db, f, postgres.KeptFile{Place: &here, TakenAt: func(zone *time.Location) *time.Time { at := time.Now(); return &at }})
	id := *f.DocumentID
	db.SQL(t) // is open longer than the parts of this test
	for _, tt := range []struct {
		who    *postgres.Caller
		see    string // code
		masked bool
		place  bool
		read   string // code
		as     string
	}{
		{db.Partner(t, "portal1"), "", false, false, "", "partner"},
		{db.Partner(t, "portal2"), "document_not_found", false, false, "document_not_found", ""},
		{db.Staff(t, "verifier1"), "", false, true, "", "verifier"},
		{db.Staff(t, "approver4"), "", false, true, "", "approver"},
		{db.Staff(t, "intake1"), "", false, true, "", "intake"},
		{db.Staff(t, "treasurer1"), "", false, true, "", "treasurer"},
		{db.Staff(t, "verifier3"), "document_not_found", false, false, "document_not_found", ""},
		{db.Staff(t, "manager1"), "", true, false, "wrong_role", ""},
		{db.Staff(t, "releaser1"), "", true, false, "wrong_role", ""},
		{db.Staff(t, "auditor1"), "", true, false, "wrong_role", ""},
		{db.Staff(t, "admin1"), "document_not_found", false, false, "document_not_found", ""},
	} {
		t.Run(tt.who.ID, func(t *testing.T) {
			row, err := db.Document(t.Context(), tt.who, id)
			wantCode(t, err, tt.see)
			if err == nil {
				require.Equal(t, []bool{tt.masked, tt.place, tt.place}, []bool{row.Masked, row.Place != nil, row.TakenAt != nil})
				require.Equal(t, tt.place, row.Name != "", "the name is the sender's and the office's")
			}
			before := count(t, db, `SELECT count(*) FROM audit WHERE action = 'read_document'`)
			_, err = db.ReadDocument(t.Context(), tt.who, id, "")
			wantCode(t, err, tt.read)
			looks := count(t, db, `SELECT count(*) FROM audit WHERE action = 'read_document'`) - before
			require.Equal(t, tt.read != "document_not_found", looks == 1)
			if tt.as != "" {
				require.Equal(t, 1, count(t, db, `SELECT count(*) FROM audit WHERE action = 'read_document' AND actor = $1 AND object = $2 AND outcome = 'done' AND code = $3`, tt.who.Actor(), id, tt.as))
			}
		})
	}
	must(db.ReadDocument(t.Context(), db.Staff(t, "verifier1"), id, "complaint"))(t)
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM audit WHERE code = 'complaint'`))
}

// A verifier says of single papers what they are; whoever sends a new one
// meanwhile makes the verifier look again.
func TestPapersAreReviewedOneByOne(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0)).ID // lists request_form and admission_paper
	task := openTask(t, db, c, postgres.NewTask{Kind: aid.VerifyDocuments})
	var extra string
	for _, kind := range []string{"cost_statement", "request_form"} {
		f := sendFile(t, db, c, paper(kind))
		before := count(t, db, `SELECT version FROM tasks WHERE id = $1`, task)
		keepFile(t, db, f, postgres.KeptFile{})
		require.Equal(t, before+1, count(t, db, `SELECT version FROM tasks WHERE id = $1`, task))
		extra = *f.DocumentID
	}
	certificate := sendFile(t, db, c, paper("household_certificate")) // the one that is not required
	keepFile(t, db, certificate, postgres.KeptFile{})
	optional := *certificate.DocumentID
	intent := func(data string) postgres.Intent {
		return postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: "verifier1", Action: aid.ActionComplete, Data: []byte(data),
			TaskVersion: count(t, db, `SELECT version FROM tasks WHERE id = $1`, task)}
	}
	_, err := db.RecordIntent(t.Context(), intent(fmt.Sprintf(`{"papers": [{"document": "doc_canary", "state": "accepted"}, {"document": %q, "state": "rejected", "reason_code": "canary"},
		{"document": %q, "state": "accepted"}, {"document": %q, "state": "rejected", "reason_code": "unreadable"}]}`, optional, optional, extra)))
	require.Equal(t, "/data/papers/0/document unknown_document, /data/papers/1/reason_code unknown_reason, /data/papers/2/document repeated, /data/papers/3/state required_paper_rejected", faultsOf(t, err))

	in := intent(fmt.Sprintf(`{"papers": [{"document": %q, "state": "accepted"}, {"document": %q, "state": "rejected", "reason_code": "unreadable"}]}`, extra, optional))
	recorded := must(db.RecordIntent(t.Context(), in))(t)
	change(t, db, c, func(tx *postgres.Tx, row *postgres.Case) error {
		if _, _, err := tx.ApplyDecision(row, recorded.Decision); err != nil {
			return err
		}
		return tx.ReviewPapers(row, recorded.Decision)
	})
	require.ElementsMatch(t, []string{"request_form accepted", "admission_paper accepted", "cost_statement accepted", "household_certificate rejected unreadable"}, papersOf(t, db, c))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'document.rejected' AND data ->> 'reason_code' = 'unreadable'`, c))
}

// What the database itself refuses, whatever the program does.
func TestADocumentStaysWhatItIs(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	f := sendFile(t, db, draftOf(t, db, 0), paper("request_form"))
	keepFile(t, db, f, postgres.KeptFile{})
	for _, statement := range []string{
		`DELETE FROM document_files`, `UPDATE document_files SET uploader = 'x'`, `UPDATE document_files SET kind = 'x'`, `UPDATE document_files SET document_id = 'doc_x'`,
		`UPDATE document_files SET sent_hash = sha256('x')`, `UPDATE document_files SET hash = sha256('x')`, `UPDATE document_files SET part = 'kept'`,
		`UPDATE document_files SET state = 'quarantine', hash = NULL, look_at = now()`, `UPDATE document_files SET chunks = 2`, `DELETE FROM file_chunks`,
	} {
		_, err := db.SQL(t).Exec(statement)
		require.Error(t, err, statement)
	}
}
