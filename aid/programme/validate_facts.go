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
	s.within("/visit/verifiers", int64(d.Visit.Verifiers), 0, 2)
	s.within("/visit/photos", int64(d.Visit.Photos), 0, 20)
	declared, seen := derive(d.Form, "answers"), derive(d.Visit.Form, "visit")
	for _, field := range sortedKeys(seen.fields) {
		if of := declared.fields[field]; of != nil && of.sort != seen.fields[field].sort {
			s.fault("/visit/form/properties/"+escape(field), "visit_field_type")
		}
	}
}

// within wants a number between two others, both included.
func (s *source) within(pointer string, n, lo, hi int64) {
	if n < lo {
		s.faultWith(pointer, "too_small", map[string]string{"limit": strconv.FormatInt(lo, 10)})
	}
	if n > hi {
		s.faultWith(pointer, "too_large", map[string]string{"limit": strconv.FormatInt(hi, 10)})
	}
}

func (s *source) validateHits(d *Definition) {
	for _, kind := range sortedKeys(d.Hits) {
		pointer := "/hits/" + escape(kind)
		if !slices.Contains(hitKinds, kind) {
			s.faultWith(pointer, "hit_unknown", among(hitKinds))
		}
		s.effect(pointer, d.Hits[kind], EffectBlock, EffectHint, EffectIgnore)
	}
	if _, ok := d.Hits[HitSameNeed]; ok && len(d.Repeat) == 0 {
		s.fault("/hits/"+HitSameNeed, "repeat_missing")
	}
}

// validateOverrides wants a coded reason wherever something blocks: nobody
// could go on otherwise.
func (s *source) validateOverrides(d *Definition) {
	blocks := slices.ContainsFunc(d.Eligibility, func(r EligibilityRule) bool { return r.Effect == EffectBlock })
	for _, effect := range d.Hits {
		blocks = blocks || effect == EffectBlock
	}
	if blocks && len(d.Reasons["override"]) == 0 {
		s.fault("/reasons/override", "required")
	}
}

func (s *source) effect(pointer string, effect Effect, allowed ...Effect) {
	if effect == "" {
		s.fault(pointer, "required")
	} else if !slices.Contains(allowed, effect) {
		s.faultWith(pointer, "effect_unknown", among(allowed))
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
	if len(d.Reasons["objection"]) == 0 { // a list to which nobody can object
		s.fault("/reasons/objection", "required")
	}
}

// validateRules compiles every rule against the facts of the two forms.
func (s *source) validateRules(d *Definition) {
	if d.MeansTest != "" {
		s.code("/means_test", d.MeansTest)
	}
	s.validateEligibility(d)
	s.validateAward(d)
	if len(s.faults) > 0 || (len(d.Eligibility) == 0 && d.Award == nil && !slices.ContainsFunc(d.Matrix, Range.skips)) {
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
	s.validateSkips(d, env)
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
	s.within("/award/own_share", int64(award.OwnShare), 0, 99)
	if award.OwnShare != 0 && award.Cost == "" {
		s.fault("/award/cost", "required")
	}
	s.within("/award/round_to", award.RoundTo, 0, max(d.Ceiling, 0))
}
