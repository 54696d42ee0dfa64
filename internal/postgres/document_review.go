package postgres

import (
	"encoding/json"
	"slices"
	"strings"
)

// namedItem is one thing that a verifier found missing or wrong.
type namedItem struct {
	Kind    string `json:"kind"`    // of the document, or of the question
	Problem string `json:"problem"` // missing, unreadable, expired, contradicts ...
}

// namedItems reads what a return names, from the decision's data. Only codes
// count: the items are shown to the partner from the task, which is not sealed,
// and what a person writes may name somebody. A problem in words becomes
// "other"; words belong into the note.
func namedItems(data json.RawMessage) []namedItem {
	var named struct {
		Items []namedItem `json:"items"`
	}
	if json.Unmarshal(data, &named) != nil {
		return nil
	}
	for i := range named.Items {
		if !isCode(named.Items[i].Problem) {
			named.Items[i].Problem = "other"
		}
	}
	return slices.DeleteFunc(named.Items, func(item namedItem) bool { return !isCode(item.Kind) })
}

// isCode tells whether a text is a word of a list, such as a kind of document.
func isCode(text string) bool {
	return text != "" && len(text) <= 60 && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// AcceptDocuments accepts every listed paper of a case: the verifier who
// completes the task stands for them.
func (tx *Tx) AcceptDocuments(c *Case, actor string) error {
	n, err := tx.exec(`UPDATE case_documents SET state = 'accepted' WHERE case_id = $1 AND state = 'listed'`, c.ID)
	if err != nil || n == 0 {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "document.accepted", Actor: actor, Data: map[string]any{"count": n}})
}

// RejectDocuments marks the papers that a return names as wrong.
func (tx *Tx) RejectDocuments(c *Case, decision, actor, reason string) error {
	content, err := tx.Content(decision)
	if err != nil {
		return err
	}
	for _, item := range namedItems(content.Data) {
		n, err := tx.exec(`UPDATE case_documents SET state = 'rejected', reason = $3 WHERE case_id = $1 AND kind = $2 AND state IN ('listed', 'accepted')`,
			c.ID, item.Kind, reason)
		if err != nil {
			return err
		}
		if n == 0 {
			continue
		}
		if err := tx.AddEvent(c, Event{Kind: "document.rejected", Actor: actor, Data: map[string]any{"kind": item.Kind, "reason_code": reason}}); err != nil {
			return err
		}
	}
	return nil
}

// NamedItems gives what a decision named as missing or wrong, for the task of
// the partner: kinds and problems, no free text.
func (tx *Tx) NamedItems(decision string) ([]map[string]string, error) {
	content, err := tx.Content(decision)
	if err != nil {
		return nil, err
	}
	var out []map[string]string
	for _, item := range namedItems(content.Data) {
		out = append(out, map[string]string{"kind": item.Kind, "problem": item.Problem})
	}
	return out, nil
}
