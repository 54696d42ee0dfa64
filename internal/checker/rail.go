package checker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Rail is where a rail's own books can be read: GET of URL, with a bearer.
type Rail struct {
	Name   string // as in the payments
	URL    string // of the books
	Secret string
}

// movement is one line of the rail's books: money that has really moved.
type movement struct {
	Key      string `json:"key"`
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type books struct {
	Movements []movement `json:"movements"`
	Balanced  bool       `json:"balanced"`
}

const maxBooks = 1 << 30 // a book of ten million movements

func (r *Rail) read(ctx context.Context) (*books, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return nil, errors.New("the URL of the rail's books is none")
	}
	req.Header.Set("Authorization", "Bearer "+r.Secret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("the rail's books do not answer: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the rail's books answer %d", resp.StatusCode)
	}
	var b books
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBooks)).Decode(&b); err != nil {
		return nil, fmt.Errorf("the rail's books are not readable: %w", err)
	}
	return &b, nil
}

var railLaws = []Law{
	{Code: "rail_unbalanced", Says: "The rail's own books balance."},
	{Code: "moved_twice", Says: "A rail moves money once for a key."},
	{Code: "moved_without_payment", Says: "What a rail has moved is a payment of the books, one that was instructed and did not fail."},
	{Code: "moved_differs", Says: "A rail moves the amount and the currency of the payment."},
	{Code: "settled_not_moved", Says: "What is settled in the books has moved at the rail."},
}

// lookAtRail compares the books of the rail with the payments. The rail is
// read after the snapshot, so that what is settled there has moved here; a
// movement that the snapshot does not know yet is looked up in a new one.
func lookAtRail(ctx context.Context, cfg Config, db *database, st *state, out *Report) error {
	if cfg.Rail == nil {
		out.NotLooked = append(out.NotLooked, "rail")
		return nil
	}
	b, err := cfg.Rail.read(ctx)
	if err != nil {
		return err
	}
	out.Looked["movements"] = len(b.Movements)
	if !b.Balanced {
		out.found("rail_unbalanced", cfg.Rail.Name)
	}
	moved := map[string]bool{}
	for _, m := range b.Movements {
		if moved[m.Key] {
			out.found("moved_twice", m.Key, fmt.Sprint(m.Amount))
			continue
		}
		moved[m.Key] = true
		if err := st.compare(ctx, db, m, out); err != nil {
			return err
		}
	}
	for key, p := range st.payments {
		if p.rail == cfg.Rail.Name && p.state == "settled" && !moved[key] && !moved[p.inPlaceOf] {
			out.found("settled_not_moved", p.id, key)
		}
	}
	return nil
}

func (st *state) compare(ctx context.Context, db *database, m movement, out *Report) error {
	p, known := st.payments[m.Key]
	if !known || !p.instructed {
		var err error
		if p, known, err = again(ctx, db, m.Key); err != nil {
			return err
		}
	}
	switch {
	case !known, !p.instructed:
		out.found("moved_without_payment", m.Key, fmt.Sprint(m.Amount), p.state)
	case p.amount != m.Amount || p.currency != m.Currency:
		out.found("moved_differs", p.id, fmt.Sprintf("%d moved, %d is booked", m.Amount, p.amount))
	case (p.state == "failed" || p.state == "cancelled") && !st.arrived(m.Key):
		out.found("moved_without_payment", p.id, fmt.Sprint(m.Amount), p.state)
	}
	return nil
}

// arrived tells whether two persons have booked a payment in place of the
// failed one of this key.
func (st *state) arrived(key string) bool {
	for _, p := range st.payments {
		if p.inPlaceOf == key {
			return true
		}
	}
	return false
}

func again(ctx context.Context, db *database, key string) (p payment, known bool, err error) {
	err = db.snapshot(ctx, func(s *snapshot) error {
		return s.each(ctx, `SELECT id, state, currency, amount, instructed FROM (`+paymentsByKey+`) k (key, id, rail, state, currency, amount, instructed, arrived) WHERE key = $1`,
			func(scan func(...any) error) error {
				known = true
				return scan(&p.id, &p.state, &p.currency, &p.amount, &p.instructed)
			}, key)
	})
	return p, known, err
}
