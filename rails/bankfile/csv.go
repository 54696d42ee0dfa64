package bankfile

import (
	"bufio"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aidflow/aidflow/rails"
)

// sheet reads a CSV file of a bank.
type sheet struct {
	collector
	layout   Layout
	currency string
	at       map[string]int
	answer   bool
	row      []string
	sums     map[string]int64
	balances []int64 // after each line
	total    []string
	counted  string // what stands behind the word of the total
}

func (r *Rail) readCSV(in *bufio.Reader, g *guard) (*rails.Report, error) {
	first, _ := in.Peek(4096)
	sum := sha256.New()
	rows := csv.NewReader(io.TeeReader(in, sum))
	rows.Comma, rows.ReuseRecord = delimiterOf(first), true
	s := &sheet{collector: newCollector("csv"), layout: r.set.Statement, currency: r.set.Currency, sums: map[string]int64{}}
	for {
		g.next()
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return s.finish(sum)
		}
		if err != nil {
			return nil, err
		}
		if err := s.take(row); err != nil {
			return nil, err
		}
	}
}

// delimiterOf counts what may part the titles.
func delimiterOf(first []byte) rune {
	line, _, _ := strings.Cut(strings.TrimLeft(string(first), "\r\n"), "\n")
	best := ','
	for _, d := range []rune{';', '\t'} {
		if strings.Count(line, string(d)) > strings.Count(line, string(best)) {
			best = d
		}
	}
	return best
}

func (s *sheet) take(row []string) error {
	for _, cell := range row {
		if !utf8.ValidString(cell) || len(cell) > maxField {
			return s.fault("malformed")
		}
	}
	s.row = row
	switch {
	case s.at == nil:
		return s.titles()
	case strings.TrimSpace(strings.Join(row, "")) == "":
		return nil
	case s.total != nil: // nothing stands below the total
		return s.fault("malformed")
	}
	for _, cell := range row {
		if strings.TrimSpace(cell) == "" {
			continue
		}
		if rest, ok := s.layout.total(cell); ok {
			s.total, s.counted = append([]string{}, row...), rest
			return nil
		}
		break
	}
	return s.line()
}

// titles reads the first row, and with it what kind of file this is.
func (s *sheet) titles() error {
	at, ok := s.layout.columns(s.row)
	if !ok {
		return unreadable("malformed", 0)
	}
	has := func(fields ...string) bool {
		for _, f := range fields {
			if _, ok := at[f]; !ok {
				return false
			}
		}
		return true
	}
	switch {
	case has("status", "end_to_end"):
		s.answer = true
	case has("date", "debit", "credit") && !has("amount"), has("date", "amount") && !has("debit") && !has("credit"):
	default:
		return unreadable("unknown_format", 0)
	}
	s.at = at
	return nil
}

// cell gives the text of a field in the row, "" where the file has no such
// column.
func (s *sheet) cell(field string) string {
	i, ok := s.at[field]
	if !ok {
		return ""
	}
	return strings.TrimSpace(s.row[i])
}

func (s *sheet) line() error {
	l := rails.ReportLine{
		EndToEnd: s.cell("end_to_end"), Reference: s.cell("reference"), State: rails.Settled, Code: s.cell("reason"),
		Name: s.cell("name"), Account: s.cell("account"), Text: s.cell("text"),
	}
	if own := s.cell("own"); own != "" {
		if s.Account != "" && s.Account != own {
			return s.fault("two_accounts")
		}
		s.Account = own
	}
	if text := s.cell("date"); text != "" || !s.answer {
		on, ok := s.layout.date(text)
		if !ok {
			return s.fault("malformed")
		}
		l.BookedOn = on
	}
	read := s.movement
	if s.answer {
		read = s.outcome
	}
	if err := read(&l); err != nil {
		return err
	}
	if err := s.add(l); err != nil {
		return err
	}
	l.N = len(s.Lines)
	if s.answer { // an answer says one thing of each instruction
		return s.once(rails.ReportLine{N: l.N, EndToEnd: l.EndToEnd}, l.EndToEnd)
	}
	return s.once(l, l.Reference)
}

// outcome reads what became of an instruction.
func (s *sheet) outcome(l *rails.ReportLine) error {
	state, known := s.layout.States[fold(s.cell("status"))]
	if !known || l.EndToEnd == "" {
		return s.fault("malformed")
	}
	l.State = state
	if text := s.cell("amount"); text != "" {
		amount, ok := s.layout.amount(text, s.currency)
		if !ok || amount == 0 {
			return s.fault("malformed")
		}
		l.Amount, l.Currency, s.Currency = amount, s.currency, s.currency
		s.sums["amount"] = plus(s.sums["amount"], amount)
	}
	return nil
}

