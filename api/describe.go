package api

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Section is one tag of the document with its operations, ready to be shown.
type Section struct {
	Tag         string
	Description string
	Operations  []Described
	Schemas     []DescribedSchema // those that the operations use
}

// Described is one operation, ready to be shown.
type Described struct {
	ID          string
	Method      string
	Path        string
	Summary     string
	Description string // plain text with `code` and **bold**
	Roles       []string
	Scope       string // of a partner's key, "" for none
	Parameters  []Field
	Body        string // name of the request's schema, "" for none
	Example     string // of the request, indented JSON
	Answers     []Answer
}

// Answer is one documented answer of an operation.
type Answer struct {
	Status      string
	Description string
	Schema      string // name, "" for none
}

// Field is a parameter of an operation or a member of a schema.
type Field struct {
	Name        string
	In          string // query, path, header; "" for a member
	Type        string
	Schema      string // name of the member's own schema, "" for none
	Required    bool
	Description string
}

// DescribedSchema is one named schema, ready to be shown.
type DescribedSchema struct {
	Name        string
	Description string
	Values      []string // of an enum
	Fields      []Field
}

// Introduction gives title, version and description of the document.
func (d *Document) Introduction() (title, version, description string) {
	return d.spec.Info.Title, d.spec.Info.Version, d.spec.Info.Description
}

// Sections gives the whole document by tag, in the document's own order.
func (d *Document) Sections() []Section {
	var out []Section
	for _, tag := range d.spec.Tags {
		s := Section{Tag: tag.Name, Description: tag.Description}
		used := map[string]bool{}
		for _, op := range d.ops {
			if op.Tag == tag.Name {
				s.Operations = append(s.Operations, d.describe(op, used))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(used)) {
			s.Schemas = append(s.Schemas, describeSchema(name, d.spec.Components.Schemas[name].Value))
		}
		out = append(out, s)
	}
	return out
}

// describe renders an operation and notes every schema that it leads to.
func (d *Document) describe(op *Operation, used map[string]bool) Described {
	out := Described{ID: op.ID, Method: op.Method, Path: op.Path, Summary: op.spec.Summary, Description: op.spec.Description, Roles: op.Roles, Scope: op.Scope}
	for _, p := range append(slices.Clone(op.item.Parameters), op.spec.Parameters...) {
		out.Parameters = append(out.Parameters, Field{Name: p.Value.Name, In: p.Value.In, Type: typeOf(p.Value.Schema), Schema: nameOfRef(p.Value.Schema),
			Required: p.Value.Required, Description: p.Value.Description})
		d.note(p.Value.Schema, used)
	}
	if op.spec.RequestBody != nil {
		if media := op.spec.RequestBody.Value.Content.Get("application/json"); media != nil {
			out.Body, out.Example = nameOfRef(media.Schema), firstExample(media)
			d.note(media.Schema, used)
		}
		if media := op.spec.RequestBody.Value.Content.Get("multipart/form-data"); media != nil {
			out.Body = nameOfRef(media.Schema)
			d.note(media.Schema, used)
		}
	}
	statuses := slices.Sorted(maps.Keys(op.spec.Responses.Map()))
	for _, status := range statuses {
		r := op.spec.Responses.Value(status).Value
		a := Answer{Status: status, Description: *r.Description}
		for _, media := range r.Content {
			a.Schema = nameOfRef(media.Schema)
			d.note(media.Schema, used)
		}
		out.Answers = append(out.Answers, a)
	}
	return out
}

func firstExample(media *openapi3.MediaType) string {
	value := media.Example
	for _, name := range slices.Sorted(maps.Keys(media.Examples)) {
		if value == nil {
			value = media.Examples[name].Value.Value
		}
	}
	if value == nil {
		return ""
	}
	raw, _ := json.MarshalIndent(value, "", "  ") // it was read from YAML
	return string(raw)
}

// note follows a schema into everything that it refers to.
func (d *Document) note(ref *openapi3.SchemaRef, used map[string]bool) {
	if ref == nil || ref.Value == nil {
		return
	}
	s := ref.Value
	if name := nameOfRef(ref); name != "" && s.Items == nil {
		if used[name] {
			return
		}
		used[name] = true
	}
	d.note(s.Items, used)
	d.note(s.AdditionalProperties.Schema, used)
	for _, p := range s.Properties {
		d.note(p, used)
	}
	for _, part := range s.AllOf {
		for _, p := range part.Value.Properties { // shown as the whole's own members
			d.note(p, used)
		}
	}
}

func describeSchema(name string, s *openapi3.Schema) DescribedSchema {
	out := DescribedSchema{Name: name, Description: s.Description}
	for _, v := range s.Enum {
		if text, ok := v.(string); ok {
			out.Values = append(out.Values, text)
		}
	}
	for _, part := range append([]*openapi3.SchemaRef{{Value: s}}, s.AllOf...) {
		out.Fields = append(out.Fields, members(part.Value)...)
	}
	slices.SortFunc(out.Fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	return out
}

func members(s *openapi3.Schema) []Field {
	var out []Field
	for name, p := range s.Properties {
		out = append(out, Field{Name: name, Type: typeOf(p), Schema: nameOfRef(p), Required: slices.Contains(s.Required, name), Description: p.Value.Description})
	}
	return out
}

// nameOfRef is the name of a schema that stands in components, also as the
// items of a list.
func nameOfRef(ref *openapi3.SchemaRef) string {
	if ref == nil {
		return ""
	}
	if ref.Ref == "" && ref.Value != nil && ref.Value.Items != nil {
		return nameOfRef(ref.Value.Items)
	}
	if i := strings.LastIndex(ref.Ref, "/schemas/"); i >= 0 {
		return ref.Ref[i+len("/schemas/"):]
	}
	return ""
}

func typeOf(ref *openapi3.SchemaRef) string {
	s := ref.Value
	switch {
	case s.Type.Is("array"):
		return "list"
	case s.Format != "":
		return s.Format
	case s.Type == nil || len(*s.Type) == 0:
		return "object"
	default:
		return strings.Join(*s.Type, " or ")
	}
}

// Body gives the JSON Schema of what an operation takes, with everything that
// it refers to written out, for a page that makes a form of it; nil for an
// operation that takes nothing.
func (d *Document) Body(operation string) map[string]any {
	i := slices.IndexFunc(d.ops, func(o *Operation) bool { return o.ID == operation })
	if i < 0 || d.ops[i].body == nil {
		return nil
	}
	return writtenOut(d.ops[i].body)
}

// writtenOut follows references; the document has none that lead in a circle
// into a request of which a page makes a form.
func writtenOut(s *openapi3.Schema) map[string]any {
	out := map[string]any{}
	if s.Type != nil && len(*s.Type) > 0 {
		out["type"] = (*s.Type)[0]
	}
	for name, text := range map[string]string{"description": s.Description, "pattern": s.Pattern, "format": s.Format} {
		if text != "" {
			out[name] = text
		}
	}
	if len(s.Enum) > 0 {
		out["enum"] = s.Enum
	}
	var required []any
	for _, name := range s.Required {
		required = append(required, name)
	}
	out["required"] = required
	properties := map[string]any{}
	for name, p := range s.Properties {
		properties[name] = writtenOut(p.Value)
	}
	out["properties"] = properties
	if s.Items != nil {
		out["items"] = writtenOut(s.Items.Value)
	}
	return out
}
