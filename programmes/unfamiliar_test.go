package programmes_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid/area"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
)

// What the guide shows names nothing unfamiliar; a slip in a name is a hint at
// its place. Levels of the sample areas are all familiar.
func TestUnfamiliar(t *testing.T) {
	whole := snippets(t)[0].text
	for change, want := range map[string]string{
		"vn-office -> vn-emergency":         "/calendar calendar_not_shipped line 10",
		"means_test: vn -> means_test: us":  "/means_test means_test_not_shipped",
		"of: [funeral] -> of: [funerall]":   "/repeat/0/of/0 repeat_not_shipped",
		"of: [funeral] -> of: [medical]":    "",
		"name: commune -> name: comune":     "/matrix/0/levels/0/name level_not_shipped",
		"version: 1 -> version: 1 # no one": "",
	} {
		before, after, _ := strings.Cut(change, " -> ")
		d, err := programme.Parse([]byte(strings.Replace(whole, before, after, 1)))
		if err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		hints, err := programmes.Unfamiliar(d)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, h := range hints {
			got += h.Pointer + " " + h.Code + " line " + h.Params["line"]
		}
		if !strings.HasPrefix(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: %q, want %q", change, got, want)
		}
	}
	file, err := os.Open("areas/sample.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := area.ReadCSV(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		d, err := programme.Parse([]byte(strings.ReplaceAll(whole, "name: province", "name: "+row.Level)))
		if err != nil {
			continue // the level decides already
		}
		if hints, err := programmes.Unfamiliar(d); err != nil || len(hints) > 0 {
			t.Errorf("%s: %v, %v", row.Level, hints, err)
		}
	}
}

// A rule that fails in no golden row is named.
func TestUntried(t *testing.T) {
	all := snippets(t)
	d, err := programme.Parse([]byte(all[0].text))
	if err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]int{all[len(all)-1].text: 0, "rules: []": 2, "rules: [{failed: [not_poor block]}]": 1} {
		hints, err := programmes.Untried(d, []byte(table))
		if err != nil || len(hints) != want || want == 1 && (hints[0].Pointer != "/eligibility/1" || hints[0].Params["line"] != "82") {
			t.Errorf("%v, %v, want %d", hints, err, want)
		}
	}
}
