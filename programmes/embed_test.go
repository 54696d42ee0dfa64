package programmes_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/identity"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
)

// TestExamplesAreCoherent: people copy the examples, so nothing in them may
// raise a fault or a doubt.
func TestExamplesAreCoherent(t *testing.T) {
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range definitions {
		var request struct {
			Applicant struct {
				NationalID string `json:"national_id"`
				BirthDate  string `json:"birth_date"`
				Sex        string `json:"sex"`
				FullName   string `json:"full_name"`
			} `json:"applicant"`
			Consent struct {
				GivenAt  time.Time `json:"given_at"`
				Purposes []string  `json:"purposes"`
			} `json:"consent"`
		}
		if err := json.Unmarshal(definition.ExampleRequest, &request); err != nil {
			t.Fatalf("%s: %v", definition.Code, err)
		}
		who := request.Applicant
		if who.FullName == "" || who.NationalID == "" || len(request.Consent.Purposes) == 0 || request.Consent.GivenAt.IsZero() {
			t.Errorf("%s: the example is not complete", definition.Code)
		}
		if faults := identity.Check(who.NationalID, who.BirthDate, who.Sex); faults != nil {
			t.Errorf("%s: %v", definition.Code, faults)
		}
	}
}

// TestVietnameseIsVietnamese: a title without a single accent is a title that
// somebody forgot to translate.
func TestVietnameseIsVietnamese(t *testing.T) {
	accented := regexp.MustCompile(`[^\x00-\x7F]`)
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range definitions {
		titles := []programme.Titles{definition.Titles}
		for _, document := range definition.Documents {
			titles = append(titles, document.Titles)
		}
		for _, rule := range definition.Eligibility {
			titles = append(titles, rule.Titles)
		}
		if definition.Posting != nil {
			titles = append(titles, definition.Posting.Titles)
		}
		for _, milestone := range definition.Milestones {
			titles = append(titles, milestone.Titles)
		}
		for _, reasons := range definition.Reasons {
			for _, reason := range reasons {
				titles = append(titles, reason.Titles)
			}
		}
		for _, title := range titles {
			if !accented.MatchString(title.In("vi")) || title.In("vi") == title.In("en") || title.In("id") == title.In("en") {
				t.Errorf("%s: %v", definition.Code, title)
			}
		}
	}
}

func TestCalendarsOfTheProgrammesExist(t *testing.T) {
	calendars, err := programmes.Calendars()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for _, calendar := range calendars {
		known[calendar.Code] = calendar.Zone
	}
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range definitions {
		if known[definition.Calendar] != definition.TimeZone {
			t.Errorf("%s: calendar %s has zone %q", definition.Code, definition.Calendar, known[definition.Calendar])
		}
	}
}

// TestJSONKeepsEveryRule: definitions are stored as JSON; what comes back is
// the same programme.
func TestJSONKeepsEveryRule(t *testing.T) {
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	for code, source := range sources {
		fromYAML, err := programme.Parse(source)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(fromYAML)
		if err != nil {
			t.Fatal(err)
		}
		var fromJSON programme.Definition
		if err := json.Unmarshal(data, &fromJSON); err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		again, err := json.Marshal(&fromJSON)
		if err != nil || string(again) != string(data) {
			t.Errorf("%s: JSON differs after a round trip (%v)", code, err)
		}
		if !reflect.DeepEqual(fromYAML.Levels(1, ""), fromJSON.Levels(1, "")) || fromJSON.Location() == nil {
			t.Errorf("%s: rules differ after a round trip", code)
		}
		if faults := fromJSON.CheckAnswers([]byte(`{}`)); len(faults) == 0 {
			t.Errorf("%s: the form was lost", code)
		}
	}
}

func TestLoad(t *testing.T) {
	sources, err := programmes.Sources()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a.yaml", sources["medical"])
	write("notes.txt", []byte("not a programme"))
	if got, err := programmes.Load(dir); err != nil || len(got) != 1 || got[0].Code != "medical" {
		t.Fatalf("Load = %v, %v", got, err)
	}
	write("b.yaml", sources["medical"])
	if _, err := programmes.Load(dir); aid.CodeOf(err) != "programme_repeated" {
		t.Errorf("the same programme twice: %v", err)
	}
	write("b.yaml", []byte("code: x\ncolour: red\n"))
	_, err = programmes.Load(dir)
	var refusal *aid.Error
	if !errors.As(err, &refusal) || refusal.Params["file"] != "b.yaml" || refusal.Code != "programme_invalid" || len(refusal.Faults) == 0 {
		t.Errorf("a bad file: %v", err)
	}
}
