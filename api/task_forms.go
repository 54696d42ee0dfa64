package api

import (
	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// forms gives for each action of a task's kind what its decision may carry.
func forms(t *postgres.TaskRow, def *programme.Definition) map[string]ActionForm {
	out := map[string]ActionForm{}
	rule, _ := aid.RuleOf(t.Kind)
	for _, action := range rule.Actions {
		form := ActionForm{Schema: dataSchema(t.Kind, action), ReasonCodes: []string{}, ReasonRequired: aid.NeedsReason(action)}
		for _, r := range def.Reasons[string(action)] {
			form.ReasonCodes = append(form.ReasonCodes, r.Code)
		}
		form.Example = map[string]any{"action": string(action)}
		if form.ReasonRequired && len(form.ReasonCodes) > 0 {
			form.Example["reason_code"] = form.ReasonCodes[0]
		}
		if data := exampleData(t.Kind, action, def); data != nil {
			form.Example["data"] = data
		}
		out[string(action)] = form
	}
	return out
}

type object = map[string]any

// dataSchema is the JSON Schema of a decision's data.
func dataSchema(kind aid.TaskKind, action aid.Action) object {
	schema := object{"type": "object"}
	switch {
	case action == aid.ActionReturn:
		schema["properties"] = object{"items": object{"type": "array", "minItems": 1, "items": object{"type": "object",
			"required":   []string{"kind", "problem"},
			"properties": object{"kind": object{"type": "string"}, "problem": object{"type": "string"}}}}}
		schema["description"] = "Names what is missing or wrong: kinds of documents, or answers. A note may say it instead."
	case kind == aid.ResolvePayment:
		schema["required"] = []string{"outcome"}
		schema["properties"] = object{"outcome": object{"enum": []string{"settled", "failed"}}}
	case kind == aid.FieldVisit, kind == aid.ConfirmMilestone, kind == aid.FollowUpVisit:
		schema["properties"] = object{"evidence": object{"type": "array", "items": object{"type": "object",
			"properties": object{"kind": object{"type": "string"}, "location": object{"type": "string"}}}}}
		schema["description"] = "What was seen, and where the evidence is kept."
	}
	return schema
}

func exampleData(kind aid.TaskKind, action aid.Action, def *programme.Definition) object {
	switch {
	case action == aid.ActionReturn && len(def.Documents) > 0:
		return object{"items": []any{object{"kind": def.Documents[0].Kind, "problem": "missing"}}}
	case action == aid.ActionReturn:
		return object{"items": []any{object{"kind": "answers", "problem": "incomplete"}}}
	case kind == aid.ResolvePayment:
		return object{"outcome": "settled"}
	case kind == aid.FieldVisit, kind == aid.ConfirmMilestone, kind == aid.FollowUpVisit:
		return object{"evidence": []any{object{"kind": "photo", "location": "Commune office, file 18/2026"}}}
	}
	return nil
}
