package programmes

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// rules judges the base facts with what each row changes.
func (c *goldenCheck) rules() {
	base := merged(defaultFacts(c.d), c.want.Base)
	for i, row := range c.want.Rules {
		what := row.Name
		if what == "" {
			what = "rules row " + strconv.Itoa(i+1)
		}
		facts, err := factsOf(merged(base, row.Facts))
		if err != nil {
			c.failures = append(c.failures, what+": "+err.Error())
			continue
		}
		if faults := c.d.CheckAnswers(facts.Answers); faults != nil {
			c.failures = append(c.failures, fmt.Sprintf("%s: the answers are not valid: %v", what, faultTexts(faults)))
			continue
		}
		if facts.Visit != nil && c.d.CheckVisit(facts.Visit) != nil {
			c.failures = append(c.failures, fmt.Sprintf("%s: what was seen is not valid: %v", what, faultTexts(c.d.CheckVisit(facts.Visit))))
			continue
		}
		verdict, err := c.d.Judge(facts)
		if err != nil {
			c.failures = append(c.failures, what+": "+err.Error())
			continue
		}
		c.same(what+", failed", texts(verdict.Failed, func(r programme.FailedRule) string { return r.Code + " " + string(r.Effect) }), row.Failed)
		c.same(what+", proposed", verdict.Proposed, row.Proposed)
		if row.Because != nil {
			c.same(what+", because", verdict.Because, row.Because)
		}
		c.way(what, facts, verdict.Proposed, row.Levels)
	}
}

// way compares the levels that are asked with what a row says of them; with
// none it says nothing.
func (c *goldenCheck) way(what string, facts programme.Facts, amount int64, want []string) {
	if want == nil {
		return
	}
	way, err := c.d.Way(facts, amount)
	if err != nil {
		c.failures = append(c.failures, what+": "+err.Error())
		return
	}
	c.same(what+", levels", texts(way.Levels, func(l programme.Placed) string { return describeLevel(l.Level) }), want)
}

// defaultFacts are of a poor household on the register with the answers and
// the amount of the definition's own examples.
func defaultFacts(d *programme.Definition) map[string]any {
	var request struct {
		Requested struct{ Amount json.Number }
		Urgent    bool
	}
	_ = json.Unmarshal(d.ExampleRequest, &request) // Parse has read it
	year, _ := strconv.Atoi(d.EffectiveFrom[:4])
	return map[string]any{
		"applicant": map[string]any{"age": 40, "sex": "female", "has_id": true},
		"household": map[string]any{"registered": true, "classification": "poor", "score_a": 120, "score_b": 40, "urban": false,
			"size": 4, "children": 2, "elderly": 0},
		"requested": request.Requested.Amount, "urgent": request.Urgent, "year": year,
		"area": map[string]any{"level": "commune"}, "answers": exampleOf(d.Form),
	}
}

func factsOf(fields map[string]any) (programme.Facts, error) {
	decoder := json.NewDecoder(bytes.NewReader(marshal(fields)))
	decoder.DisallowUnknownFields()
	var facts programme.Facts
	return facts, decoder.Decode(&facts)
}

// merged gives a copy of base with changes: objects are merged, null takes a
// field out, anything else replaces.
func merged(base, changes map[string]any) map[string]any {
	out := make(map[string]any, len(base))
	for name, value := range base {
		out[name] = value
	}
	for name, value := range changes {
		below, isObject := value.(map[string]any)
		there, wasObject := out[name].(map[string]any)
		switch {
		case value == nil:
			delete(out, name)
		case isObject && wasObject:
			out[name] = merged(there, below)
		default:
			out[name] = plain(value)
		}
	}
	return out
}

// plain writes dates as definitions do: YAML makes instants of them.
func plain(value any) any {
	switch v := value.(type) {
	case time.Time:
		return v.Format(time.DateOnly)
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = plain(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = plain(item)
		}
		return out
	}
	return value
}

func marshal(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null") // what YAML allows and JSON does not, such as .inf: no valid answer
	}
	return data
}

func faultTexts(faults []aid.Fault) []string {
	all := texts(faults, func(f aid.Fault) string { return f.Pointer + " " + f.Code })
	slices.Sort(all)
	return all
}
