package activities

import (
	"slices"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// judge runs the automated checks that the case's programme asks for and its
// rules, on what is known by now, and records what they found. A finding
// informs a person, or blocks the approval until somebody overrides it; it
// rejects only where the programme says that it is final: then judge gives the
// reason.
func judge(tx *postgres.Tx, c *postgres.Case, phase string) (reason string, err error) {
	def, err := tx.Rules(c)
	if err != nil {
		return "", err
	}
	var found []postgres.Found
	checks := []string{"award"}
	for _, check := range def.Checks {
		more, err := runCheck(tx, c, def, check)
		if err != nil {
			return "", err
		}
		found, checks = append(found, more...), append(checks, nameOf(check))
	}
	more, err := judgeRules(tx, c, def, phase)
	if err != nil {
		return "", err
	}
	found, checks = append(found, more...), append(checks, string(programme.CheckEligibility))
	return finalReason(found), tx.SaveFindings(c, checks, found)
}

// nameOf names a check; one at an external register by the register too.
func nameOf(check programme.Check) string {
	if check.Kind == programme.CheckExternal {
		return string(check.Kind) + ":" + check.Register
	}
	return string(check.Kind)
}

// runCheck makes one check and gives what it found.
func runCheck(tx *postgres.Tx, c *postgres.Case, def *programme.Definition, check programme.Check) ([]postgres.Found, error) {
	switch check.Kind {
	case programme.CheckEligibility:
		return nil, nil // with the amount, on the same facts
	case programme.CheckDuplicate:
		return duplicates(tx, c, def, check)
	case programme.CheckExternal:
		return answered(tx, c, check)
	}
	finding, err := find(tx, c, string(check.Kind))
	if err != nil {
		return nil, err
	}
	return findings(check, finding), tx.SaveCheck(c, string(check.Kind), finding)
}

func find(tx *postgres.Tx, c *postgres.Case, kind string) (postgres.Finding, error) {
	switch kind {
	case "register":
		return tx.CheckRegister(c)
	case "identity":
		return tx.CheckIdentity(c)
	case "consistency":
		return tx.CheckConsistency(c)
	case "documents":
		return tx.CheckDocuments(c)
	}
	return postgres.Finding{}, aid.Refuse(aid.Invalid, "unknown_check")
}

// findings makes of each code a finding of its own. A check that has failed
// rejects where it is final; what a passed one has to say are hints.
func findings(check programme.Check, f postgres.Finding) []postgres.Found {
	effect := programme.EffectHint
	if check.Final && !f.Passed {
		effect = programme.EffectFinal
	}
	var out []postgres.Found
	for _, code := range f.Codes {
		out = append(out, postgres.Found{Check: nameOf(check), Code: code, Effect: effect, Detail: f.Detail})
	}
	return out
}

// answered gives what an external register, or a person in its place, has said.
func answered(tx *postgres.Tx, c *postgres.Case, check programme.Check) ([]postgres.Found, error) {
	all, err := tx.ExternalFindings(c)
	i := slices.IndexFunc(all, func(f postgres.ExternalFinding) bool { return f.Register == check.Register })
	if err != nil || i < 0 {
		return nil, err
	}
	return findings(check, all[i].Finding), nil
}

// duplicates looks for the same person, household, account and need
// elsewhere. The programme says for each kind of hit what it means.
func duplicates(tx *postgres.Tx, c *postgres.Case, def *programme.Definition, check programme.Check) ([]postgres.Found, error) {
	hits, err := tx.Hits(c, def)
	if err != nil {
		return nil, err
	}
	finding, out := postgres.Finding{Passed: true, Detail: map[string]any{}}, []postgres.Found{}
	for _, hit := range hits {
		effect := hit.Effect
		if check.Final && effect == programme.EffectBlock {
			effect = programme.EffectFinal
		}
		out = append(out, postgres.Found{Check: string(check.Kind), Code: hit.Kind, Effect: effect, About: hit.About, Detail: hit.Detail()})
		count, _ := finding.Detail[hit.Kind].(int)
		if count == 0 {
			finding.Codes = append(finding.Codes, hit.Kind)
		}
		finding.Detail[hit.Kind], finding.Passed = count+1, false
	}
	return out, tx.SaveCheck(c, string(check.Kind), finding)
}

// judgeRules judges eligibility and amount, and keeps the facts on which they
// were judged.
func judgeRules(tx *postgres.Tx, c *postgres.Case, def *programme.Definition, phase string) ([]postgres.Found, error) {
	facts, err := tx.Facts(c, def)
	if err != nil {
		return nil, err
	}
	verdict, err := def.Judge(facts)
	if err != nil {
		return nil, err
	}
	if err := tx.SaveFacts(c, phase, facts, verdict); err != nil {
		return nil, err
	}
	finding, out := postgres.Finding{Passed: len(verdict.Failed) == 0}, []postgres.Found{}
	for _, rule := range verdict.Failed {
		finding.Codes = append(finding.Codes, rule.Code)
		out = append(out, postgres.Found{Check: string(programme.CheckEligibility), Code: rule.Code, Effect: rule.Effect})
	}
	if c.ProposedAmount = nil; verdict.Proposed > 0 {
		c.ProposedAmount = &verdict.Proposed
	} else {
		out = append(out, postgres.Found{Check: "award", Code: "nothing_to_grant", Effect: programme.EffectBlock})
	}
	if len(def.Eligibility) == 0 {
		return out, nil
	}
	return out, tx.SaveCheck(c, string(programme.CheckEligibility), finding)
}

// finalReason gives the reason to reject the case: the code of the first rule
// that is final, or the name of the check.
func finalReason(found []postgres.Found) string {
	for _, f := range found {
		switch {
		case f.Effect != programme.EffectFinal:
		case f.Check == string(programme.CheckEligibility):
			return f.Code
		default:
			kind, _, _ := strings.Cut(f.Check, ":")
			return "check_" + kind
		}
	}
	return ""
}
