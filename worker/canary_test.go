package worker_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	failurepb "go.temporal.io/api/failure/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ear hears everything that workflows, activities and updates say to Temporal:
// payloads and failures. It also takes what is logged.
type ear struct {
	converter.DataConverter
	failures converter.FailureConverter

	mu    sync.Mutex
	heard bytes.Buffer
}

func newEar() *ear {
	return &ear{DataConverter: converter.GetDefaultDataConverter(), failures: temporal.GetDefaultFailureConverter()}
}

func (e *ear) Write(p []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.heard.Write(p)
}

func (e *ear) ToPayload(value any) (*commonpb.Payload, error) {
	p, err := e.DataConverter.ToPayload(value)
	if p != nil {
		_, _ = e.Write(append(p.Data, '\n'))
	}
	return p, err
}

func (e *ear) ToPayloads(values ...any) (*commonpb.Payloads, error) {
	all, err := e.DataConverter.ToPayloads(values...)
	for _, p := range all.GetPayloads() {
		_, _ = e.Write(append(p.Data, '\n'))
	}
	return all, err
}

// ErrorToFailure and FailureToError make it a converter of failures.
func (e *ear) ErrorToFailure(err error) *failurepb.Failure {
	f := e.failures.ErrorToFailure(err)
	if raw, err := protojson.Marshal(f); err == nil {
		_, _ = e.Write(append(raw, '\n'))
	}
	return f
}

func (e *ear) FailureToError(f *failurepb.Failure) error { return e.failures.FailureToError(f) }

// marked is a request in which everything personal can be recognised.
func marked(t *testing.T, account string) (request postgres.CaseContent, marks []string) {
	t.Helper()
	request = another(example(t, "housing_new"), 3)
	p := &request.Applicant
	p.FullName, p.Phone, p.Address = "Quyen Qanary Vogelin", "0987612345", "Qanary lane 7"
	request.Household.Members = []postgres.Member{{FullName: "Kim Qanary Vogelin", NationalID: "051190007777", BirthDate: "2011-11-11", Relation: "child"}}
	request.Payee.AccountNumber, request.Payee.AccountName = "0077"+account, "QUYEN QANARY VOGELIN"
	var answers map[string]any
	require.NoError(t, json.Unmarshal(request.Answers, &answers))
	answers["note"] = "The Qanary family."
	raw, err := json.Marshal(answers)
	require.NoError(t, err)
	request.Answers = raw
	for i := range request.Documents {
		request.Documents[i].Location = "Qanary cabinet"
	}
	return request, []string{"Qanary", "QANARY", "Vogelin", "VOGELIN", p.NationalID, p.Phone, "051190007777", request.Payee.AccountNumber}
}

// noted gives a move with a note about somebody.
func noted(m *move) *move {
	m.note = "Spoken with Vogelin about it."
	return m
}

// expectNone looks for marks in a text, as they are and as bytes in hex, as
// PostgreSQL shows them.
func expectNone(t *testing.T, where, text string, marks []string) {
	t.Helper()
	text = strings.ToLower(text)
	for _, mark := range marks {
		for _, form := range []string{strings.ToLower(mark), hex.EncodeToString([]byte(mark))} {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("%s holds %q: %q", where, mark, text[max(0, i-100):min(len(text), i+100)])
			}
		}
	}
}

// Personal data that come in, with the request, with decisions and with the
// partner's answers, reach the bank and nothing else: neither Temporal nor a
// log, and of the tables only what is sealed.
func TestPersonalDataStaySealed(t *testing.T) {
	t.Parallel()
	tn, heard := newTown(t), newEar()
	tn.log = heard
	tn.hears = func(said any) {
		raw, err := json.Marshal(said)
		require.NoError(t, err)
		_, _ = heard.Write(append(raw, '\n'))
	}
	tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
		env.SetDataConverter(heard)
		env.SetFailureConverter(heard)
	}
	request, marks := marked(t, "990010")
	outside := newOffice(t, request.Applicant)
	outside.up()
	tn.asks("housing_new", false, outside, "population", "insurance") // the second is away: somebody records in its place
	tn.posts("housing_new")
	c := tn.submit(request)
	tn.once("objects", func() bool { return tn.events(c, "case.posted") == 1 }, func() { require.Empty(t, tn.objects(c, "Vogelin's Qanary cousin")) })
	tn.once("retry", func() bool { return tn.events(c, "payment.failed") == 1 && tn.open(c, aid.PreparePayment)() }, func() { tn.retry(c) })
	tn.once("withdraw", func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }, func() { tn.withdraw(c) })
	answer := noted(providing(`{"note": "Vogelin again", "documents": [{"kind": "request_form", "location": "Qanary shelf"}],
		"payee": {"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0078990010", "account_name": "KIM VOGELIN"}}`))
	marks = append(marks, "0078990010")
	refused := noted(&move{actor: "approver1", action: aid.ActionApprove, amount: 990_000_000, refuse: "invalid_content"})
	hung := noted(tn.hung())
	hung.data = strings.Replace(hung.data, "House of culture", "Vogelin's fence", 1)
	no := noted(by("approver5", aid.ActionReject))
	no.reason = "other"
	tn.live(people(willing).
		first(aid.PostPublicly, hung).
		first(aid.DecideObjection, no).
		first(aid.VerifyDocuments, noted(&move{actor: "verifier1", action: aid.ActionReturn, reason: "documents_missing",
			data: `{"items": [{"kind": "request_form", "problem": "Qanary has not signed"}, {"kind": "Vogelin's paper", "problem": "missing"}]}`})).
		first(aid.ProvideInformation, answer).
		first(aid.RecordCheck, noted(recording("verifier1", "match"))).
		first(aid.FieldVisit, noted(&move{actor: "verifier1", action: aid.ActionComplete, data: `{"seen": {"people": 4, "current_house": "dilapidated", "land_confirmed": true, "remark": "Vogelin's album"}}`})).
		at("commune", refused, noted(by("approver1", aid.ActionApprove))).
		after(aid.ConfirmMilestone, 2*24*3600e9))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Equal(t, []string{"external:insurance true recorded_by_hand", "external:population true "}, tn.external(c))
	for _, said := range []string{`"kind":"verify_documents"`, `"result":"verified"`, `"reason":"applicant_request"`} {
		require.Contains(t, heard.heard.String(), said, "the ear is deaf")
	}
	expectNone(t, "what Temporal and the log hear", heard.heard.String(), marks)
	tables := tn.texts(`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE'`)
	require.Contains(t, tables, "transitions")
	for _, table := range tables {
		expectNone(t, "the table "+table, strings.Join(tn.texts(`SELECT row::text FROM "`+table+`" row`), "\n"), marks)
	}
	require.Equal(t, []string{`[{"kind": "request_form", "problem": "other"}]`}, tn.texts(`SELECT rule->>'items' FROM tasks WHERE kind = 'provide_information'`))
	tn.checkMarksAreKept(c, marks)
	tn.check()
}

// checkMarksAreKept is the control: what was sent in is there for those who may
// read it, so that the test above has looked for something.
func (tn *town) checkMarksAreKept(id string, marks []string) {
	tn.t.Helper()
	content, err := tn.db.CasePersonal(tn.t.Context(), tn.db.Staff(tn.t, "verifier1"), id)
	require.NoError(tn.t, err)
	raw, err := json.Marshal(content)
	require.NoError(tn.t, err)
	for _, mark := range marks[:2] {
		require.Contains(tn.t, strings.ToLower(string(raw)), strings.ToLower(mark))
	}
}
