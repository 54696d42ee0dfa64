package railtest_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/railtest"
)

// fourth is the smallest rail that may be trusted with money: one that
// remembers what it did. docs/rails.md goes through it.
type fourth struct {
	mu    sync.Mutex
	moved map[string]rails.Instruction
	order []string
}

func (*fourth) Name() string { return "fourth" }

func (*fourth) Capabilities() rails.Capabilities {
	return rails.Capabilities{Instant: true, CanAsk: true, Idempotent: true,
		Currencies: []string{"VND"}, Methods: []string{rails.MethodBank}}
}

// Submit executes an instruction once for its key.
func (r *fourth) Submit(_ context.Context, in rails.Instruction) (rails.Status, error) {
	if err := in.Validate(); err != nil {
		return rails.Status{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if was, used := r.moved[in.Key]; used && was != in {
		return rails.Status{}, &rails.Error{Certainty: rails.Never, Code: rails.CodeKeyConflict}
	} else if !used {
		r.moved[in.Key] = in
		r.order = append(r.order, in.Key)
	}
	return r.status(in), nil
}

// Ask says what is known of a key.
func (r *fourth) Ask(_ context.Context, key string) (rails.Status, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in, known := r.moved[key]
	if !known {
		return rails.Status{Key: key, State: rails.NotFound}, nil
	}
	return r.status(in), nil
}

func (r *fourth) status(in rails.Instruction) rails.Status {
	return rails.Status{Key: in.Key, State: rails.Settled, Reference: "ref " + in.Key, Amount: in.Amount,
		Currency: in.Currency, At: time.Date(2026, 9, 3, 0, 0, 0, 0, time.UTC)}
}

// movements is the rail's own book.
func (r *fourth) movements(*testing.T) (all []railtest.Movement) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, key := range r.order {
		in := r.moved[key]
		all = append(all, railtest.Movement{Key: key, Amount: in.Amount, Currency: in.Currency})
	}
	return all
}

func TestAFourthRail(t *testing.T) {
	t.Parallel()
	railtest.Run(t, func(*testing.T) railtest.Subject {
		r := &fourth{moved: map[string]rails.Instruction{}}
		return railtest.Subject{Rail: r, Movements: r.movements, Instruction: func(n int) rails.Instruction {
			return rails.Instruction{Key: fmt.Sprintf("awd_4/%d/1", n), Amount: int64(1000 * n), Currency: "VND", Purpose: "HS-2026-000004",
				Payee: rails.Payee{Method: rails.MethodBank, BankBIN: "970416", AccountNumber: fmt.Sprint(10_000 + n), AccountName: "NGUYEN VAN A"}}
		}}
	})
}
