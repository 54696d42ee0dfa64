package api

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/registers"
)

// forms gives for each action of a task's kind what its decision may carry.
func forms(t *postgres.TaskRow, def *programme.Definition) map[string]ActionForm {
	out := map[string]ActionForm{}
	rule, _ := aid.RuleOf(t.Kind)
	for _, action := range rule.Actions {
		form := ActionForm{Schema: dataSchema(t.Kind, action, def), ReasonCodes: []string{}, ReasonRequired: aid.NeedsReason(action)}
		for _, r := range def.Reasons[reasonsOf(t.Kind, action)] {
			form.ReasonCodes = append(form.ReasonCodes, r.Code)
		}
		if t.Kind == aid.RecoverMoney {
			form.ReasonCodes, form.ReasonRequired = aid.WriteOffReasons(), true
		}
		form.Example = map[string]any{"action": string(action)}
		if form.ReasonRequired && len(form.ReasonCodes) > 0 {
			form.Example["reason_code"] = form.ReasonCodes[0]
		}
		if t.Kind == aid.RecordCheck {
			form.Example["note"] = "The register has not answered since yesterday."
		}
		if t.Kind == aid.Advise {
			form.Example["note"] = "I know the house: the roof is gone."
		}
		if data := exampleData(t, action, def); data != nil {
			form.Example["data"] = data
		}
		if t.Kind == aid.RepairConfiguration {
			askArea(t, &form)
		}
		out[string(action)] = form
	}
	return out
}

// ofChange leaves of the forms of an approval what a decision on a change of an
// award may carry.
func ofChange(forms map[string]ActionForm) map[string]ActionForm {
	for _, form := range forms {
		properties, _ := form.Schema["properties"].(object)
		for _, field := range postgres.NotInChange() {
			delete(properties, field)
		}
	}
	return forms
}

// reasonsOf names the list of reasons of an action: an approval gives one when
// it lowers the amount, a preparation when it pays a part.
func reasonsOf(kind aid.TaskKind, action aid.Action) string {
	if (kind == aid.Approve && action == aid.ActionApprove) || kind == aid.PreparePayment {
		return "lower"
	}
	return string(action)
}

type object = map[string]any

// dataSchema is the JSON Schema of a decision's data. It is closed: nothing is
// carried that nobody reads.
func dataSchema(kind aid.TaskKind, action aid.Action, def *programme.Definition) object {
	properties, schema := object{}, object{"type": "object", "additionalProperties": false}
	schema["properties"] = properties
	switch {
	case action == aid.ActionReturn:
		properties["items"] = listOf(object{"kind": text60(), "problem": text60()}, "kind", "problem")
		if kind == aid.Approve {
			properties["to"] = object{"type": "string", "enum": append([]string{"partner", string(aid.Verification)}, levelNames(def)...),
				"description": "Who is asked: the partner when left out, the verification, or a level that has approved the case already."}
		}
		if kind == aid.Approve || kind == aid.VerifyDocuments || kind == aid.FieldVisit {
			properties["tasks"] = object{"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true, "description": "What of the verification is done again; all of it when left out.",
				"items": object{"type": "string", "enum": []string{string(aid.VerifyDocuments), string(aid.FieldVisit)}}}
		}
		if kind == aid.VerifyDocuments {
			properties["papers"] = papersSchema()
		}
		schema["description"] = "Names what is missing or wrong: kinds of documents, or answers. A note may say it instead."
	case kind == aid.VerifyDocuments && action == aid.ActionComplete:
		properties["papers"] = papersSchema()
		schema["description"] = "What is said of single papers; every other one is accepted."
	case kind == aid.RecordCheck:
		schema["required"] = []string{"result", "reference"}
		properties["result"] = object{"type": "string", "enum": registers.Results()}
		properties["reference"] = object{"type": "string", "minLength": 1, "maxLength": 300, "description": "What the result rests on: a letter, a call, a paper that was shown."}
		properties["fields"] = object{"type": "array", "maxItems": 3, "uniqueItems": true, "description": "What differs.",
			"items": object{"type": "string", "enum": []string{registers.FieldName, registers.FieldBirthDate, registers.FieldSex}}}
		schema["description"] = "What the register would have said. The note says why it is recorded by hand."
	case kind == aid.Approve && action == aid.ActionApprove:
		properties["overrides"] = listOf(object{"finding": object{"type": "string", "minLength": 1, "maxLength": 200}, "reason_code": text60()}, "finding", "reason_code")
		schema["description"] = "Overrides every finding that blocks, each with one of the programme's reasons."
		if len(def.Conditions) > 0 {
			properties["conditions"] = listOf(object{"code": object{"type": "string", "minLength": 1, "maxLength": 60, "description": "One of the programme's conditions."},
				"text": object{"type": "string", "maxLength": 1000, "description": "What is meant; sealed."},
				"due":  object{"type": "string", "pattern": `^\d{4}-\d{2}-\d{2}$`, "description": "The local day by whose end it is to be met."}}, "code")
			schema["description"] = "Overrides every finding that blocks. The money waits until every condition is met."
		}
	case kind == aid.RepairConfiguration:
		properties["area"] = object{"type": "string", "minLength": 1, "maxLength": 40, "description": "Where the case belongs, when that is asked for."}
	case kind == aid.PostPublicly:
		schema["required"] = []string{"date", "place"}
		properties["date"] = object{"type": "string", "pattern": `^\d{4}-\d{2}-\d{2}$`, "description": "The day on which the list was hung out; it does not count."}
		properties["place"] = object{"type": "string", "minLength": 1, "maxLength": 300, "description": "Where it hangs."}
	case kind == aid.PreparePayment:
		properties["rest"] = object{"type": "string", "enum": []string{postgres.RestDue, postgres.RestReleased},
			"description": "What becomes of the rest when the decision's amount is less than the payment's: due, to be paid later, or released to the fund."}
		schema["description"] = "Empty, unless only a part is paid."
	case kind == aid.ResolvePayment:
		schema["required"] = []string{"outcome"}
		properties["outcome"] = outcomeSchema()
	case kind == aid.FieldVisit, kind == aid.ConfirmMilestone, kind == aid.FollowUpVisit:
		properties["evidence"] = listOf(object{"kind": text60(), "location": object{"type": "string", "maxLength": 300}})
		schema["description"] = "What was seen, and where the evidence is kept."
		if kind == aid.FieldVisit && def.Visit != nil {
			properties["seen"], schema["required"] = seenSchema(def), []string{"seen"}
			properties["photos"] = object{"type": "array", "maxItems": 50, "items": text60(), "description": "Documents of kind visit_photo that were sent for this task."}
		}
	}
	return schema
}

