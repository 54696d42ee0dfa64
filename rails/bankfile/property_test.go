package bankfile_test

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

// randomBatch draws a batch that can be written.
func randomBatch(t *rapid.T, currency string) rails.Batch {
	b := batchIn(currency, 0)
	n := rapid.IntRange(1, 30).Draw(t, "lines")
	name := rapid.StringMatching(`[A-ZĐÂÊÔƠƯ][a-zđạảãàáăâêôơư]{1,8}( [A-ZĐÂ][a-zđễộừạ]{0,8}){1,5}`)
	text := rapid.StringMatching(`([A-Za-z0-9][A-Za-z0-9 .,:()'+-]{0,100}[A-Za-z0-9])?`)
	for i := range n {
		b.Lines = append(b.Lines, rails.BatchLine{Instruction: rails.Instruction{
			Key:    aid.RailKey(fmt.Sprintf("awd_%026d", rapid.IntRange(0, 1<<40).Draw(t, "award")), 1+i, 1),
			Amount: rapid.Int64Range(1, 500_000_000).Draw(t, "amount"), Currency: currency, Purpose: text.Draw(t, "purpose"),
			Payee: rails.Payee{Method: rails.MethodBank, BankBIN: rapid.StringMatching(`[0-9]{6}`).Draw(t, "bin"),
				AccountNumber: rapid.StringMatching(`[0-9A-Z]{1,34}`).Draw(t, "account"), AccountName: name.Draw(t, "name")},
		}})
	}
	return b
}

// randomDay draws what the bank does.
func randomDay(t *rapid.T, currency string) banktest.Day {
	d := day(currency)
	d.Seed = rapid.Uint64().Draw(t, "seed")
	d.Old, d.Batch = rapid.Bool().Draw(t, "old"), rapid.Bool().Draw(t, "batch")
	some := rapid.IntRange(0, 3)
	d.Faults = banktest.Faults{Refused: some.Draw(t, "refused"), Returned: some.Draw(t, "returned"), Lost: some.Draw(t, "lost"),
		WrongAmount: some.Draw(t, "wrong"), Doubled: some.Draw(t, "doubled"), Unnamed: some.Draw(t, "unnamed"), Foreign: some.Draw(t, "foreign")}
	return d
}

// What a bank booked is what is read, line by line, in whatever form it is
// told; and what was written is what the bank paid.
func TestWhatIsBookedIsRead(t *testing.T) {
	t.Parallel()
	for _, currency := range []string{"VND", "USD", "KWD"} {
		t.Run(currency, func(t *testing.T) {
			t.Parallel()
			r := rail(t, bankfile.Settings{Currency: currency})
			rapid.Check(t, func(t *rapid.T) {
				b := randomBatch(t, currency)
				f, err := r.Write(b)
				if err != nil {
					t.Fatalf("write: %v %+v", err, err.(*rails.Unwritable).Faults)
				}
				books, err := banktest.Pay(f.Bytes, randomDay(t, currency))
				if err != nil {
					t.Fatal(err)
				}
				if books.Batch != b.ID || books.Number != len(b.Lines) || books.Sum != b.Sum() {
					t.Fatalf("the bank read %d lines of %d", books.Number, books.Sum)
				}
				forms := []string{"camt.053", "camt.054"}
				if currency == "VND" {
					forms = append(forms, "csv")
				}
				for _, form := range forms {
					sameEntries(t, r, books, form)
				}
				sameFates(t, r, b, books)
			})
		})
	}
}

