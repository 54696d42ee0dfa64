package programme

import "encoding/json"

// Facts are what the rules of a programme judge: nothing that names a person.
// The json names are the names in the rules.
type Facts struct {
	Applicant ApplicantFacts `json:"applicant"`
	Household HouseholdFacts `json:"household"`
	Requested int64          `json:"requested"` // minor units
	Urgent    bool           `json:"urgent"`
	Year      int            `json:"year"` // of the request, in the programme's zone
	Area      AreaFacts      `json:"area"`
	// Answers are valid for the form of the definition that judges them.
	Answers json.RawMessage `json:"answers"`
	// Visit is what the verifiers saw, valid for the visit's form; nil before.
	Visit json.RawMessage `json:"visit,omitempty"`
}

// ApplicantFacts are about the person who asks.
type ApplicantFacts struct {
	Age   int    `json:"age"`    // full years at the request; -1: unknown
	Sex   string `json:"sex"`    // male, female; unknown when not told
	HasID bool   `json:"has_id"` // a personal id number was given
}

// HouseholdFacts are what the register says of the household in the year.
type HouseholdFacts struct {
	Registered     bool   `json:"registered"`
	Classification string `json:"classification"` // poor, near_poor, other; unknown when not on the register
	ScoreA         int    `json:"score_a"`        // points; -1: unknown
	ScoreB         int    `json:"score_b"`        // points; -1: unknown
	Urban          bool   `json:"urban"`
	Size           int    `json:"size"`     // persons; 0: unknown
	Children       int    `json:"children"` // under 16 at the request
	Elderly        int    `json:"elderly"`  // 60 and more at the request
}

// AreaFacts are about the area that the case belongs to.
type AreaFacts struct {
	Level string `json:"level"` // commune, ward, ...
}
