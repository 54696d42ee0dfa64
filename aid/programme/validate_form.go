package programme

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

const draft2020 = "https://json-schema.org/draft/2020-12/schema"

// validateForm compiles the form and tries its own example.
func (s *source) validateForm(d *Definition) {
	d.schema = s.form("/form", d.Form)
}

// form compiles a form and tries its own example; nil when it is not valid.
func (s *source) form(pointer string, form json.RawMessage) *jsonschema.Schema {
	var head struct {
		Schema               string            `json:"$schema"`
		Type                 any               `json:"type"`
		AdditionalProperties any               `json:"additionalProperties"`
		Examples             []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(form, &head); err != nil {
		s.fault(pointer, "form_invalid")
		return nil
	}
	if head.Schema != "" && head.Schema != draft2020 {
		s.fault(pointer+"/$schema", "form_draft")
		return nil
	}
	if head.Type != "object" {
		s.fault(pointer+"/type", "form_not_object")
	}
	if head.AdditionalProperties != false {
		s.fault(pointer+"/additionalProperties", "form_not_strict")
	}
	schema, err := compileForm(form)
	if err != nil {
		s.formFault(pointer, err)
		return nil
	}
	if len(head.Examples) == 0 {
		s.fault(pointer+"/examples", "required")
		return schema
	}
	s.under(pointer+"/examples/0", checkAgainst(schema, head.Examples[0]))
	return schema
}

// formFault points into the form where its own schema says what is wrong.
func (s *source) formFault(pointer string, err error) {
	var invalid *jsonschema.SchemaValidationError
	if errors.As(err, &invalid) {
		if faults := formFaults(invalid.Err); len(faults) > 0 {
			s.under(pointer, faults)
			return
		}
	}
	s.fault(pointer, "form_invalid")
}

// under records faults that were found below a place.
func (s *source) under(pointer string, faults []aid.Fault) {
	for _, fault := range faults {
		s.faultWith(pointer+fault.Pointer, fault.Code, fault.Params)
	}
}

// request is what validateExample looks at of a case's body.
type request struct {
	Programme  string          `json:"programme"`
	ExternalID *string         `json:"external_id"`
	Area       *string         `json:"area"`
	Applicant  json.RawMessage `json:"applicant"`
	Payee      struct {
		Kind string `json:"kind"`
	} `json:"payee"`
	Requested money.Money     `json:"requested"`
	Answers   json.RawMessage `json:"answers"`
	Documents []struct {
		Kind string `json:"kind"`
	} `json:"documents"`
	Consent json.RawMessage `json:"consent"`
}

// validateExample makes sure that the example would be accepted, as far as the
// programme can know.
func (s *source) validateExample(d *Definition) {
	const at = "/example_request"
	var example request
	if len(d.ExampleRequest) == 0 || json.Unmarshal(d.ExampleRequest, &example) != nil {
		s.fault(at, "required")
		return
	}
	if example.Programme != d.Code {
		s.fault(at+"/programme", "other_programme")
	}
	if example.ExternalID != nil || example.Area != nil {
		s.fault(at, "depends_on_caller")
	}
	if len(example.Applicant) == 0 {
		s.fault(at+"/applicant", "required")
	}
	if len(example.Consent) == 0 {
		s.fault(at+"/consent", "required")
	}
	s.under(at+"/payee", d.CheckPayee(example.Payee.Kind))
	s.under(at+"/requested", d.CheckAmount(example.Requested))
	if d.schema != nil {
		s.under(at+"/answers", d.CheckAnswers(example.Answers))
	}
	listed := make([]string, len(example.Documents))
	for i, document := range example.Documents {
		listed[i] = document.Kind
	}
	if missing := d.MissingDocuments(listed); len(missing) > 0 {
		s.faultWith(at+"/documents", "documents_missing", map[string]string{"missing": strings.Join(missing, ", ")})
	}
}
