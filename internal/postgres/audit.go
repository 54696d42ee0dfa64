package postgres

import "context"

// AddAudit writes down an act that must be accounted for, in its transaction:
// who did (outcome done), or was refused (refused, with its code), what on
// which object, and in whose name when a delegate decides. Ids and codes only. It bears the wall clock, also in a case
// whose own clock was advanced.
func (tx *Tx) AddAudit(actor, action, object, outcome, code string) error {
	return tx.one(`INSERT INTO audit (at, actor, action, object, outcome, code, behalf) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		tx.Wall, actor, action, object, outcome, code, tx.behalfOf(actor))
}

// AuditRefusal records that a caller was refused an act; there is no other
// transaction to do it in.
func (s *Store) AuditRefusal(ctx context.Context, caller *Caller, action, object, code string) error {
	return s.Write(ctx, func(tx *Tx) error {
		return tx.AddAudit(caller.Actor(), action, object, "refused", code)
	})
}
