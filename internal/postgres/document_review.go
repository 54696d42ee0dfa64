package postgres

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
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

// reviewedPaper is what a verifier says of one paper, in the decision's data.
type reviewedPaper struct {
	Document string `json:"document"`
	State    string `json:"state"` // accepted, rejected
	Reason   string `json:"reason_code"`
}

func reviewedPapers(data json.RawMessage) []reviewedPaper {
	var reviewed struct {
		Papers []reviewedPaper `json:"papers"`
	}
	if json.Unmarshal(data, &reviewed) != nil {
		return nil
	}
	return reviewed.Papers
}

// papersFaults checks what a decision says of papers: each is one of the case
// and in force, named once, and rejected with a code of aid.PaperReasons. Who
// completes the verification does not reject what the programme requires: that
// is a return.
func (tx *Tx) papersFaults(c *Case, def *programme.Definition, action aid.Action, data json.RawMessage) ([]aid.Fault, error) {
	reviewed := reviewedPapers(data)
	if len(reviewed) == 0 {
		return nil, nil
	}
	papers, err := tx.documents(c.ID)
	if err != nil {
		return nil, err
	}
	var faults []aid.Fault
	seen := map[string]bool{}
	for i, r := range reviewed {
		at := "/data/papers/" + strconv.Itoa(i)
		n := slices.IndexFunc(papers, func(d DocumentRow) bool { return d.ID == r.Document })
		switch {
		case n < 0:
			faults = append(faults, aid.Fault{Pointer: at + "/document", Code: "unknown_document"})
		case seen[r.Document]:
			faults = append(faults, aid.Fault{Pointer: at + "/document", Code: "repeated"})
		case r.State == "rejected" && !slices.Contains(aid.PaperReasons(), r.Reason):
			faults = append(faults, aid.Fault{Pointer: at + "/reason_code", Code: "unknown_reason"})
		case r.State == "rejected" && action == aid.ActionComplete && slices.Contains(def.RequiredDocuments(), papers[n].Kind):
			faults = append(faults, aid.Fault{Pointer: at + "/state", Code: "required_paper_rejected"})
		}
		seen[r.Document] = true
	}
	return faults, nil
}

// ReviewPapers applies what the decision of a verifier who completes the
// verification says of single papers, and accepts every other one that is
// listed: the verifier stands for them.
func (tx *Tx) ReviewPapers(c *Case, d aid.Decision) error {
	if err := tx.rejectPapers(c, d); err != nil {
		return err
	}
	n, err := tx.exec(`UPDATE case_documents SET state = 'accepted' WHERE case_id = $1 AND state = 'listed'`, c.ID)
	if err != nil || n == 0 {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "document.accepted", Actor: d.Actor, Data: map[string]any{"count": n}})
}

// rejectPapers marks the papers that a decision rejects one by one.
func (tx *Tx) rejectPapers(c *Case, d aid.Decision) error {
	content, err := tx.Content(d.ID)
	if err != nil {
		return err
	}
	for _, r := range reviewedPapers(content.Data) {
		if r.State != "rejected" || !slices.Contains(aid.PaperReasons(), r.Reason) {
			continue
		}
		var kind string
		err := tx.get(&kind, `UPDATE case_documents SET state = 'rejected', reason = $3 WHERE case_id = $1 AND id = $2
			AND state IN ('listed', 'accepted') RETURNING kind`, c.ID, r.Document, r.Reason)
		if notFound(err) { // another has taken its place
			continue
		}
		if err != nil {
			return err
		}
		err = tx.AddEvent(c, Event{Kind: "document.rejected", Actor: d.Actor, Data: map[string]any{"document": r.Document, "kind": kind, "reason_code": r.Reason}})
		if err != nil {
			return err
		}
	}
	return nil
}

// RejectDocuments marks the papers that a return names as wrong, by kind with
// the reason of the return, or one by one with their own.
func (tx *Tx) RejectDocuments(c *Case, decision, actor, reason string) error {
	if err := tx.rejectPapers(c, aid.Decision{ID: decision, Actor: actor}); err != nil {
		return err
	}
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
