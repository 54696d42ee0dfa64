package demo

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid/identity"
	"github.com/aidflow/aidflow/programmes"
)

// Every household can ask for everything: its requests are valid by the
// shipped programmes, and lack exactly the papers that the stories say.
func TestRequestsAreValid(t *testing.T) {
	shipped, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string][]string{"housing_new": {paperOfLand}}
	for _, s := range []story{housing(), medical(), schooling()} {
		for _, def := range shipped {
			if def.Code != s.programme {
				continue
			}
			for _, f := range families() {
				r := s.request(f)
				answers, err := json.Marshal(r.Answers)
				if err != nil {
					t.Fatal(err)
				}
				faults := slices.Concat(def.CheckAnswers(answers), def.CheckAmount(r.Requested), def.CheckPayee(r.Payee.Kind))
				if len(faults) > 0 {
					t.Fatalf("%s for %s: %+v", s.programme, f.code, faults)
				}
				var listed []string
				for _, d := range r.Documents {
					listed = append(listed, d.Kind)
				}
				if got := def.MissingDocuments(listed); !slices.Equal(got, missing[s.programme]) {
					t.Fatalf("%s misses %v", s.programme, got)
				}
			}
		}
	}
}

func TestFamilies(t *testing.T) {
	all := families()
	if len(all) < 12 {
		t.Fatalf("%d households are too few", len(all))
	}
	for _, f := range all {
		if f.head.NationalID == "" || f.area == "" || len(f.members) == 0 {
			t.Errorf("%s is incomplete", f.code)
		}
		for _, p := range append([]person{f.head}, f.members...) {
			if faults := identity.Check(p.NationalID, p.BirthDate, p.Sex); len(faults) > 0 {
				t.Errorf("%s: %+v", f.code, faults)
			}
		}
		if f.youngest().BirthDate < f.head.BirthDate {
			t.Errorf("%s: the youngest is older than the head", f.code)
		}
	}
}

func TestAccountName(t *testing.T) {
	for name, want := range map[string]string{"Đặng Văn Trí": "DANG VAN TRI", "Nguyễn Thị Ánh": "NGUYEN THI ANH", "Hồ Đức Dũng": "HO DUC DUNG"} {
		if got := accountName(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestPaidToKeepsTheLength(t *testing.T) {
	f := families()[0]
	before, after := medicalRequest(1)(f).Payee.AccountNumber, paidTo(refusedOnce, medicalRequest(1))(f).Payee.AccountNumber
	if len(before) != len(after) || !strings.HasSuffix(after, refusedOnce) {
		t.Errorf("%s became %s", before, after)
	}
}

func TestAge(t *testing.T) {
	p := person{BirthDate: "2013-05-21"}
	for day, want := range map[string]int{"2026-05-20": 12, "2026-05-21": 13, "2026-12-01": 13} {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.age(at); got != want {
			t.Errorf("%s: %d", day, got)
		}
	}
	if (person{}).age(time.Now()) != 0 {
		t.Error("somebody without a birth date has an age")
	}
}

// Those who never had a case come first, then those whose cases have ended;
// those with an open case are never asked again.
func TestNextFamily(t *testing.T) {
	status := map[string]string{} // of the one case, by household
	c := fakeAPI(t, map[string]http.HandlerFunc{"POST /v1/cases/search": func(w http.ResponseWriter, r *http.Request) {
		var q map[string]string
		_ = json.NewDecoder(r.Body).Decode(&q)
		found := []caseView{}
		if s := status[q["household_code"]]; s != "" {
			found = append(found, caseView{Status: s})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"data": found})
	}})
	all := families()
	for i, f := range all {
		status[f.code] = []string{"in_review", "closed"}[i%2]
	}
	delete(status, all[7].code)
	p := newPeople(callerOf(c, "portal1"))
	first, err := p.next(t.Context(), "")
	if err != nil || first.code != all[7].code {
		t.Fatalf("got %s, %v", first.code, err)
	}
	given := map[string]bool{}
	for range len(all)/2 - 1 {
		f, err := p.next(t.Context(), "")
		if err != nil || status[f.code] != "closed" || given[f.code] {
			t.Fatalf("got %s (%s), %v", f.code, status[f.code], err)
		}
		given[f.code] = true
	}
	if f, err := p.next(t.Context(), ""); err == nil {
		t.Fatalf("%s applies with an open case", f.code)
	}
}

func TestNextFamilyOfATown(t *testing.T) {
	c := fakeAPI(t, map[string]http.HandlerFunc{"POST /v1/cases/search": answers(map[string]any{"data": []caseView{}})})
	p := newPeople(callerOf(c, "portal1"))
	town := p.towns()[2]
	for range 3 {
		if f, err := p.next(t.Context(), town); err != nil || f.area != town {
			t.Fatalf("got %s of %s, %v", f.code, f.area, err)
		}
	}
	if f, err := p.next(t.Context(), ""); err != nil || f.area == town {
		t.Fatalf("got %s of %s, %v", f.code, f.area, err)
	}
}