// movement reads a movement of the account. A credit under an id of ours is
// money that came back.
func (s *sheet) movement(l *rails.ReportLine) error {
	var err error
	if _, one := s.at["amount"]; one {
		l.Amount, l.Credit, err = s.signed()
	} else {
		l.Amount, l.Credit, err = s.sided()
	}
	if err != nil {
		return err
	}
	_, ours := rails.KeyOf(l.EndToEnd)
	l.Returned = l.Credit && ours
	l.Currency, s.Currency = s.currency, s.currency
	if text := s.cell("balance"); text != "" {
		n, ok := s.withSign(text)
		if !ok {
			return s.fault("malformed")
		}
		s.balances = append(s.balances, n)
	}
	return nil
}

// signed reads an amount that has to say its direction.
func (s *sheet) signed() (int64, bool, error) {
	text := s.cell("amount")
	n, ok := s.withSign(text)
	if !ok || n == 0 || !strings.HasPrefix(text, "+") && !strings.HasPrefix(text, "-") {
		return 0, false, s.fault("malformed")
	}
	s.sums["amount"] = plus(s.sums["amount"], n)
	return max(n, -n), n > 0, nil
}

func (s *sheet) withSign(text string) (int64, bool) {
	n, ok := s.layout.amount(strings.TrimPrefix(strings.TrimPrefix(text, "+"), "-"), s.currency)
	if strings.HasPrefix(text, "-") {
		n = -n
	}
	return n, ok && !strings.HasPrefix(text, "+-")
}

// sided reads one of two columns; the other is empty or zero.
func (s *sheet) sided() (int64, bool, error) {
	var n [2]int64
	for i, field := range []string{"debit", "credit"} {
		if text := s.cell(field); text != "" && text != "-" {
			var ok bool
			if n[i], ok = s.layout.amount(text, s.currency); !ok {
				return 0, false, s.fault("malformed")
			}
		}
	}
	if (n[0] == 0) == (n[1] == 0) {
		return 0, false, s.fault("malformed")
	}
	s.sums["debit"], s.sums["credit"] = plus(s.sums["debit"], n[0]), plus(s.sums["credit"], n[1])
	return n[0] + n[1], n[1] > 0, nil
}

// finish checks the total, without which a file may have lost its end, and the
// balances. A CSV file has no id of its own: its content gives it one.
func (s *sheet) finish(sum hash.Hash) (*rails.Report, error) {
	if s.at == nil || s.total == nil {
		return nil, unreadable("truncated", 0)
	}
	if !s.holds() {
		return nil, unreadable("control_sum", 0)
	}
	if len(s.balances) > 0 && !s.chained() {
		return nil, unreadable("control_sum", 0)
	}
	s.ID = hex.EncodeToString(sum.Sum(nil))[:maxID-3]
	return &s.Report, nil
}

// holds tells whether the total row is right: a sum below each column of
// amounts, or else the number of the lines.
func (s *sheet) holds() bool {
	s.row = s.total
	checked := false
	if s.counted != "" {
		if n, err := strconv.Atoi(s.counted); err != nil || n != len(s.Lines) {
			return false
		}
		checked = true
	}
	for _, field := range []string{"debit", "credit", "amount"} {
		if _, has := s.at[field]; !has {
			continue
		}
		if n, ok := s.withSign(s.cell(field)); !ok || n != s.sums[field] {
			return false
		}
		checked = true
	}
	return checked
}

// chained checks that each balance follows from the one before, in a list that
// begins with the oldest line or with the newest.
func (s *sheet) chained() bool {
	if len(s.balances) != len(s.Lines) {
		return false
	}
	signed := func(i int) int64 {
		if s.Lines[i].Credit {
			return s.Lines[i].Amount
		}
		return -s.Lines[i].Amount
	}
	older, newer := true, true // begins with the oldest; with the newest
	for i := 1; i < len(s.Lines); i++ {
		older = older && s.balances[i] == plus(s.balances[i-1], signed(i))
		newer = newer && s.balances[i-1] == plus(s.balances[i], signed(i-1))
	}
	first, last := 0, len(s.Lines)-1
	if !older {
		first, last = last, first
	}
	opening, closing := s.balances[first]-signed(first), s.balances[last]
	s.Opening, s.Closing = &opening, &closing
	return older || newer
}
