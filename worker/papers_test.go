package worker_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/papers"
)

var updatePapers = flag.Bool("update-papers", false, "write the papers of worker/testdata/papers anew")

// printed gives a paper of a case as a person of the office prints it.
func (tn *town) printed(who, id string, kind papers.Kind, lang string) papers.Paper {
	tn.t.Helper()
	ctx := context.Background()
	facts, row, err := tn.db.PaperFacts(ctx, tn.db.Staff(tn.t, who), id, kind, "")
	require.NoError(tn.t, err, kind)
	def, err := tn.db.Definition(ctx, row.Programme, row.ProgrammeVersion)
	require.NoError(tn.t, err)
	printer, err := papers.NewPrinter()
	require.NoError(tn.t, err)
	paper, err := printer.Case(kind, lang, def, facts)
	require.NoError(tn.t, err, kind)
	return paper
}

func (tn *town) golden(name string, paper papers.Paper) {
	tn.t.Helper()
	file := filepath.Join("testdata", "papers", name+"."+paper.Lang+".txt")
	if *updatePapers {
		require.NoError(tn.t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(tn.t, os.WriteFile(file, []byte(paper.Text()), 0o644))
	}
	want, err := os.ReadFile(file)
	require.NoError(tn.t, err)
	require.Equal(tn.t, string(want), paper.Text(), "%s (go test ./worker -run Papers -update-papers)", file)
}

// telling is what a programme needs so that its papers have something to tell:
// a form of the visit, a rule that a household does not pass, words of its own.
const telling = `{"visit": {"photos": 0, "form": {"type": "object", "additionalProperties": false, "required": ["people", "roof"], "properties": {
		"people": {"type": "integer", "title": "Số người trong hộ"},
		"roof": {"enum": ["whole", "broken"], "title": "Mái nhà", "x-titles": {"vi": "Mái nhà", "en": "Roof", "id": "Atap"},
			"x-values": {"broken": {"vi": "Đã hỏng", "en": "Broken", "id": "Rusak"}}}},
		"examples": [{"people": 5, "roof": "broken"}]}},
	"eligibility": [{"code": "not_rich", "require": "household.classification == \"near_poor\"", "effect": "block",
		"titles": {"vi": "Không thuộc diện xét", "en": "Not a household of the kind", "id": "Bukan keluarga yang dimaksud"}}],
	"checks": [{"kind": "eligibility", "final": false}], "hits": {}, "repeat": null, "award": null, "posting": null,
	"papers": [{"kind": "letterhead", "titles": {"vi": "Quỹ Vì người nghèo tỉnh Quảng Ngãi", "en": "Fund for the Poor of Quảng Ngãi", "id": "Dana untuk Orang Miskin Quảng Ngãi"}}]}`

// Every paper of a case that goes all the way, as it can be printed in the end.
func TestPapersOfARealCase(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("housing_new", telling)
	c := tn.submit(example(t, "housing_new"))
	seen := &move{actor: "verifier1", action: aid.ActionComplete, note: "Mái đã sập một phần.", data: `{"seen": {"people": 5, "roof": "broken"}}`}
	inSpite := &move{actor: "approver1", action: aid.ActionApprove, data: `{"overrides": [{"finding": "eligibility/not_rich", "reason_code": "especially_difficult"}]}`}
	tn.live(people(willing).first(aid.FieldVisit, seen).first(aid.Approve, inSpite))
	require.Equal(t, aid.Closed, tn.status(c))
	for _, lang := range []string{"vi", "en"} {
		for kind, who := range map[papers.Kind]string{papers.RequestForm: "intake1", papers.VisitMinutes: "verifier2", papers.CommitteeMinutes: "approver2",
			papers.DecisionLetter: "approver1", papers.PaymentVoucher: "releaser1"} {
			tn.golden(string(kind), tn.printed(who, c, kind, lang))
		}
	}
	rows, err := tn.db.Papers(context.Background(), tn.db.Staff(t, "treasurer1"), c)
	require.NoError(t, err)
	vouchers := 0
	for _, r := range rows {
		require.Empty(t, r.Why, r.Kind)
		if r.Payment != "" {
			vouchers++
		}
	}
	require.Equal(t, 3, vouchers)
}

// What a household is told when its request comes back, and when it is
// refused.
func TestPapersOfAReturnAndARejection(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", `{"visit": null, "eligibility": null, "hits": {}, "repeat": null, "award": null, "posting": null, "checks": []}`)
	c := tn.submit(example(t, "medical"))
	tn.once("the letter of the return", tn.is(c, aid.ActionNeeded), func() {
		for _, lang := range []string{"vi", "en"} {
			tn.golden("decision_letter_returned", tn.printed("verifier1", c, papers.DecisionLetter, lang))
		}
	})
	back := &move{actor: "verifier1", action: aid.ActionReturn, reason: "documents_missing", note: "Cần bản gốc.", data: `{"items": [{"kind": "cost_statement", "problem": "missing"}]}`}
	no := &move{actor: "approver1", action: aid.ActionReject, reason: "not_eligible", note: "for the office"}
	who := people(willing).first(aid.VerifyDocuments, back).first(aid.Approve, no)
	tn.live(who.but(aid.ProvideInformation, func(task postgres.TaskRow, waited time.Duration) *move {
		if waited < 3*time.Hour {
			return nil
		}
		return willing(task, waited)
	}))
	require.Equal(t, aid.Rejected, tn.status(c))
	for _, lang := range []string{"vi", "en"} {
		tn.golden("decision_letter_rejected", tn.printed("approver1", c, papers.DecisionLetter, lang))
	}
}
