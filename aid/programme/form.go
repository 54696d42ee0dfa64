package programme

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// formURL names the form inside the compiler; nothing is ever fetched.
const formURL = "urn:aidflow:form"

// noLoader refuses references to other documents: a programme is one file.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("a form may not refer to other documents")
}

func compileForm(form json.RawMessage) (*jsonschema.Schema, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(form))
	if err != nil {
		return nil, err
	}
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(formURL, document); err != nil {
		return nil, err
	}
	return compiler.Compile(formURL)
}

// CheckAnswers gives every fault of a request's answers against the form.
// Pointers are relative to the answers, codes are those of the schema's
// keywords in snake case (required, unknown_field, type, minimum, ...), besides
// malformed_json and number_too_long. The rejected value is never repeated.
func (d *Definition) CheckAnswers(answers json.RawMessage) []aid.Fault {
	return checkAgainst(d.schema, answers)
}

func checkAgainst(schema *jsonschema.Schema, answers json.RawMessage) []aid.Fault {
	if len(answers) == 0 {
		return []aid.Fault{{Code: "required"}}
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(answers))
	if err != nil {
		return []aid.Fault{{Code: "malformed_json"}}
	}
	if faults := extremeNumbers(nil, document, nil); len(faults) > 0 {
		return faults
	}
	return formFaults(schema.Validate(document))
}

func formFaults(err error) []aid.Fault {
	if err == nil {
		return nil
	}
	var violation *jsonschema.ValidationError
	if !errors.As(err, &violation) {
		return []aid.Fault{{Code: "not_allowed"}} // never taken for valid
	}
	return collect(nil, violation)
}

// collect walks to the leaves. Alternatives (anyOf, oneOf) stay one fault:
// listing why each of them failed would send people to mend what is right.
func collect(faults []aid.Fault, violation *jsonschema.ValidationError) []aid.Fault {
	place := pointerTo(violation.InstanceLocation)
	switch k := violation.ErrorKind.(type) {
	case *kind.Schema, *kind.Group, *kind.AllOf, *kind.Reference:
		for _, cause := range violation.Causes {
			faults = collect(faults, cause)
		}
		return faults
	case *kind.Required:
		return appendEach(faults, place, "required", k.Missing)
	case *kind.DependentRequired:
		return appendEach(faults, place, "required", k.Missing)
	case *kind.AdditionalProperties:
		return appendEach(faults, place, "unknown_field", k.Properties)
	}
	return append(faults, aid.Fault{Pointer: place, Code: codeOf(violation.ErrorKind), Params: limits(violation.ErrorKind)})
}

var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_-]{0,63}$`)

// appendEach points at fields by name. A name that does not look like one may
// be anything that a person typed: then the fault stays at the object.
func appendEach(faults []aid.Fault, place, code string, names []string) []aid.Fault {
	for _, name := range names {
		pointer := place
		if plainName.MatchString(name) {
			pointer += "/" + name
		}
		faults = append(faults, aid.Fault{Pointer: pointer, Code: code})
	}
	return faults
}

var placeName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_-]{0,63}|[0-9]{1,6})$`)

// pointerTo stops before a name that does not look like one, for the same
// reason.
func pointerTo(location []string) string {
	var b strings.Builder
	for _, token := range location {
		if !placeName.MatchString(token) {
			break
		}
		b.WriteString("/" + token)
	}
	return b.String()
}

var capital = regexp.MustCompile(`[A-Z]`)

// codeOf makes a stable code of the keyword: maxLength -> max_length.
func codeOf(k jsonschema.ErrorKind) string {
	path := k.KeywordPath()
	if len(path) == 0 {
		return "not_allowed" // not, false
	}
	return capital.ReplaceAllStringFunc(path[0], func(letter string) string {
		return "_" + strings.ToLower(letter)
	})
}
