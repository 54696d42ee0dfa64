package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
)

func asError[T error](err error, target *T) bool { return errors.As(err, target) }

// validate checks a request against the document: all faults of parameters
// and body at once. Faults of a case's content are left for its handler, which
// adds those that only the programme knows, as long as the body can be read
// into its type at all.
func (s *Server) validate(c *gin.Context) {
	op := operationOf(c)
	if op == nil {
		return
	}
	faults := s.parameterFaults(c, op)
	code := "invalid_parameters"
	if op.Stream && len(faults) == 0 {
		if op.ID == "createStatement" {
			s.receiveStatement(c)
			return
		}
		s.receiveImport(c)
		return
	}
	if op.limit() > requestLimit {
		patient(c)
	}
	if op.Upload && len(faults) == 0 {
		s.receive(c)
		return
	}
	if op.HasBody && !op.Upload && !op.Stream {
		raw, value, more, err := s.readBody(c, op)
		if err != nil {
			s.problems.write(c, err)
			return
		}
		if raw != nil && op.body != nil {
			more = append(more, bodyFaults(op.body, value)...)
		}
		c.Request.Body = io.NopCloser(bytes.NewReader(raw))
		c.Request.ContentLength = int64(len(raw))
		c.Set(ctxBody, raw)
		if len(more) > 0 && len(faults) == 0 && addsFaults(op) && readable(raw, more) {
			c.Set(ctxFaults, more)
			return
		}
		if len(more) > 0 {
			code, faults = "invalid_content", append(faults, more...)
		}
	}
	if len(faults) > 0 {
		s.problems.write(c, &aid.Error{Kind: aid.Invalid, Code: code, Faults: faults})
	}
}

// addsFaults tells whether the handler joins the faults of the document with
// those of the programme.
func addsFaults(op *Operation) bool { return op.ID == "createCase" || op.ID == "validateCase" }

// readable tells whether a handler can work with a body that has faults: it
// fits its type, and PostgreSQL can be asked about its texts.
func readable(raw []byte, faults []aid.Fault) bool {
	return json.Unmarshal(raw, &CaseNew{}) == nil && !slices.ContainsFunc(faults, func(f aid.Fault) bool { return f.Code == "bad_character" })
}

// parameterFaults checks path, query and headers. The two headers with their
// own statuses are checked by requireHeaders.
func (s *Server) parameterFaults(c *gin.Context, op *Operation) []aid.Fault {
	params := map[string]string{}
	for _, p := range c.Params {
		params[p.Key] = p.Value
	}
	err := openapi3filter.ValidateRequest(c.Request.Context(), &openapi3filter.RequestValidationInput{
		Request: c.Request, PathParams: params,
		Route: &routers.Route{Spec: s.doc.spec, Path: op.Path, PathItem: op.item, Method: op.Method, Operation: op.spec},
		Options: &openapi3filter.Options{MultiError: true, ExcludeRequestBody: true, SkipSettingDefaults: true,
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, SchemaValidationOptions: []openapi3.SchemaValidationOption{dates()}},
	})
	var faults []aid.Fault
	for _, e := range flatten(err) {
		var re *openapi3filter.RequestError
		if errors.As(e, &re) && re.Parameter != nil {
			faults = append(faults, parameterFault(re.Parameter.Name, parameterCode(re)))
		}
	}
	return unique(append(faults, oddParameters(c.Request, op)...))
}

// oddParameters finds what the document's validator passes over: parameters
// that nobody knows, that are given twice, or that are no text.
func oddParameters(r *http.Request, op *Operation) []aid.Fault {
	var faults []aid.Fault
	if key := r.Header.Get(headerKey); op.TakesKey && !plainText(key) {
		faults = append(faults, parameterFault(headerKey, "bad_character"))
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		faults = append(faults, parameterFault("query", "bad_format"))
	}
	for name, values := range query {
		known := slices.ContainsFunc(op.spec.Parameters, func(p *openapi3.ParameterRef) bool { return p.Value.In == "query" && p.Value.Name == name })
		switch {
		case !known && op.Tag == "meta": // pages take a language
		case !known:
			faults = append(faults, parameterFault(cmp.Or(strings.TrimPrefix(nameOf(name), "/"), "query"), "unknown_parameter"))
		case len(values) > 1:
			faults = append(faults, parameterFault(name, "duplicate_parameter"))
		case !plainText(values[0]):
			faults = append(faults, parameterFault(name, "bad_character"))
		}
	}
	return faults
}

// plainText tells whether a parameter can be stored and logged as it is.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func parameterCode(re *openapi3filter.RequestError) string {
	var se *openapi3.SchemaError
	if errors.As(re.Err, &se) {
		return faultCode(se)
	}
	var pe *openapi3filter.ParseError
	if errors.As(re.Err, &pe) {
		return "wrong_type"
	}
	return "required"
}

// bodyFaults checks a decoded body against its schema.
func bodyFaults(schema *openapi3.Schema, value any) []aid.Fault {
	err := schema.VisitJSON(value, openapi3.MultiErrors(), openapi3.VisitAsRequest(), openapi3.DisableSchemaErrorDetails(), dates())
	var faults []aid.Fault
	for _, e := range flatten(err) {
		var se *openapi3.SchemaError
		if errors.As(e, &se) {
			faults = append(faults, schemaFaults(se)...)
		}
	}
	return unique(faults)
}

