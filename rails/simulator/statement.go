package simulator

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/aidflow/aidflow/rails"
)

// Movement is one settled movement.
type Movement struct {
	Key       string    `json:"key"`
	Reference string    `json:"reference"`
	Amount    int64     `json:"amount"` // minor units
	Currency  string    `json:"currency"`
	SettledAt time.Time `json:"settled_at"`
}

// Total is the sum of the settled movements of one currency.
type Total struct {
	Currency string `json:"currency"`
	Count    int    `json:"count"`
	Amount   int64  `json:"amount"` // minor units
}

// Balance is what the bank's own ledger says of one account.
type Balance struct {
	Account  string `json:"account"`
	Currency string `json:"currency"`
	Amount   int64  `json:"amount"` // minor units; what came in less what went out
}

// Books is what really moved, for comparison with a ledger: every settled
// movement in the order of its posting, the sums, the balances of the postings
// and how many instructions are in each state. All of it is of one instant.
type Books struct {
	Movements []Movement          `json:"movements"`
	Totals    []Total             `json:"totals"`
	Balances  []Balance           `json:"balances"`
	States    map[rails.State]int `json:"states"`
	Balanced  bool                `json:"balanced"` // balances sum to zero and agree with the payments
	AsOf      time.Time           `json:"as_of"`
}

// read adds up the books from the postings and checks them against the
// payments.
func (b *books) read(now time.Time) (Books, error) {
	out := Books{Movements: []Movement{}, States: map[rails.State]int{}, AsOf: now}
	balances := map[[2]string]int64{}
	totals := map[string]Total{}
	err := b.db.View(func(tx *bolt.Tx) error {
		settled, err := countStates(tx, out.States)
		if err != nil {
			return err
		}
		return tx.Bucket(bucketPostings).ForEach(func(_, v []byte) error {
			var p Posting
			if err := json.Unmarshal(v, &p); err != nil {
				return err
			}
			balances[[2]string{p.From, p.Currency}] -= p.Amount
			balances[[2]string{p.To, p.Currency}] += p.Amount
			if p.To != accountPayees {
				return nil
			}
			t := totals[p.Currency]
			totals[p.Currency] = Total{p.Currency, t.Count + 1, t.Amount + p.Amount}
			out.Movements = append(out.Movements, Movement{
				Key: p.Key, Reference: settled[p.Key], Amount: p.Amount, Currency: p.Currency, SettledAt: p.At,
			})
			return nil
		})
	})
	out.Totals, out.Balances = []Total{}, []Balance{}
	for _, t := range totals {
		out.Totals = append(out.Totals, t)
	}
	var sum int64
	for k, amount := range balances {
		sum += amount
		out.Balances = append(out.Balances, Balance{k[0], k[1], amount})
	}
	slices.SortFunc(out.Totals, func(a, b Total) int { return strings.Compare(a.Currency, b.Currency) })
	slices.SortFunc(out.Balances, func(a, b Balance) int {
		return strings.Compare(a.Currency+a.Account, b.Currency+b.Account)
	})
	out.Balanced = sum == 0 && out.agrees()
	return out, err
}

// countStates counts the payments by state and gives the references of the
// settled ones by key.
func countStates(tx *bolt.Tx, states map[rails.State]int) (map[string]string, error) {
	settled := map[string]string{}
	err := tx.Bucket(bucketPayments).ForEach(func(k, v []byte) error {
		var r record
		if err := json.Unmarshal(v, &r); err != nil {
			return err
		}
		states[r.Status.State]++
		if r.Status.State == rails.Settled {
			settled[string(k)] = r.Status.Reference
		}
		return nil
	})
	return settled, err
}

// agrees reports whether each settled payment has exactly one movement.
func (b Books) agrees() bool {
	seen := map[string]bool{}
	for _, m := range b.Movements {
		if seen[m.Key] || m.Reference == "" {
			return false
		}
		seen[m.Key] = true
	}
	return len(seen) == b.States[rails.Settled]
}
