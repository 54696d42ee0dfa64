package programmes_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
	"go.yaml.in/yaml/v3"
)

// golden is a file of testdata: decisions written by hand, so that an edit of
// a programme shows what it changes for people.
type golden struct {
	Ceiling int64
	Amounts []struct {
		Amount           int64
		Levels, Tranches []string
	}
	Refused []int64
	Visits  []struct {
		Paid time.Time
		On   []time.Time
	}
	Deadlines map[string]int
	Required  []string
	Payees    map[string]bool
	Returned  struct {
		Remind []string
		Decide string
		AtMost int `yaml:"at_most"`
	}
	StartWithin string `yaml:"start_within"`
	Answers     []struct {
		Set    map[string]any
		Faults []string
	}
}

func TestGoldenDecisions(t *testing.T) {
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, definition := range definitions {
		codes = append(codes, definition.Code)
		t.Run(definition.Code, func(t *testing.T) {
			want := readGolden(t, definition.Code)
			checkAmounts(t, definition, want)
			checkRefused(t, definition, want)
			checkVisits(t, definition, want)
			checkRules(t, definition, want)
			checkAnswers(t, definition, want)
		})
	}
	if want := []string{"housing_new", "medical", "schooling"}; !slices.Equal(codes, want) {
		t.Errorf("programmes %v, want %v", codes, want)
	}
}

func readGolden(t *testing.T, code string) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/" + code + ".golden.yaml")
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var want golden
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	return want
}

func checkAmounts(t *testing.T, d *programme.Definition, want golden) {
	for _, row := range want.Amounts {
		var levels, tranches []string
		for _, level := range d.Levels(row.Amount) {
			levels = append(levels, describeLevel(level))
		}
		planned, err := d.Tranches(row.Amount)
		if err != nil {
			t.Fatal(err)
		}
		for _, tranche := range planned {
			tranches = append(tranches, describeTranche(tranche))
		}
		if !slices.Equal(levels, row.Levels) {
			t.Errorf("%d: levels %q, want %q", row.Amount, levels, row.Levels)
		}
		if !slices.Equal(tranches, plainNumbers(row.Tranches)) {
			t.Errorf("%d: tranches %q, want %q", row.Amount, tranches, row.Tranches)
		}
		if faults := d.CheckAmount(money.Of(row.Amount, "VND")); faults != nil {
			t.Errorf("%d: %v", row.Amount, faults)
		}
	}
}

func describeLevel(level programme.Level) string {
	text := level.Name + " " + string(level.Mode)
	if level.N > 0 {
		text += fmt.Sprintf(" %d", level.N)
	}
	if level.Quorum > 0 {
		text += fmt.Sprintf(" quorum %d", level.Quorum)
	}
	if level.Chair {
		text += " with chair"
	}
	return text
}

func describeTranche(tranche programme.PlannedTranche) string {
	when := tranche.Milestone
	if when == "" {
		when = "at once"
	}
	return fmt.Sprintf("%d %s %d", tranche.No, when, tranche.Amount.Amount)
}

// plainNumbers drops the underscores of the last word, the amount.
func plainNumbers(texts []string) []string {
	plain := make([]string, len(texts))
	for i, text := range texts {
		cut := strings.LastIndexByte(text, ' ')
		plain[i] = text[:cut] + strings.ReplaceAll(text[cut:], "_", "")
	}
	return plain
}

func checkRefused(t *testing.T, d *programme.Definition, want golden) {
	if d.Ceiling != want.Ceiling {
		t.Errorf("ceiling %d, want %d", d.Ceiling, want.Ceiling)
	}
	for _, amount := range want.Refused {
		if levels := d.Levels(amount); levels != nil {
			t.Errorf("%d: levels %v, want none", amount, levels)
		}
		if faults := d.CheckAmount(money.Of(amount, "VND")); len(faults) != 1 {
			t.Errorf("%d: faults %v, want one", amount, faults)
		}
	}
}

func checkVisits(t *testing.T, d *programme.Definition, want golden) {
	for _, row := range want.Visits {
		if got := d.VisitDates(row.Paid); !slices.EqualFunc(got, row.On, time.Time.Equal) {
			t.Errorf("paid %v: visits %v, want %v", row.Paid, got, row.On)
		}
	}
}

func checkRules(t *testing.T, d *programme.Definition, want golden) {
	for kind, days := range want.Deadlines {
		if got := d.DeadlineDays(kind); got != days {
			t.Errorf("deadline of %s: %d, want %d", kind, got, days)
		}
	}
	if got := d.RequiredDocuments(); !slices.Equal(got, want.Required) {
		t.Errorf("required %v, want %v", got, want.Required)
	}
	for kind, allowed := range want.Payees {
		if got := d.CheckPayee(kind) == nil; got != allowed {
			t.Errorf("payee %s: allowed %v, want %v", kind, got, allowed)
		}
	}
	var remind []string
	for _, period := range d.Stalled.Remind {
		remind = append(remind, period.String())
	}
	if !slices.Equal(remind, want.Returned.Remind) || d.Stalled.Decide.String() != want.Returned.Decide || d.MaxReturns != want.Returned.AtMost {
		t.Errorf("returned: %v %v %d, want %+v", remind, d.Stalled.Decide, d.MaxReturns, want.Returned)
	}
	if got := d.StartWithin.String(); got != want.StartWithin {
		t.Errorf("start within %s, want %s", got, want.StartWithin)
	}
}

// checkAnswers changes the form's own example; null takes a field out.
func checkAnswers(t *testing.T, d *programme.Definition, want golden) {
	for _, row := range want.Answers {
		answers := example(t, d)
		for name, value := range row.Set {
			answers[name] = value
			if value == nil {
				delete(answers, name)
			}
		}
		data, err := json.Marshal(answers)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, fault := range d.CheckAnswers(data) {
			got = append(got, fault.Pointer+" "+fault.Code)
		}
		slices.Sort(got)
		if !slices.Equal(got, row.Faults) {
			t.Errorf("answers %v: faults %q, want %q", row.Set, got, row.Faults)
		}
	}
}

func example(t *testing.T, d *programme.Definition) map[string]any {
	t.Helper()
	var form struct{ Examples []map[string]any }
	if err := json.Unmarshal(d.Form, &form); err != nil {
		t.Fatal(err)
	}
	return form.Examples[0]
}
