package activities

import (
	"context"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Check runs one automated check of a case and records what it found. A check
// that fails informs a person; it rejects only where the programme says that
// it is final. A check that the programme does not ask for passes.
func (a *Activities) Check(ctx context.Context, in aid.CheckRequest) (aid.CheckResult, error) {
	out := aid.CheckResult{Kind: in.Kind}
	err := a.Store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		def, err := tx.Rules(c)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(def.Checks, func(k programme.Check) bool { return string(k.Kind) == in.Kind })
		if i < 0 {
			out.Passed = true
			return nil
		}
		found, err := find(tx, c, in.Kind)
		if err != nil {
			return err
		}
		out.Passed, out.Codes, out.Final = found.Passed, found.Codes, def.Checks[i].Final
		return tx.SaveCheck(c, in.Kind, found)
	})
	return out, retryDecision(err)
}

func find(tx *postgres.Tx, c *postgres.Case, kind string) (postgres.Finding, error) {
	switch kind {
	case "register":
		return tx.CheckRegister(c)
	case "identity":
		return tx.CheckIdentity(c)
	case "duplicate":
		return tx.CheckDuplicates(c)
	case "documents":
		return tx.CheckDocuments(c)
	}
	return postgres.Finding{}, aid.Refuse(aid.Invalid, "unknown_check")
}
