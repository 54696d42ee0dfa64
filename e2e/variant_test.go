package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/programmes"
)

// variant is a programme that two administrators of a fund publish: like a
// shipped one, with something of its own.
type variant struct {
	code, of string
	version  int
	lines    map[string]string // a line of the shipped text, and what stands in its place
}

// variants are the programmes with the features that no shipped one needs, or
// that would make its recordings long.
func variants() []variant {
	return []variant{
		{"medical_checked", "medical", 1, map[string]string{
			"checks:": "checks:\n  - {kind: external, register: population, final: false}"}},
		{"medical_posted", "medical", 1, posting()},
	}
}

// posting is the lines that make a programme ask the village.
func posting() map[string]string {
	return map[string]string{"reasons:": "posting:\n  days: P5D\n  titles: {vi: Niêm yết, en: Public posting, id: Pengumuman}\nreasons:\n  objection:\n" +
		"    - {code: not_poor, titles: {vi: Không nghèo, en: Not poor, id: Tidak miskin}}"}
}

// publish has one administrator propose a variant and another publish it,
// unless it is there already.
func (v variant) publish(t *testing.T, s *stack) {
	t.Helper()
	version := "/v1/programmes/" + v.code + "/versions/" + itoa(v.version)
	if r := s.as(t, "admin1").insist(t, http.MethodGet, version, nil); r.status == http.StatusOK {
		return
	}
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(sources[v.of]), "code: "+v.of+"\n", "code: "+v.code+"\n")
	text = strings.ReplaceAll(text, "programme: "+v.of+"\n", "programme: "+v.code+"\n")
	text = strings.Replace(text, "\nversion: 1\n", "\nversion: "+itoa(v.version)+"\n", 1)
	for line, other := range v.lines {
		text = strings.Replace(text, "\n"+line+"\n", "\n"+other+"\n", 1)
	}
	r := s.as(t, "admin1").insist(t, http.MethodPost, "/v1/programmes", map[string]string{"definition": text}, newKey())
	if r.status != http.StatusCreated {
		t.Fatalf("%s", r)
	}
	var draft struct {
		Draft string `json:"draft"`
	}
	r.into(t, &draft)
	r = s.as(t, "admin2").insist(t, http.MethodPost, version+"/publish", map[string]string{"draft": draft.Draft}, newKey())
	if r.status != http.StatusOK {
		t.Fatalf("%s", r)
	}
}

// objects gives what records an objection of the village, by an officer.
func objects(t *testing.T, p *player) {
	t.Helper()
	r := p.s.as(t, "intake1").insist(t, http.MethodPost, "/v1/cases/"+p.id+"/objections",
		map[string]any{"reason_code": "not_poor", "text": "Qanary has a shop."}, newKey())
	if r.status != http.StatusCreated {
		t.Fatalf("%s", r)
	}
}

// hangs tells that the list of a case hangs out.
func hangs(t *testing.T, p *player) bool {
	return p.s.caseOf(t, p.id).NextAction.What == "wait_for_objections"
}

// passes gives what lets time pass.
func passes(duration string) func(*testing.T, *player) {
	return func(t *testing.T, p *player) { p.s.advance(t, p.id, duration) }
}

// moves has a manager move a returned case to the version that was published
// while it was away.
func moves(t *testing.T, p *player) {
	t.Helper()
	variant{p.programme, "medical", 2, posting()}.publish(t, p.s)
	r := p.s.as(t, "manager1").insist(t, http.MethodPost, "/v1/cases/"+p.id+"/version",
		map[string]any{"version": 2, "reason_code": "law_changed"}, newKey())
	if r.status != http.StatusOK && r.status != http.StatusAccepted {
		t.Fatalf("%s", r)
	}
}
