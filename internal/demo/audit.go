package demo

import (
	"context"
	"fmt"
	"net/url"

	"github.com/aidflow/aidflow/aid/money"
)

// audit looks whether the ledger says of a closed case what the story says:
// every transaction balances, all of the money is spent, and nothing of it is
// still reserved or in transit.
func (p *play) audit(ctx context.Context) error {
	all, err := list[transaction](ctx, p.cast.as("manager1"), "/v1/ledger/transactions", url.Values{"case": {p.id}})
	if err != nil {
		return err
	}
	balances := map[string]int64{}
	for _, t := range all {
		sets := map[string]int64{}
		for _, e := range t.Entries {
			sets[e.Set] += e.Amount
			balances[e.Account] += e.Amount
		}
		for set, sum := range sets {
			if sum != 0 {
				return fmt.Errorf("the ledger transaction %s (%s) does not balance in its %s", t.ID, t.Kind, set)
			}
		}
	}
	asked := p.granted.Amount
	for account, want := range map[string]int64{"spent": -asked, "aid_paid": asked, "reserved": 0, "in_transit": 0} {
		if balances[account] != want {
			return fmt.Errorf("the ledger has %s in %s for this case, not %s", money.Of(balances[account], "VND").Format("en"), account,
				money.Of(want, "VND").Format("en"))
		}
	}
	return p.auditPayments(ctx)
}

// auditPayments compares the settled payments with what was promised.
func (p *play) auditPayments(ctx context.Context) error {
	all, err := p.payments(ctx)
	if err != nil {
		return err
	}
	var settled int64
	for _, one := range all {
		if one.Status == "settled" {
			settled += one.Amount.Amount
		}
	}
	if settled != p.granted.Amount {
		return fmt.Errorf("%s are settled, not %s", money.Of(settled, "VND").Format("en"), p.granted.Format("en"))
	}
	return nil
}