// levelNames are the levels of a programme's matrix, each once.
func levelNames(def *programme.Definition) []string {
	var names []string
	for _, row := range def.Matrix {
		for _, level := range row.Levels {
			if !slices.Contains(names, level.Name) {
				names = append(names, level.Name)
			}
		}
	}
	return names
}

// outcomeSchema is what two persons may say of a payment.
func outcomeSchema() object {
	return object{"type": "string", "enum": []string{aid.OutcomeSettled, aid.OutcomeFailed, aid.OutcomePayAgain, aid.OutcomeGiveUp},
		"description": "How a payment ended whose end is unknown (settled, failed), or what becomes of one that the bank returned (pay_again, give_up)."}
}

// papersSchema is what a verifier says of papers one by one, by their ids in
// the checklist.
func papersSchema() object {
	return listOf(object{"document": text60(), "state": object{"type": "string", "enum": []string{"accepted", "rejected"}},
		"reason_code": object{"type": "string", "enum": aid.PaperReasons(), "description": "Of a rejection."}}, "document", "state")
}

// seenSchema is the programme's form of the visit.
func seenSchema(def *programme.Definition) object {
	var form object
	_ = json.Unmarshal(def.Visit.Form, &form) // Parse has compiled it
	return form
}

// doorSchema is what the door itself checks: what was seen it leaves to the
// programme, whose schema may use more than OpenAPI knows.
func doorSchema(kind aid.TaskKind, action aid.Action, def *programme.Definition) object {
	schema := dataSchema(kind, action, def)
	if properties := schema["properties"].(object); properties["seen"] != nil {
		properties["seen"] = object{"type": "object"}
	}
	return schema
}

func text60() object { return object{"type": "string", "minLength": 1, "maxLength": 60} }

func listOf(properties object, required ...string) object {
	item := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		item["required"] = required
	}
	return object{"type": "array", "minItems": 1, "maxItems": 50, "items": item}
}

// dataFaults checks a decision's data by the schema of the task's form.
//
// Errors: a schema that is none, which is a fault of the build.
func dataFaults(kind aid.TaskKind, action aid.Action, def *programme.Definition, data map[string]any) ([]aid.Fault, error) {
	raw, err := json.Marshal(doorSchema(kind, action, def))
	if err != nil {
		return nil, err
	}
	var schema openapi3.Schema
	if err := schema.UnmarshalJSON(raw); err != nil {
		return nil, err
	}
	if data == nil {
		data = map[string]any{}
	}
	faults := bodyFaults(&schema, data)
	for i := range faults {
		faults[i].Pointer = "/data" + faults[i].Pointer
	}
	return faults, nil
}

func exampleData(t *postgres.TaskRow, action aid.Action, def *programme.Definition) object {
	kind := t.Kind
	switch {
	case action == aid.ActionReturn && len(def.Documents) > 0:
		return object{"items": []any{object{"kind": def.Documents[0].Kind, "problem": "missing"}}}
	case action == aid.ActionReturn:
		return object{"items": []any{object{"kind": "answers", "problem": "incomplete"}}}
	case kind == aid.RecordCheck:
		return object{"result": string(registers.Match), "reference": "Letter 12/2026 of the district police"}
	case kind == aid.PostPublicly:
		return object{"date": t.OpenedAt.In(def.Location()).Format(time.DateOnly), "place": "House of culture, hamlet 5"}
	case kind == aid.ResolvePayment && strings.Contains(string(t.Rule), `"payment_returned"`):
		return object{"outcome": aid.OutcomePayAgain}
	case kind == aid.ResolvePayment:
		return object{"outcome": aid.OutcomeSettled}
	case kind == aid.FieldVisit && def.Visit != nil:
		return object{"seen": seenExample(def)}
	case kind == aid.FieldVisit, kind == aid.ConfirmMilestone, kind == aid.FollowUpVisit:
		return object{"evidence": []any{object{"kind": "photo", "location": "Commune office, file 18/2026"}}}
	}
	return nil
}

func seenExample(def *programme.Definition) any {
	if examples, ok := seenSchema(def)["examples"].([]any); ok && len(examples) > 0 {
		return examples[0]
	}
	return object{}
}
