package programme

import (
	"fmt"
	"slices"
	"strconv"

	"cel.dev/cel-go/cel"
)

// validateVisit compiles the visit's form.
func (s *source) validateVisit(d *Definition) {
	if d.Visit == nil {
		return
	}
	if len(d.Visit.Form) == 0 {
		s.fault("/visit/form", "required")
	} else {
		d.visitSchema = s.form("/visit/form", d.Visit.Form)
	}
	if d.Visit.Verifiers < 0 || d.Visit.Verifiers > 2 {
		s.fault("/visit/verifiers", "verifiers_number")
	}
	if d.Visit.Photos < 0 {
		s.fault("/visit/photos", "negative")
	}
}

func (s *source) validateHits(d *Definition) {
	for _, kind := range sortedKeys(d.Hits) {
		pointer := "/hits/" + escape(kind)
		if !slices.Contains(hitKinds, kind) {
			s.fault(pointer, "hit_unknown")
		}
		s.effect(pointer, d.Hits[kind], EffectBlock, EffectHint, EffectIgnore)
	}
}

func (s *source) effect(pointer string, effect Effect, allowed ...Effect) {
	if effect == "" {
		s.fault(pointer, "required")
	} else if !slices.Contains(allowed, effect) {
		s.fault(pointer, "effect_unknown")
	}
}

func (s *source) validateRepeat(d *Definition) {
	for i, rule := range d.Repeat {
		pointer := fmt.Sprintf("/repeat/%d", i)
		if rule.After.IsZero() {
			s.fault(pointer+"/after", "required")
		}
		if len(rule.Of) == 0 {
			s.fault(pointer+"/of", "required")
		}
		s.codes(pointer+"/of", rule.Of)
		if rule.Who != "person" && rule.Who != "household" {
			s.fault(pointer+"/who", "who_unknown")
		}
	}
}

func (s *source) validatePosting(d *Definition) {
	if d.Posting == nil {
		return
	}
	days := d.Posting.Days
	if days.Years != 0 || days.Months != 0 || days.Days < 1 {
		s.fault("/posting/days", "working_days_only")
	}
	s.titles("/posting/titles", d.Posting.Titles)
}

// validateRules compiles every rule against the facts of the two forms.
func (s *source) validateRules(d *Definition) {
	s.validateEligibility(d)
	s.validateAward(d)
	if len(s.faults) > 0 || (len(d.Eligibility) == 0 && d.Award == nil) {
		return // the types of the facts are known when the forms are right
	}
	d.rules.types = factTypes(d)
	env, err := environment(d.rules.types)
	if err != nil {
		s.fault("/form", "form_invalid")
		return
	}
	for i, text := range d.Eligibility {
		if r := s.rule(d, env, fmt.Sprintf("/eligibility/%d/require", i), text.Require, cel.BoolType); r != nil {
			d.rules.eligibility = append(d.rules.eligibility, *r)
		}
	}
	if d.Award != nil {
		d.rules.amount = s.rule(d, env, "/award/amount", d.Award.Amount, cel.IntType)
		d.rules.cost = s.rule(d, env, "/award/cost", d.Award.Cost, cel.IntType)
	}
}

// rule compiles one rule; nil for one that is not there or not right.
func (s *source) rule(d *Definition, env *cel.Env, pointer string, text Expression, want *cel.Type) *rule {
	if text == "" {
		return nil
	}
	r, faults := compileRule(env, d.rules.types, text, want)
	for _, fault := range faults {
		params := map[string]string{"line": strconv.Itoa(s.texts[pointer] + fault.line - 1), "column": strconv.Itoa(fault.column)}
		for name, value := range fault.params {
			params[name] = value
		}
		s.faultWith(pointer, fault.code, params)
	}
	if len(faults) > 0 {
		return nil
	}
	return &r
}

func (s *source) validateEligibility(d *Definition) {
	seen := map[string]bool{}
	for i, rule := range d.Eligibility {
		pointer := fmt.Sprintf("/eligibility/%d", i)
		s.code(pointer+"/code", rule.Code)
		s.once(seen, pointer+"/code", rule.Code)
		if rule.Require == "" {
			s.fault(pointer+"/require", "required")
		}
		s.effect(pointer+"/effect", rule.Effect, EffectFinal, EffectBlock, EffectHint)
		s.titles(pointer+"/titles", rule.Titles)
	}
}

func (s *source) validateAward(d *Definition) {
	award := d.Award
	if award == nil {
		return
	}
	if award.Amount == "" && award.Cost == "" {
		s.fault("/award", "required")
	}
	if award.OwnShare < 0 || award.OwnShare > 99 {
		s.fault("/award/own_share", "percent_range")
	}
	if award.OwnShare != 0 && award.Cost == "" {
		s.fault("/award/cost", "required")
	}
	if award.RoundTo < 0 {
		s.fault("/award/round_to", "negative")
	}
	if award.RoundTo > d.Ceiling {
		s.fault("/award/round_to", "above_ceiling")
	}
}
