package demo

import (
	"context"
	"fmt"
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

// need is what one run promises to households, in VND, with something to
// spare: the three stories and a case that is left waiting for its payment.
const need = 57_000_000 + 12_000_000 + 4_000_000 + 7_000_000

// newBudget is the budget of a fund that the demonstration opens, in VND.
const newBudget = 5_000_000_000

// provideMoney sees to it that the run's promises can be kept. The province's
// fund of the development data lasts for some runs; afterwards a commune gets a
// fund of its own, by the API as always, and its people apply.
func (d *demo) provideMoney(ctx context.Context) error {
	funds, err := list[fund](ctx, d.cast.as("manager1"), "/v1/funds", nil)
	if err != nil {
		return err
	}
	if f := fundOf(funds, d.cast.province); f != nil && f.Room.Amount >= need {
		return nil
	}
	for _, town := range d.free.towns() {
		f := fundOf(funds, town)
		if f == nil {
			d.town = town
			return d.openFund(ctx, town)
		}
		if f.Room.Amount >= need {
			d.town = town
			return nil
		}
	}
	return fmt.Errorf("no fund has %s left for this run: start with a new state folder", money.Of(need, "VND").Format(d.o.Lang))
}

func fundOf(funds []fund, area string) *fund {
	for i := range funds {
		if funds[i].Area == area {
			return &funds[i]
		}
	}
	return nil
}

func (d *demo) openFund(ctx context.Context, town string) error {
	d.out.heading("Money")
	amount := money.Of(newBudget, "VND")
	var opened fund
	_, err := d.cast.as("manager1").post(ctx, "/v1/funds", fundNew{Code: "commune_" + town, Name: "Fund of the commune " + town, Area: town,
		Budget: amount, Rails: map[string]string{"bank": "simulator"}}, &opened)
	if err != nil {
		return err
	}
	d.out.line("  %s", d.out.say("The province's fund is spent: manager1 opens a fund for commune %s", town))
	_, err = d.cast.as("treasurer1").post(ctx, "/v1/funds/"+opened.ID+"/contributions", contributionNew{Amount: amount,
		ReceivedOn: time.Now().UTC().Format(time.DateOnly), Donor: "Demonstration donor", ExternalID: "demo-" + d.run}, nil)
	if err == nil {
		d.out.line("  %s", d.out.say("treasurer1 records a contribution of %s", amount.Format(d.o.Lang)))
	}
	return err
}

// fundFor gives the fund that pays for an area: its own, or the province's.
func (d *demo) fundFor(ctx context.Context, area string) (fund, error) {
	funds, err := list[fund](ctx, d.cast.as("manager1"), "/v1/funds", nil)
	if err != nil {
		return fund{}, err
	}
	for _, a := range []string{area, d.cast.province} {
		if f := fundOf(funds, a); f != nil {
			return *f, nil
		}
	}
	return fund{}, fmt.Errorf("no fund pays for the area %s", area)
}
