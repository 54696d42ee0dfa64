package postgres

// SignalFunds is the signal by which a waiting case hears that its fund may
// have money again.
const SignalFunds = "funds"

// SignalLook is the signal by which a workflow hears that something it waits
// for has changed in PostgreSQL without it.
const SignalLook = "look"

// WakeWaiting tells the head of a fund's waiting list, if there is one, to try
// again, and with it the cases that let others pass before it and those that may
// pass: with bound money that suffices for them, or because the budget of the
// programme before them does not suffice. Of one programme and area only the
// first may. The signals leave through the outbox, in the transaction of the
// fact.
func (tx *Tx) WakeWaiting(fund string) error {
	var workflows []string
	err := tx.list(&workflows, `
		WITH fund AS (SELECT EXISTS (SELECT 1 FROM fund_purposes WHERE fund_id = $1 AND available > 0) AS bound,
		                     EXISTS (SELECT 1 FROM fund_budgets WHERE fund_id = $1 AND year = $2 AND budget IS NOT NULL) AS limited),
		list AS (SELECT w.id, w.workflow_id, w.programme, w.area, w.urgent, w.decided_at, w.skipped, a.amount
			FROM cases w JOIN awards a ON a.case_id = w.id AND a.round = w.round WHERE w.fund_id = $1 AND w.status = 'waiting_funds')
		SELECT w.workflow_id FROM list w, fund WHERE NOT EXISTS (
			SELECT 1 FROM list h WHERE NOT h.skipped AND (NOT h.urgent, h.decided_at, h.id) < (NOT w.urgent, w.decided_at, w.id)
			AND ((h.programme = w.programme AND h.area = w.area) OR NOT (
				(fund.bound AND (SELECT coalesce(sum(p.amount), 0) FROM fund_pots($1, w.programme, w.area) p) >= w.amount)
				OR (fund.limited AND h.programme <> w.programme AND budget_blocks($1, h.programme, $2, h.amount)))))
		ORDER BY w.urgent DESC, w.decided_at, w.id`, fund, tx.Now.In(areaZone()).Year())
	if err != nil {
		return err
	}
	for _, workflow := range workflows {
		if err := tx.SendSignal(workflow, SignalFunds); err != nil {
			return err
		}
	}
	return nil
}
