package checker

import "context"

// state is what is compared with the rail's books and with the engine.
type state struct {
	payments  map[string]payment // by the rail's key
	workflows map[string]string  // the workflow that has an open case -> the case
}

// payment is what PostgreSQL says of a payment.
type payment struct {
	id, rail, state, currency string
	amount                    int64
	instructed                bool
	inPlaceOf                 string // key of the failed payment that has arrived after all
}

const paymentsByKey = `SELECT p.award_id || '/' || t.n || '/' || p.n, p.id, p.rail, p.state, p.currency, p.amount, p.instructed_at IS NOT NULL,
	CASE WHEN p.state IN ('settled', 'returned') AND o.state = 'failed' AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.payment_id = p.id)
		THEN o.award_id || '/' || t.n || '/' || o.n ELSE '' END
	FROM payments p JOIN tranches t ON t.id = p.tranche_id LEFT JOIN payments o ON o.id = p.retry_of`

const openWorkflows = `SELECT c.workflow_id, c.id FROM cases c JOIN workflows w ON w.id = c.workflow_id AND w.started_at IS NOT NULL AND w.ended_at IS NULL
	WHERE c.status NOT IN ('draft', 'rejected', 'closed', 'withdrawn')`

func (st *state) read(ctx context.Context, s *snapshot, out *Report) error {
	st.payments, st.workflows = map[string]payment{}, map[string]string{}
	err := s.each(ctx, paymentsByKey, func(scan func(...any) error) error {
		var key string
		var p payment
		err := scan(&key, &p.id, &p.rail, &p.state, &p.currency, &p.amount, &p.instructed, &p.inPlaceOf)
		st.payments[key] = p
		return err
	})
	if err != nil {
		return err
	}
	err = s.each(ctx, openWorkflows, func(scan func(...any) error) error {
		var workflow, of string
		err := scan(&workflow, &of)
		st.workflows[workflow] = of
		return err
	})
	if err != nil {
		return err
	}
	var cases, transactions int
	if err := s.one(ctx, `SELECT count(*) FROM cases`, &cases); err != nil {
		return err
	}
	if err := s.one(ctx, `SELECT count(*) FROM ledger_transactions`, &transactions); err != nil {
		return err
	}
	out.Looked = map[string]int{"cases": cases, "transactions": transactions, "payments": len(st.payments)}
	return nil
}
