package programme

import (
	"encoding/json"
	"reflect"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Parse reads a definition from YAML or from JSON and checks it as a whole.
// The error lists every fault with its pointer and its line (params.line).
// json.Marshal of a definition can be parsed again and gives the same rules.
func Parse(data []byte) (*Definition, error) {
	s := read(data)
	if len(s.faults) == 0 {
		s.shape(s.root, reflect.TypeFor[fields](), "")
	}
	if len(s.faults) > 0 {
		return nil, refuse(s.faults)
	}
	d, err := s.definition()
	if err != nil {
		return nil, err
	}
	d.text = string(data)
	d.loc, _ = time.LoadLocation(d.TimeZone) // a fault of validate when unknown
	s.validate(d)
	if len(s.faults) > 0 {
		return nil, refuse(s.faults)
	}
	s.hint(d)
	d.hints, s.faults = s.faults, nil
	return d, nil
}

// fields is a Definition without its methods, so that decoding one does not
// call Parse again.
type fields Definition

func (s *source) definition() (*Definition, error) {
	var f fields
	if err := json.Unmarshal(toJSON(s.root), &f); err != nil {
		// shape found nothing, so this is a number that does not fit.
		return nil, refuse([]aid.Fault{{Code: "wrong_type"}})
	}
	d := Definition(f)
	return &d, nil
}

// Text gives what the definition was parsed from, with its comments: what a
// person reads who reviews it.
func (d *Definition) Text() string { return d.text }

// UnmarshalJSON is Parse: there is no definition that was not checked.
func (d *Definition) UnmarshalJSON(data []byte) error {
	parsed, err := Parse(data)
	if err != nil {
		return err
	}
	*d = *parsed
	return nil
}

func refuse(faults []aid.Fault) error {
	return &aid.Error{Kind: aid.Invalid, Code: "programme_invalid", Faults: faults}
}
