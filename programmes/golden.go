package programmes

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
	"go.yaml.in/yaml/v3"
)

// golden is a table of decisions written by hand, so that an edit of a
// programme shows what it changes for people. docs/programmes.md describes it.
type golden struct {
	Ceiling int64
	Amounts []struct {
		Amount           int64
		AreaLevel        string `yaml:"area_level"` // of the case's area; commune when left out
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
	Seen []struct {
		Set    map[string]any
		Faults []string
	}
	Hits  map[string]string
	Base  map[string]any
	Rules []goldenRule
}

// goldenRule is one decision of the rules.
type goldenRule struct {
	Name     string
	Facts    map[string]any // what differs from the base; null takes a field out
	Failed   []string       // "code effect", in the order of the definition
	Proposed int64
	Because  []string
	Levels   []string // those that are asked, as in amounts; left out: any
}

// Goldens gives the golden decisions of the shipped programmes by code.
func Goldens() (map[string][]byte, error) { return byName("golden/*.yaml") }

// goldenCheck collects what a definition decides otherwise than a table says.
type goldenCheck struct {
	d        *programme.Definition
	want     golden
	decided  int
	failures []string
}

// CheckGolden compares a definition with a table of golden decisions and gives
// how many decisions it looked at, and each that is not as written, in words.
// The error says why the table cannot be read.
func CheckGolden(d *programme.Definition, table []byte) (decisions int, failures []string, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(table))
	decoder.KnownFields(true)
	c := goldenCheck{d: d}
	if err := decoder.Decode(&c.want); errors.Is(err, io.EOF) {
		return 0, nil, errors.New("golden decisions: the file is empty")
	} else if err != nil {
		return 0, nil, fmt.Errorf("golden decisions: %w", err)
	}
	c.amounts()
	c.visits()
	c.settings()
	c.answers()
	c.rules()
	return c.decided, c.failures, nil
}

// same counts a decision and records it when it is not as written.
func (c *goldenCheck) same(what string, got, want any) {
	c.decided++
	if a, b := fmt.Sprint(got), fmt.Sprint(want); a != b {
		c.failures = append(c.failures, fmt.Sprintf("%s: is %s, the golden file says %s", what, a, b))
	}
}

func (c *goldenCheck) amounts() {
	if c.want.Ceiling != 0 {
		c.same("ceiling", c.d.Ceiling, c.want.Ceiling)
	}
	for _, row := range c.want.Amounts {
		what := "amount " + strconv.FormatInt(row.Amount, 10)
		c.same(what+", levels", texts(c.d.Levels(row.Amount, cmp.Or(row.AreaLevel, "commune")), describeLevel), row.Levels)
		planned, err := c.d.Tranches(row.Amount)
		if err != nil {
			c.failures = append(c.failures, what+": "+err.Error())
		}
		c.same(what+", tranches", texts(planned, describeTranche), plainNumbers(row.Tranches))
		c.same(what+", faults", len(c.d.CheckAmount(money.Of(row.Amount, c.d.Currency))), 0)
	}
	for _, amount := range c.want.Refused {
		what := "refused amount " + strconv.FormatInt(amount, 10)
		c.same(what+", levels", len(c.d.Levels(amount, "commune")), 0)
		c.same(what+", faults", len(c.d.CheckAmount(money.Of(amount, c.d.Currency))), 1)
	}
}

func texts[T any](items []T, describe func(T) string) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = describe(item)
	}
	return all
}

// describeLevel names a level as people write it in a table.
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
	if level.Decides != "" {
		text += " by " + level.Decides
	}
	if level.Tie != "" {
		text += " tie " + level.Tie
	}
	if level.OneRejection != "" {
		text += " one_rejection " + level.OneRejection
	}
	if level.Limit > 0 {
		text += fmt.Sprintf(" limit %d", level.Limit)
	}
	if level.Parallel {
		text += " parallel"
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
		cut := strings.LastIndexByte(text, ' ') + 1
		plain[i] = text[:cut] + strings.ReplaceAll(text[cut:], "_", "")
	}
	return plain
}

