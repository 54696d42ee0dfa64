package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/aidflow/aidflow/aid"
)

func loaded(t *testing.T) *Document {
	t.Helper()
	d, err := LoadDocument()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDocumentIsValidAs31AndAs30(t *testing.T) {
	spec, err := openapi3.NewLoader().LoadFromData(openapiYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := spec.Validate(context.Background(), openapi3.IsOpenAPI31OrLater()); err != nil {
		t.Errorf("as 3.1: %v", err)
	}
	spec.OpenAPI = "3.0.3"
	// Fields of info that only 3.1 has describe, they check nothing.
	spec.Info.Summary, spec.Info.License.Identifier = "", ""
	if err := spec.Validate(context.Background()); err != nil {
		t.Errorf("requests are checked as 3.0, and the document does not fit: %v", err)
	}
}

func TestEveryOperationSaysWhoAndWhatMayGoWrong(t *testing.T) {
	roles := []string{"partner", "anyone", "rail", string(aid.RoleIntake), string(aid.RoleVerifier), string(aid.RoleApprover), string(aid.RoleTreasurer),
		string(aid.RoleReleaser), string(aid.RoleManager), string(aid.RoleAuditor), string(aid.RoleAdmin)}
	seen := map[string]bool{}
	for _, op := range loaded(t).Operations() {
		if op.ID == "" || seen[op.ID] {
			t.Errorf("%s %s: operationId missing or used twice", op.Method, op.Path)
		}
		seen[op.ID] = true
		for _, r := range op.Roles {
			if !slices.Contains(roles, r) {
				t.Errorf("%s: unknown role %s", op.ID, r)
			}
		}
		open := slices.Contains([]string{"whoami", "listProgrammes", "getProgramme", "listAreas", "getArea"}, op.ID)
		if want := slices.Contains(op.Roles, "partner") && !open; want != (op.Scope != "") {
			t.Errorf("%s: x-scope is %q", op.ID, op.Scope)
		}
		if op.Public() != (op.spec.Security != nil && len(*op.spec.Security) == 0) {
			t.Errorf("%s: security and x-roles disagree", op.ID)
		}
		for _, status := range expectedProblems(op) {
			if op.spec.Responses.Value(status) == nil {
				t.Errorf("%s does not document %s", op.ID, status)
			}
		}
	}
}

func expectedProblems(op *Operation) []string {
	if op.Tag == "meta" {
		return nil
	}
	out := []string{"400", "401", "500", "503"}
	if !slices.Contains(op.Roles, "rail") {
		out = append(out, "403")
	}
	if strings.Contains(op.Path, "{") {
		out = append(out, "404")
	}
	if op.HasBody {
		out = append(out, "413", "415", "422")
	}
	if op.TakesKey {
		out = append(out, "409")
	}
	if op.NeedsIfMatch {
		out = append(out, "412", "428")
	}
	return out
}

// A request must not carry what nobody reads: every object of a request is
// closed, but for those whose form is elsewhere.
func TestRequestSchemasAreClosed(t *testing.T) {
	free := []string{"answers", "data", "facts", "week"} // a week has days, which the store knows
	for _, op := range loaded(t).Operations() {
		if op.body == nil || op.Tag == "callbacks" {
			continue
		}
		var walk func(name string, s *openapi3.Schema)
		walk = func(name string, s *openapi3.Schema) {
			if s.Type.Is("object") && !slices.Contains(free, name) && (s.AdditionalProperties.Has == nil || *s.AdditionalProperties.Has) {
				t.Errorf("%s: %q takes unknown fields", op.ID, name)
			}
			for name, p := range s.Properties {
				walk(name, p.Value)
			}
			if s.Items != nil {
				walk(name, s.Items.Value)
			}
		}
		walk("body", op.body)
	}
}

func TestExamplesFitTheirSchemas(t *testing.T) {
	for _, op := range loaded(t).Operations() {
		if op.spec.RequestBody == nil || op.Upload {
			continue
		}
		media := op.spec.RequestBody.Value.Content.Get("application/json")
		if media == nil { // a form with a file
			continue
		}
		examples := map[string]any{}
		if media.Example != nil {
			examples["example"] = media.Example
		}
		for name, e := range media.Examples {
			examples[name] = e.Value.Value
		}
		if len(examples) == 0 && op.Tag != "callbacks" {
			t.Errorf("%s has no example", op.ID)
		}
		for name, value := range examples {
			if faults := bodyFaults(op.body, value); len(faults) > 0 {
				t.Errorf("%s, example %s: %+v", op.ID, name, faults)
			}
		}
	}
}

func TestDocumentIsServedAsItIs(t *testing.T) {
	d := openDoor(t)
	if a := d.call("", http.MethodGet, "/openapi.yaml", nil); a.Raw != string(openapiYAML) {
		t.Error("/openapi.yaml differs from the file")
	}
	a := d.call("", http.MethodGet, "/openapi.json", nil)
	if a.str("openapi") != "3.1.0" {
		t.Errorf("openapi is %q", a.str("openapi"))
	}
}