// sameEntries compares a statement with the bank's books.
func sameEntries(t *rapid.T, r *bankfile.Rail, books *banktest.Books, form string) {
	report, err := r.Read(bytes.NewReader(answer(books, form)))
	if err != nil {
		t.Fatalf("%s: %v", form, err)
	}
	if report.Format != form || report.Account != fund().Number && len(report.Lines) > 0 || len(report.Lines) != len(books.Entries) {
		t.Fatalf("%s: %s of %s with %d lines, not %d", form, report.Format, report.Account, len(report.Lines), len(books.Entries))
	}
	if form == "camt.053" && (!report.Full || *report.Opening != 900_000_000 || *report.Closing != books.Closing()) {
		t.Fatalf("the statement is full: %v, from %d to %d", report.Full, *report.Opening, *report.Closing)
	}
	if report.Full != (form == "camt.053") || report.Full && report.From.Format("2006-01-02") != today().Format("2006-01-02") {
		t.Fatalf("%s: full %v from %s", form, report.Full, report.From)
	}
	type plain struct {
		reference, endToEnd, name, account, text string
		credit, returned                         bool
		amount                                   int64
	}
	want := map[plain]int{}
	for _, e := range books.Entries {
		want[plain{e.Reference, e.EndToEnd, e.Name, e.Account, e.Text, e.Credit, e.Returned, e.Amount}]++
	}
	for _, l := range report.Lines {
		p := plain{l.Reference, l.EndToEnd, l.Name, l.Account, l.Text, l.Credit, l.Returned, l.Amount}
		if want[p]--; want[p] < 0 || l.State != rails.Settled || l.BookedOn.Format("2006-01-02") != "2026-09-03" {
			t.Fatalf("%s: a line that the bank did not book: %+v", form, l)
		}
		if form != "csv" && l.Returned != (l.Code == "AC04") {
			t.Fatalf("%s: returned %v for %q", form, l.Returned, l.Code)
		}
	}
}

// sameFates compares the answer to the file with what the bank did.
func sameFates(t *rapid.T, r *bankfile.Rail, b rails.Batch, books *banktest.Books) {
	report, err := r.Read(bytes.NewReader(books.Status()))
	if err != nil {
		t.Fatal(err)
	}
	if report.Batch != b.ID || report.Rest != "" {
		t.Fatalf("an answer to %q, the rest is %q", report.Batch, report.Rest)
	}
	told := map[string]rails.State{}
	for _, l := range report.Lines {
		told[l.EndToEnd] = l.State
	}
	for _, l := range b.Lines {
		want := map[banktest.Fate]rails.State{banktest.Refused: rails.Refused, banktest.Lost: ""}
		state, listed := want[books.Fates[rails.EndToEnd(l.Key)]]
		if !listed {
			state = rails.Settled
		}
		if told[rails.EndToEnd(l.Key)] != state {
			t.Fatalf("%s is told as %q, and was %s", l.Key, told[rails.EndToEnd(l.Key)], books.Fates[rails.EndToEnd(l.Key)])
		}
	}
}

// A file that somebody cut a piece out of, or wrote a piece of twice, is either
// not believed or says the same of the money.
func TestWhatIsSpoiledIsSeen(t *testing.T) {
	t.Parallel()
	r := rail(t, bankfile.Settings{})
	f, err := r.Write(batch(4))
	if err != nil {
		t.Fatal(err)
	}
	d := day("VND")
	d.Faults = banktest.Faults{Returned: 1, Foreign: 1}
	var whole [][]byte
	for _, form := range []string{"camt.053", "pain.002", "csv"} {
		whole = append(whole, answer(pay(t, f.Bytes, d), form))
	}
	rapid.Check(t, func(t *rapid.T) {
		file := rapid.SampledFrom(whole).Draw(t, "file")
		from := rapid.IntRange(0, len(file)-1).Draw(t, "from")
		to := min(from+rapid.IntRange(1, 2000).Draw(t, "length"), len(file))
		spoiled := append(append([]byte{}, file[:from]...), file[to:]...)
		if rapid.Bool().Draw(t, "twice") {
			spoiled = append(append([]byte{}, file[:to]...), file[from:]...)
		}
		got, err := r.Read(bytes.NewReader(spoiled))
		if err != nil {
			return
		}
		was, err := r.Read(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Lines) != len(was.Lines) {
			t.Fatalf("%d lines became %d: bytes %d to %d", len(was.Lines), len(got.Lines), from, to)
		}
		for i, l := range got.Lines {
			w := was.Lines[i]
			if l.Amount != w.Amount && l.Amount != 0 || l.Credit != w.Credit || l.State != w.State {
				t.Fatalf("line %d became %+v: bytes %d to %d", i+1, l, from, to)
			}
		}
	})
}
