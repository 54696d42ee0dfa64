package programme

import "encoding/json"

// Effect says what a failed rule, or a hit of the search for duplicates, does
// to a case.
type Effect string

// The effects, from the strongest to the weakest.
const (
	EffectFinal  Effect = "final"  // rejects the case by itself
	EffectBlock  Effect = "block"  // holds the approval until a person overrides it with a coded reason
	EffectHint   Effect = "hint"   // informs the people who decide
	EffectIgnore Effect = "ignore" // is not shown; for hits only
)

// Expression is the text of a rule in CEL; a plain number or a plain truth
// value may be written without quotes. ADR 0014 says what a rule may not do.
type Expression string

// UnmarshalJSON reads a text, an integer, true or false.
func (e *Expression) UnmarshalJSON(data []byte) error {
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		return err
	}
	switch v := v.(type) {
	case string:
		*e = Expression(v)
	case float64, bool:
		*e = Expression(data)
	default:
		return errNoJSON
	}
	return nil
}

// EligibilityRule is a condition that a household must meet.
type EligibilityRule struct {
	Code    string     `json:"code"`
	Require Expression `json:"require"` // bool over the facts; true: the household passes
	Effect  Effect     `json:"effect"`  // final, block or hint
	Titles  Titles     `json:"titles"`  // what is wrong when it fails
}

// AwardRule gives the amount that the facts justify. The approvers may grant
// less; more than the ceiling nobody may.
type AwardRule struct {
	Amount   Expression `json:"amount,omitempty"`    // int, minor units; "": no rule but the limits
	OwnShare int        `json:"own_share,omitempty"` // percent of Cost that the household carries, 0 to 99
	Cost     Expression `json:"cost,omitempty"`      // int, minor units; with OwnShare only
	RoundTo  int64      `json:"round_to,omitempty"`  // minor units; the proposal is rounded down to a multiple
}

// RepeatRule says how long after which aid the same need may not be helped
// again; such aid is a hit of kind same_need.
type RepeatRule struct {
	After Period   `json:"after"` // calendar time from the closed case's payment
	Of    []string `json:"of"`    // codes of programmes
	Who   string   `json:"who"`   // person or household
}

// VisitRule is the visit before the approval: what the verifiers record.
type VisitRule struct {
	// Form is a JSON Schema like Definition.Form. A field with the name of one
	// of the request's form is compared with what was declared.
	Form      json.RawMessage `json:"form"`
	Verifiers int             `json:"verifiers,omitempty"` // 1 or 2 different persons; 0 counts as 1
	Photos    int             `json:"photos,omitempty"`    // at least so many photos
}

// Posting is a time in which the award hangs out in the village, before the
// first payment.
type Posting struct {
	Days   Period `json:"days"` // working days of the calendar
	Titles Titles `json:"titles"`
}

// The kinds of hits of the search for duplicates and double help.
const (
	HitSamePerson      = "same_person"
	HitHouseholdMember = "household_member"
	HitIDOtherName     = "id_other_name"
	HitSimilarName     = "similar_name"
	HitSameAddress     = "same_address"
	HitSameAccount     = "same_account"
	HitSameNeed        = "same_need"
	HitOtherProgramme  = "other_programme"
	HitPartnerAid      = "partner_aid"
)

var hitKinds = []string{HitSamePerson, HitHouseholdMember, HitIDOtherName, HitSimilarName, HitSameAddress,
	HitSameAccount, HitSameNeed, HitOtherProgramme, HitPartnerAid}

// HitKinds lists the kinds of hits.
func HitKinds() []string { return append([]string(nil), hitKinds...) }

// HitEffect says what a kind of hit does: what the programme says, and a hint
// where it says nothing.
func (d *Definition) HitEffect(kind string) Effect {
	if effect, ok := d.Hits[kind]; ok {
		return effect
	}
	return EffectHint
}

// Verifiers gives how many different persons visit: 1 or 2.
func (d *Definition) Verifiers() int {
	if d.Visit == nil || d.Visit.Verifiers < 1 {
		return 1
	}
	return d.Visit.Verifiers
}
