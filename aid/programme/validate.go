package programme

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

var (
	languages   = []string{"vi", "en", "id"}
	fundPattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{1,59}$`)
	codePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{1,59}$`)
	payeeKinds  = []string{"household", "guardian", "heir", "hospital", "school", "supplier"}
	checkKinds  = []CheckKind{CheckRegister, CheckIdentity, CheckDuplicate, CheckDocuments, CheckEligibility, CheckConsistency, CheckExternal}
	taskKinds   = []string{deadlineDefault, "verify_documents", "field_visit", "record_check", "approve", "decide_stalled", "post_publicly", "decide_objection", "advise", "meet_condition",
		"confirm_milestone", "prepare_payment", "release_payment", "confirm_cash", "confirm_account",
		"resolve_payment", "recover_money", "follow_up_visit", "hear_appeal", "repair_configuration"}
)

// deadlineDefault is the key of the deadline for every other kind of task.
const deadlineDefault = "default"

// validate records every fault of the content. Of the form it keeps the
// compiled schema.
func (s *source) validate(d *Definition) {
	s.validateHead(d)
	s.validateForm(d)
	s.validateDocuments(d)
	s.validateChecks(d)
	s.validatePayees(d)
	s.validateMatrix(d)
	s.validateTranches(d)
	s.validateTimes(d)
	s.validateClocks(d)
	s.validateReasons(d)
	s.validatePapers(d)
	s.funds(d.Funds)
	s.validateVisit(d)
	s.validateHits(d)
	s.validateRepeat(d)
	s.validatePosting(d)
	s.validateOverrides(d)
	s.validateRules(d)
	s.validateExample(d)
}

func (s *source) validateHead(d *Definition) {
	s.code("/code", d.Code)
	if d.Version < 1 {
		s.fault("/version", "not_positive")
	}
	s.validateEffective(d)
	s.titles("/titles", d.Titles)
	if _, known := money.Exponent(d.Currency); !known {
		s.fault("/currency", "currency_unknown")
	}
	if d.loc == nil || d.TimeZone == "" || d.TimeZone == "Local" {
		s.fault("/time_zone", "zone_unknown")
	}
	if d.Calendar == "" {
		s.fault("/calendar", "required")
	}
	if d.Ceiling <= 0 {
		s.fault("/ceiling", "not_positive")
	}
}

// validateEffective wants dates; a programme that ends does so after it begins.
func (s *source) validateEffective(d *Definition) {
	from, err := time.Parse(time.DateOnly, d.EffectiveFrom)
	if err != nil {
		s.fault("/effective_from", "date_format")
	}
	if d.EffectiveTo == "" {
		return
	}
	to, errTo := time.Parse(time.DateOnly, d.EffectiveTo)
	if errTo != nil {
		s.fault("/effective_to", "date_format")
	} else if err == nil && !to.After(from) {
		s.fault("/effective_to", "not_ascending")
	}
}

// code checks a code: lower-case letters, digits and underscores.
func (s *source) code(pointer, code string) {
	if code == "" {
		s.fault(pointer, "required")
	} else if !codePattern.MatchString(code) {
		s.fault(pointer, "code_format")
	}
}

// codes checks a list of codes, each once.
func (s *source) codes(pointer string, codes []string) {
	for i, code := range codes {
		place := pointer + "/" + strconv.Itoa(i)
		s.code(place, code)
		if slices.Contains(codes[:i], code) {
			s.fault(place, "repeated")
		}
	}
}

// funds checks the codes of funds, each once; unlike others they may have
// hyphens.
func (s *source) funds(codes []string) {
	for i, code := range codes {
		place := "/funds/" + strconv.Itoa(i)
		if !fundPattern.MatchString(code) {
			s.fault(place, "code_format")
		}
		if slices.Contains(codes[:i], code) {
			s.fault(place, "repeated")
		}
	}
}

