package postgres

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
)

// MoveVersion pins a returned case to the version of its programme that is in
// force, as a manager of its area wants it. From here on nothing counts that
// was found, seen or approved under the old version: the review that follows
// begins with the verification. The caller moves the case and asks its partner.
//
// Errors: Forbidden wrong_role; Conflict wrong_state when the case is not
// returned; version_not_newer; version_not_in_force; currency_fixed;
// registers_to_ask when the new version wants an external register that was not
// asked; NotFound version_not_found.
func (tx *Tx) MoveVersion(c *Case, m aid.VersionMove) error {
	if err := tx.mayManage(c, m.Actor); err != nil {
		return err
	}
	if c.Status != aid.ActionNeeded {
		return aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
	}
	if err := tx.mayMoveTo(c, m.Version); err != nil {
		return err
	}
	err := tx.one(`INSERT INTO case_versions (case_id, round, review, from_version, version, actor, reason_code, moved_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.Round, c.Review, c.ProgrammeVersion, m.Version, m.Actor, m.Reason, tx.Now)
	if err != nil {
		return err
	}
	if err := tx.one(`UPDATE cases SET programme_version = $2 WHERE id = $1`, c.ID, m.Version); err != nil {
		return err
	}
	// What the new rules find they find anew, and no override of an old finding holds.
	if _, err := tx.exec(`UPDATE case_findings SET gone_at = $3 WHERE case_id = $1 AND round = $2 AND gone_at IS NULL`, c.ID, c.Round, tx.Now); err != nil {
		return err
	}
	c.ProgrammeVersion, c.Amount, c.ProposedAmount = m.Version, nil, nil
	c.Review++
	return tx.AddAudit(m.Actor, "move_version", c.ID, "done", m.Reason)
}

// mayManage tells whether a person is a manager of the case's area today.
func (tx *Tx) mayManage(c *Case, actor string) error {
	var may bool
	err := tx.get(&may, `
		WITH RECURSIVE up AS (
			SELECT code, parent FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM staff_roles r JOIN staff s USING (subject) JOIN up ON up.code = r.area
			WHERE r.subject = $2 AND r.role = 'manager' AND s.disabled_at IS NULL)`, c.Area, actor)
	if err == nil && !may {
		err = aid.Refuse(aid.Forbidden, "wrong_role")
	}
	return err
}

func (tx *Tx) mayMoveTo(c *Case, version int) error {
	versions, err := publishedVersions(tx.reader(), c.Programme)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(versions, func(v publishedVersion) bool { return v.Version == version })
	current, _ := programme.Current(publishedOf(versions), tx.Now)
	switch {
	case i < 0:
		return aid.Refuse(aid.NotFound, "version_not_found")
	case version <= c.ProgrammeVersion:
		return aid.Refuse(aid.Conflict, "version_not_newer")
	case versions[i].Definition != current:
		return aid.Refuse(aid.Conflict, "version_not_in_force")
	case current.Currency != c.Currency:
		return aid.Refuse(aid.Conflict, "currency_fixed")
	}
	old, err := tx.Rules(c)
	if err != nil {
		return err
	}
	asked := externals(old)
	if slices.ContainsFunc(externals(current), func(register string) bool { return !slices.Contains(asked, register) }) {
		return aid.Refuse(aid.Conflict, "registers_to_ask")
	}
	return nil
}

// externals names the external registers that a definition wants asked.
func externals(def *programme.Definition) []string {
	var out []string
	for _, check := range def.Checks {
		if check.Kind == programme.CheckExternal {
			out = append(out, check.Register)
		}
	}
	return out
}

// movedReview gives the last review of the case's round under a version that
// it has left; 0 when it has left none.
func (tx *Tx) movedReview(c *Case) (int, error) {
	var review int
	err := tx.get(&review, `SELECT coalesce(max(review), 0) FROM case_versions WHERE case_id = $1 AND round = $2`, c.ID, c.Round)
	return review, err
}

// AskedItems gives what the open question to the partner names as missing or
// wrong, and what of the case does not fit the version that it is pinned to
// now: kinds of documents or names of questions, with codes.
func (tx *Tx) AskedItems(c *Case) ([]map[string]string, error) {
	var raw []byte
	err := tx.get(&raw, `SELECT coalesce(rule -> 'items', '[]') FROM tasks WHERE case_id = $1 AND kind = 'provide_information' AND closed_at IS NULL
		ORDER BY opened_at DESC LIMIT 1`, c.ID)
	if err != nil && !notFound(err) {
		return nil, err
	}
	var items []map[string]string
	if err == nil && string(raw) != "null" {
		if err := json.Unmarshal(raw, &items); err != nil {
			return nil, err
		}
	}
	faults, err := tx.outdated(c, Information{})
	if err != nil {
		return nil, err
	}
	for _, f := range faults {
		items = append(items, map[string]string{"kind": question(f.Pointer), "problem": f.Code})
	}
	listed, err := tx.ListedDocuments(c)
	if err != nil {
		return nil, err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	for _, kind := range def.MissingDocuments(listed) {
		items = append(items, map[string]string{"kind": kind, "problem": "missing"})
	}
	return once(items), nil
}

// question names what a fault is about: the question of the form, or the part
// of the request.
func question(pointer string) string {
	parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	if parts[0] == "answers" && len(parts) > 1 && isCode(parts[1]) {
		return parts[1]
	}
	return parts[0]
}

func once(items []map[string]string) []map[string]string {
	out := []map[string]string{}
	for _, item := range items {
		if !slices.ContainsFunc(out, func(o map[string]string) bool { return o["kind"] == item["kind"] }) {
			out = append(out, item)
		}
	}
	return out
}

// answerFaults checks a partner's answer; of a case that was moved to another
// version also what it leaves as it was.
func (tx *Tx) answerFaults(c *Case, def *programme.Definition, data json.RawMessage) ([]aid.Fault, error) {
	faults, err := informationFaults(def, data)
	if err != nil {
		return nil, err
	}
	var in Information
	if len(data) > 0 {
		_ = json.Unmarshal(data, &in) // informationFaults has read it
	}
	more, err := tx.outdated(c, in)
	return append(faults, more...), err
}

// outdated gives what of a case does not fit the version that it was moved to,
// but for what an answer brings anew. A case that was not moved was checked
// against its version when it came.
func (tx *Tx) outdated(c *Case, brings Information) ([]aid.Fault, error) {
	if moved, err := tx.movedReview(c); err != nil || moved == 0 {
		return nil, err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	sealed, err := tx.sealedOf(c.ID)
	if err != nil {
		return nil, err
	}
	payee, err := tx.openPayee(c.PayeeAccountID)
	if err != nil {
		return nil, err
	}
	var faults []aid.Fault
	under := func(at string, more []aid.Fault) {
		for _, f := range more {
			f.Pointer = at + f.Pointer
			faults = append(faults, f)
		}
	}
	if len(brings.Answers) == 0 {
		under("/answers", def.CheckAnswers(sealed.Answers))
	}
	if brings.Requested == nil {
		under("/requested", def.CheckAmount(money.Of(c.RequestedAmount, c.Currency)))
	}
	if brings.Payee == nil && payee != nil {
		under("/payee", def.CheckPayee(payee.Kind))
	}
	return faults, nil
}
