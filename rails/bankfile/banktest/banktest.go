// Package banktest is a small bank for tests and demonstrations: it takes the
// file of a pay run, executes it, and answers with the files that banks send,
// as well or as badly as it is told. It reads and writes by itself, so that a
// mistake of the rail does not meet the same mistake here.
package banktest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// Day is one day of the bank.
type Day struct {
	Account  rails.Account // whose statement is written; without a number, the account that the file pays from
	Currency string        // ISO 4217
	Opening  int64         // booked balance in the morning, minor units
	On       time.Time     // the day of booking, in the bank's own place
	Seed     uint64        // the same seed strikes the same lines
	Faults   Faults
	Old      bool // write pain.002.001.03 and camt.05x.001.02 instead of .10 and .08
	Batch    bool // book all payments of a file as one entry
}

// Faults says how many lines of a file meet which fate, each another one. What
// is left is paid once and told.
type Faults struct {
	Refused     int // turned away, never booked
	Returned    int // paid, then sent back by the payee's bank
	Lost        int // never executed, and nobody says so
	WrongAmount int // paid with another amount
	Doubled     int // paid twice, under two references
	Unnamed     int // paid and booked without our id
	Foreign     int // further movements of the account that belong to no line
}

// Fate is what became of a line.
type Fate string

// The fates.
const (
	Paid        Fate = "paid"
	Refused     Fate = "refused"
	Returned    Fate = "returned"
	Lost        Fate = "lost"
	WrongAmount Fate = "wrong_amount"
	Doubled     Fate = "doubled"
	Unnamed     Fate = "unnamed"
)

// Books is what the bank did with a file, and says of it.
type Books struct {
	Batch   string          // message id of the file
	Number  int             // of its lines
	Sum     int64           // minor units
	Fates   map[string]Fate // by end-to-end id: the truth
	Entries []Entry         // of the account, in the order of booking
	day     Day
	orders  []order
}

// Entry is one movement of the account.
type Entry struct {
	Reference string // the bank's own
	EndToEnd  string // "" where the bank does not give it
	Credit    bool
	Amount    int64 // minor units
	Returned  bool
	Reason    string // of a return
	Name      string // of the other side
	Account   string
	Text      string
}

// order is one line as the bank read it.
type order struct {
	endToEnd, name, account, text string
	amount                        int64
}

// Pay executes a pain.001 file, or a CSV file with the usual columns. An error
// says that the bank turned the file itself away: its number or sum is wrong.
func Pay(file []byte, d Day) (*Books, error) {
	batch, account, orders, err := read(file, d.Currency)
	if err != nil {
		return nil, err
	}
	if d.Account.Number == "" {
		d.Account.Number = account
	}
	b := &Books{Batch: batch, Number: len(orders), Fates: map[string]Fate{}, day: d, orders: orders}
	fates := d.Faults.draw(len(orders), d.Seed)
	for i, o := range orders {
		b.Sum += o.amount
		b.Fates[o.endToEnd] = fates[i]
		b.execute(o, fates[i])
	}
	for i := range d.Faults.Foreign {
		b.book(Entry{Credit: i%2 == 0, Amount: int64(11_000 + i), Name: "NGUOI KHAC", Account: fmt.Sprint(7_000_000 + i), Text: "khac"})
	}
	return b, nil
}

// draw gives each line its fate. More faults than lines strike every line.
func (f Faults) draw(lines int, seed uint64) []Fate {
	var fates []Fate
	for _, k := range []struct {
		n    int
		fate Fate
	}{{f.Refused, Refused}, {f.Returned, Returned}, {f.Lost, Lost}, {f.WrongAmount, WrongAmount}, {f.Doubled, Doubled}, {f.Unnamed, Unnamed}} {
		fates = append(fates, slices.Repeat([]Fate{k.fate}, k.n)...)
	}
	for len(fates) < lines {
		fates = append(fates, Paid)
	}
	fates = fates[:lines]
	rand.New(rand.NewPCG(seed, 1)).Shuffle(lines, func(i, j int) { fates[i], fates[j] = fates[j], fates[i] })
	return fates
}

func (b *Books) execute(o order, fate Fate) {
	e := Entry{EndToEnd: o.endToEnd, Amount: o.amount, Name: o.name, Account: o.account, Text: o.text}
	switch fate {
	case Refused, Lost:
		return
	case WrongAmount:
		e.Amount += 1000
	case Unnamed:
		e.EndToEnd = ""
	}
	b.book(e)
	switch fate {
	case Doubled:
		b.book(e)
	case Returned:
		e.Credit, e.Returned, e.Reason = true, true, "AC04"
		b.book(e)
	}
}

// book gives an entry its reference.
func (b *Books) book(e Entry) {
	e.Reference = fmt.Sprintf("%s-%d", b.id("R"), len(b.Entries)+1)
	b.Entries = append(b.Entries, e)
}

// id makes the same id from the same file, day and seed.
func (b *Books) id(kind string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d", b.Batch, b.day.On.Format(time.DateOnly), b.day.Seed))
	return kind + hex.EncodeToString(sum[:6])
}

// Closing is the booked balance in the evening.
func (b *Books) Closing() int64 {
	closing := b.day.Opening
	for _, e := range b.Entries {
		closing += e.signed()
	}
	return closing
}

func (e Entry) signed() int64 {
	if e.Credit {
		return e.Amount
	}
	return -e.Amount
}
