package postgres

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// externalCheck is the kind under which the check at an external register is
// recorded.
const externalCheck = "external:"

// ExternalFinding is what an external register, or a person in its place, has
// said of a case's applicant.
type ExternalFinding struct {
	Register string
	Finding
	Final bool // failing it rejects, by the programme's own word
}

// ExternalFindings gives what is known from the external registers that the
// case's programme asks, in the programme's order. An answer holds for the
// round: who somebody is does not change with a return.
func (tx *Tx) ExternalFindings(c *Case) ([]ExternalFinding, error) {
	known, err := tx.externalChecks(c)
	if err != nil {
		return nil, err
	}
	def, err := tx.Rules(c)
	var all []ExternalFinding
	for _, check := range externalOf(def) {
		if f, ok := known[check.Register]; ok {
			all = append(all, ExternalFinding{Register: check.Register, Finding: f, Final: check.Final})
		}
	}
	return all, err
}

// RegistersToAsk gives the external registers that the case's programme asks
// and that nobody has answered for in this round.
func (tx *Tx) RegistersToAsk(c *Case) ([]string, error) {
	def, err := tx.Rules(c)
	if err != nil {
		return nil, err
	}
	wanted := externalOf(def)
	if len(wanted) == 0 {
		return nil, nil
	}
	known, err := tx.externalChecks(c)
	var ask []string
	for _, check := range wanted {
		if _, ok := known[check.Register]; !ok {
			ask = append(ask, check.Register)
		}
	}
	return ask, err
}

func externalOf(def *programme.Definition) []programme.Check {
	if def == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(def.Checks), func(k programme.Check) bool { return k.Kind != programme.CheckExternal })
}

// externalChecks gives what is recorded in this round, by register.
func (tx *Tx) externalChecks(c *Case) (map[string]Finding, error) {
	var rows []struct {
		Kind   string          `db:"kind"`
		Passed bool            `db:"passed"`
		Codes  pq.StringArray  `db:"codes"`
		Detail json.RawMessage `db:"detail"`
	}
	err := tx.list(&rows, `SELECT kind, passed, codes, detail FROM case_checks WHERE case_id = $1 AND round = $2 AND starts_with(kind, 'external:')`,
		c.ID, c.Round)
	known := map[string]Finding{}
	for _, r := range rows {
		f := Finding{Passed: r.Passed, Codes: r.Codes}
		if err := json.Unmarshal(r.Detail, &f.Detail); err != nil {
			return nil, err
		}
		known[strings.TrimPrefix(r.Kind, externalCheck)] = f
	}
	return known, err
}

// SaveExternalCheck records what is known from an external register, tells the
// timeline that it is known, and ends the question to a person. The first
// answer of a round stays: false when there is one, and nothing is changed.
// The caller holds the case's lock, so that of a register and a person who
// answer at the same time one is first.
func (tx *Tx) SaveExternalCheck(c *Case, register, actor string, f Finding) (bool, error) {
	known, err := tx.externalChecks(c)
	if _, ok := known[register]; err != nil || ok {
		return false, err
	}
	if err := tx.SaveCheck(c, externalCheck+register, f); err != nil {
		return false, err
	}
	_, err = tx.exec(`UPDATE tasks SET state = 'void', outcome = 'answered', closed_at = $3, attend_at = NULL, version = version + 1
		WHERE case_id = $1 AND kind = $4 AND subject = $2 AND closed_at IS NULL AND $5`, c.ID, register, tx.Now, aid.RecordCheck, actor == System)
	if err != nil {
		return false, err
	}
	return true, tx.AddEvent(c, Event{Kind: "case.register_checked", Actor: actor, Data: map[string]any{"register": register, "by_hand": actor != System}})
}