func (c *goldenCheck) visits() {
	in := func(t time.Time) string { return t.In(c.d.Location()).Format(time.RFC3339) }
	for _, row := range c.want.Visits {
		c.same("visits after a payment at "+in(row.Paid), texts(c.d.VisitDates(row.Paid), in), texts(row.On, in))
	}
}

func (c *goldenCheck) settings() {
	for _, kind := range sortedNames(c.want.Deadlines) {
		if !c.listed("deadlines", kind, programme.TaskKinds()) {
			continue
		}
		c.same("deadline of "+kind, c.d.DeadlineDays(kind), c.want.Deadlines[kind])
	}
	if c.want.Required != nil {
		c.same("required documents", c.d.RequiredDocuments(), c.want.Required)
	}
	for _, kind := range sortedNames(c.want.Payees) {
		if !c.listed("payees", kind, programme.PayeeKinds()) {
			continue
		}
		c.same("payee "+kind, c.d.CheckPayee(kind) == nil, c.want.Payees[kind])
	}
	if returned := c.want.Returned; returned.AtMost != 0 {
		c.same("reminders", texts(c.d.Stalled.Remind, programme.Period.String), returned.Remind)
		c.same("stalled", c.d.Stalled.Decide, returned.Decide)
		c.same("returns", c.d.MaxReturns, returned.AtMost)
	}
	if c.want.StartWithin != "" {
		c.same("start within", c.d.StartWithin, c.want.StartWithin)
	}
	for _, kind := range sortedNames(c.want.Hits) {
		if !c.listed("hits", kind, programme.HitKinds()) {
			continue
		}
		c.same("hit "+kind, c.d.HitEffect(kind), c.want.Hits[kind])
	}
}

// listed records a word that the table has misspelled: it would be compared
// with the default and nobody would see why.
func (c *goldenCheck) listed(what, word string, known []string) bool {
	if slices.Contains(known, word) {
		return true
	}
	c.failures = append(c.failures, fmt.Sprintf("%s: there is no %s; there are %s", what, word, strings.Join(known, ", ")))
	return false
}

// Untried gives the rules of a definition that fail in no row of a table, as
// hints (no_golden_row).
func Untried(d *programme.Definition, table []byte) ([]aid.Fault, error) {
	var want golden
	if err := yaml.Unmarshal(table, &want); err != nil {
		return nil, err
	}
	var failed []string
	for _, row := range want.Rules {
		failed = append(failed, row.Failed...)
	}
	line := programme.Lines(d.Text())
	var hints []aid.Fault
	for i, rule := range d.Eligibility {
		if !slices.Contains(failed, rule.Code+" "+string(rule.Effect)) {
			pointer := "/eligibility/" + strconv.Itoa(i)
			hints = append(hints, aid.Fault{Pointer: pointer, Code: "no_golden_row", Params: map[string]string{"line": strconv.Itoa(line(pointer))}})
		}
	}
	return hints, nil
}

func sortedNames[V any](m map[string]V) []string {
	names := make([]string, 0, len(m))
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// answers changes the forms' own examples.
func (c *goldenCheck) answers() {
	for _, row := range c.want.Answers {
		data := marshal(merged(exampleOf(c.d.Form), row.Set))
		c.same("answers "+string(marshal(plain(row.Set))), faultTexts(c.d.CheckAnswers(data)), sortedCopy(row.Faults))
	}
	for _, row := range c.want.Seen {
		if c.d.Visit == nil {
			c.failures = append(c.failures, "seen: the programme has no visit form")
			return
		}
		data := marshal(merged(exampleOf(c.d.Visit.Form), row.Set))
		c.same("seen "+string(marshal(plain(row.Set))), faultTexts(c.d.CheckVisit(data)), sortedCopy(row.Faults))
	}
}

func exampleOf(form json.RawMessage) map[string]any {
	var schema struct{ Examples []map[string]any }
	if json.Unmarshal(form, &schema) != nil || len(schema.Examples) == 0 {
		return map[string]any{}
	}
	return schema.Examples[0]
}

func sortedCopy(texts []string) []string {
	out := slices.Clone(texts)
	slices.Sort(out)
	return out
}