func (s *source) titles(pointer string, titles Titles) {
	for _, lang := range languages {
		if titles[lang] == "" {
			s.fault(pointer+"/"+lang, "required")
		}
	}
	for _, lang := range sortedKeys(titles) {
		if !slices.Contains(languages, lang) {
			s.fault(pointer+"/"+escape(lang), "language_unknown")
		}
	}
}

func (s *source) validateDocuments(d *Definition) {
	seen := map[string]bool{}
	for i, document := range d.Documents {
		pointer := fmt.Sprintf("/documents/%d", i)
		s.code(pointer+"/kind", document.Kind)
		s.once(seen, pointer+"/kind", document.Kind)
		s.titles(pointer+"/titles", document.Titles)
	}
}

func (s *source) once(seen map[string]bool, pointer, code string) {
	if seen[code] {
		s.fault(pointer, "repeated")
	}
	seen[code] = true
}

func (s *source) validateChecks(d *Definition) {
	seen := map[string]bool{}
	for i, check := range d.Checks {
		pointer := fmt.Sprintf("/checks/%d", i)
		if !slices.Contains(checkKinds, check.Kind) {
			s.faultWith(pointer+"/kind", "check_unknown", among(checkKinds))
		}
		if check.Kind == CheckEligibility && check.Final {
			s.fault(pointer+"/final", "not_in_this_kind") // each rule has an effect of its own
		}
		if check.Kind == CheckExternal {
			s.code(pointer+"/register", check.Register)
		} else if check.Register != "" {
			s.fault(pointer+"/register", "not_in_this_kind")
		}
		s.once(seen, pointer+"/kind", string(check.Kind)+check.Register)
	}
	s.checkFor(d, CheckEligibility, len(d.Eligibility) > 0)
	s.checkFor(d, CheckDuplicate, len(d.Hits)+len(d.Repeat) > 0)
	if len(d.Eligibility) == 0 && d.asks(CheckEligibility) {
		s.fault("/eligibility", "required")
	}
}

func (d *Definition) asks(kind CheckKind) bool {
	return slices.ContainsFunc(d.Checks, func(c Check) bool { return c.Kind == kind })
}

// checkFor wants the check that applies a part of the definition: rules that
// nothing applies would be a promise that nobody keeps.
func (s *source) checkFor(d *Definition, kind CheckKind, given bool) {
	if given && !d.asks(kind) {
		s.faultWith("/checks", "check_missing", map[string]string{"check": string(kind)})
	}
}

func (s *source) validatePayees(d *Definition) {
	if len(d.Payees) == 0 {
		s.fault("/payees", "required")
	}
	seen := map[string]bool{}
	for i, payee := range d.Payees {
		pointer := fmt.Sprintf("/payees/%d", i)
		if !slices.Contains(payeeKinds, payee) {
			s.faultWith(pointer, "payee_unknown", among(payeeKinds))
		}
		s.once(seen, pointer, payee)
	}
}

// among names the words that are possible at a place, for the message.
func among[T ~string](words []T) map[string]string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return map[string]string{"known": strings.Join(texts, ", ")}
}

func (s *source) validateReasons(d *Definition) {
	for _, action := range []string{"reject", "return"} {
		if len(d.Reasons[action]) == 0 {
			s.fault("/reasons/"+action, "required")
		}
	}
	for _, action := range sortedKeys(d.Reasons) {
		pointer := "/reasons/" + escape(action)
		if !codePattern.MatchString(action) {
			s.fault(pointer, "code_format")
		}
		s.coded(pointer, d.Reasons[action])
	}
	s.coded("/conditions", d.Conditions)
}

// coded checks a list of codes with their titles, each of them once.
func (s *source) coded(pointer string, list []Reason) {
	seen := map[string]bool{}
	for i, reason := range list {
		place := fmt.Sprintf("%s/%d", pointer, i)
		s.code(place+"/code", reason.Code)
		s.once(seen, place+"/code", reason.Code)
		s.titles(place+"/titles", reason.Titles)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
