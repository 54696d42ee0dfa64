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
	err := tx.list(&workflows, `SELECT workflow FROM fund_wakes($1, $2)`, fund, tx.Now.In(areaZone()).Year())
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