// dates makes sure that a date is one: 30 February has the form only.
func dates() openapi3.SchemaValidationOption {
	parses := func(layout string) openapi3.StringFormatValidator {
		return openapi3.NewCallbackValidator(func(s string) error {
			_, err := time.Parse(layout, s)
			return err
		})
	}
	return openapi3.WithStringFormatValidators(map[string]openapi3.StringFormatValidator{"date": parses(time.DateOnly), "date-time": parses(time.RFC3339)})
}

// flatten opens nested MultiErrors into single errors; each of those of a
// parameter keeps the parameter.
func flatten(err error) []error {
	var out []error
	switch e := err.(type) { //nolint:errorlint // the outermost type says how to go on; errors.As would look through it
	case nil:
	case openapi3.MultiError:
		for _, inner := range e {
			out = append(out, flatten(inner)...)
		}
	case *openapi3filter.RequestError:
		if inner := flatten(e.Err); len(inner) > 0 {
			return each(inner, func(one error) error {
				return &openapi3filter.RequestError{Parameter: e.Parameter, RequestBody: e.RequestBody, Err: one}
			})
		}
		out = append(out, err)
	default:
		out = append(out, err)
	}
	return out
}

func schemaFaults(se *openapi3.SchemaError) []aid.Fault {
	at := ""
	for _, key := range se.JSONPointer() {
		at += "/" + escapePointer(key)
	}
	if code := faultCode(se); code != "unknown_field" {
		return []aid.Fault{{Pointer: at, Code: code, Params: faultParams(se)}}
	}
	var faults []aid.Fault
	given, _ := se.Value.(map[string]any)
	for name := range given {
		if _, known := se.Schema.Properties[name]; !known {
			faults = append(faults, aid.Fault{Pointer: at + nameOf(name), Code: "unknown_field"})
		}
	}
	return faults
}

// nameOf points at a field that nobody knows. A name that does not look like
// one may be anything that a person typed, and is not repeated.
func nameOf(name string) string {
	for i, r := range name {
		letter := (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z')
		if i >= 64 || (!letter && (i == 0 || (r != '_' && r != '-' && (r < '0' || r > '9')))) {
			return ""
		}
	}
	return "/" + name
}

// faultCode names the rule of the schema that was broken.
func faultCode(se *openapi3.SchemaError) string {
	switch se.SchemaField {
	case "nullable":
		return "wrong_type"
	case "required":
		return "required"
	case "properties", "additionalProperties":
		return "unknown_field"
	case "type":
		return "wrong_type"
	case "format", "pattern":
		if se.Schema != nil && se.Schema.Type.Is("integer") {
			return "too_large" // no integer of its format
		}
		return "bad_format"
	case "minLength", "minItems":
		return "too_short"
	case "maxLength", "maxItems", "maxProperties":
		return "too_long"
	case "minimum", "exclusiveMinimum":
		return "too_small"
	case "maximum", "exclusiveMaximum":
		return "too_large"
	case "enum":
		return "not_allowed"
	case "minProperties":
		return "empty"
	default:
		return "invalid"
	}
}

// faultParams gives the bound that was broken, which the message names. It
// comes from the document, never from the request.
func faultParams(se *openapi3.SchemaError) map[string]string {
	sc := se.Schema
	if sc == nil {
		return nil
	}
	switch {
	case se.SchemaField == "minLength":
		return map[string]string{"limit": strconv.FormatUint(sc.MinLength, 10)}
	case se.SchemaField == "maxLength" && sc.MaxLength != nil:
		return map[string]string{"limit": strconv.FormatUint(*sc.MaxLength, 10)}
	case se.SchemaField == "minItems":
		return map[string]string{"limit": strconv.FormatUint(sc.MinItems, 10)}
	case se.SchemaField == "maxItems" && sc.MaxItems != nil:
		return map[string]string{"limit": strconv.FormatUint(*sc.MaxItems, 10)}
	case se.SchemaField == "minimum" && sc.Min != nil:
		return map[string]string{"limit": strconv.FormatFloat(*sc.Min, 'f', -1, 64)}
	case (se.SchemaField == "maximum" || sc.Type.Is("integer")) && sc.Max != nil:
		return map[string]string{"limit": strconv.FormatFloat(*sc.Max, 'f', -1, 64)}
	case se.SchemaField == "enum":
		var values []string
		for _, v := range sc.Enum {
			if s, ok := v.(string); ok {
				values = append(values, s)
			}
		}
		return map[string]string{"values": strings.Join(values, ", ")}
	}
	return nil
}

// unique sorts faults by place and drops repeats.
func unique(faults []aid.Fault) []aid.Fault {
	key := func(f aid.Fault) string { return f.Params["parameter"] + "\x00" + f.Pointer + "\x00" + f.Code }
	slices.SortStableFunc(faults, func(a, b aid.Fault) int { return cmp.Compare(key(a), key(b)) })
	return slices.CompactFunc(faults, func(a, b aid.Fault) bool { return key(a) == key(b) })
}
