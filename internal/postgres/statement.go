package postgres

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// NewStatement is a file of a bank that came in for a fund.
type NewStatement struct {
	ID     string
	Fund   string // id
	Rail   string // that read it
	Hash   []byte // SHA-256 of its bytes
	Reason string // why it could not be read, as a code; "" when it could
	Report BankReport
}

// BankReport is what the file says.
type BankReport struct {
	Format   string
	BankID   string // the bank's id of the message
	Account  string // number of the account that it speaks of; "" where the format does not say
	Batch    string // message id of the run that it answers; "" where it is no answer
	Currency string
	Full     bool // every movement of the account from From to To is in it
	From, To time.Time
	Lines    []BankLine
	// Rest is what became of the payments of the run that no line names:
	// refused when the bank turned the whole file away; "" when it does not say.
	Rest       string
	RestReason string // reason of the bank
}

// BankLine is one line of it.
type BankLine struct {
	N        int
	Key      string // of the payment that the end-to-end id names; "" for none of ours
	Said     string // accepted, settled, refused or failed
	Returned bool
	Credit   bool      // money came in
	Amount   int64     // minor units; 0 in an answer that does not repeat it
	Currency string    // "" in an answer that does not repeat it
	BookedOn time.Time // zero where nothing was booked
	Code     string    // reason of the bank
	Details  BankDetails
}

// BankDetails are what a line says of the other side: kept sealed.
type BankDetails struct {
	EndToEnd  string `json:"end_to_end,omitempty"`
	Reference string `json:"reference,omitempty"`
	Name      string `json:"name,omitempty"`
	Account   string `json:"account,omitempty"`
	Text      string `json:"text,omitempty"`
}

// StatementFund gives the fund for which a caller may bring a bank's file.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area.
func (s *Store) StatementFund(ctx context.Context, caller *Caller, idOrCode string) (*FundRow, error) {
	fund, err := s.Fund(ctx, caller, idOrCode)
	if err == nil && !caller.Has(aid.RoleTreasurer, fund.Area) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_area")
	}
	return fund, err
}

// ReceiveStatement takes in what a bank's file says; a worker applies its
// lines. A file that is not believed is kept as refused, and moves nothing.
//
// Errors: Invalid, the reason that the file could not be read;
// statement_other_account, statement_other_currency, statement_unknown_run;
// Conflict statement_exists (param statement, the first of the same bytes),
// statement_message_reused.
func (s *Store) ReceiveStatement(ctx context.Context, caller *Caller, in NewStatement) (*StatementRow, error) {
	var refusal error
	err := s.Write(ctx, func(tx *Tx) (err error) {
		var there bool
		if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM bank_statements WHERE id = $1)`, in.ID); err != nil || there {
			return err
		}
		row := statementToKeep{NewStatement: in, hash: tx.vault.Hash("bank-statement", hex.EncodeToString(in.Hash)), by: caller.Actor()}
		if refusal, err = tx.refuseStatement(&row); err != nil {
			return err
		}
		row.refused = aid.CodeOf(refusal)
		return tx.keepStatement(row)
	})
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, refusal
	}
	return s.Statement(ctx, caller, in.ID)
}

// statementToKeep is a file with what was found out about it.
type statementToKeep struct {
	NewStatement
	hash    []byte
	run     *string
	refused string
	by      string
}

// refuseStatement tells why a file is not believed; no refusal when it is.
func (tx *Tx) refuseStatement(in *statementToKeep) (refusal, err error) {
	if in.Reason != "" {
		return aid.Refuse(aid.Invalid, in.Reason), nil
	}
	var known struct {
		Account  string  `db:"account_number"`
		Currency string  `db:"currency"`
		Run      *string `db:"run"`
		Same     *string `db:"same"`
		Reused   bool    `db:"reused"`
	}
	err = tx.get(&known, `SELECT f.account_number, f.currency,
		(SELECT r.id FROM pay_runs r WHERE r.message_id = $2 AND r.fund_id = f.id) AS run,
		(SELECT b.id FROM bank_statements b WHERE b.file_hash = $3 AND b.state <> 'refused') AS same,
		EXISTS (SELECT 1 FROM bank_statements b WHERE b.fund_id = f.id AND b.format = $4 AND b.bank_id = $5 AND b.state <> 'refused') AS reused
		FROM funds f WHERE f.id = $1`, in.Fund, in.Report.Batch, in.hash, in.Report.Format, in.Report.BankID)
	if err != nil {
		return nil, err
	}
	in.run = known.Run
	switch {
	case known.Same != nil:
		return aid.Refuse(aid.Conflict, "statement_exists", "statement", *known.Same), nil
	case in.Report.Account != "" && in.Report.Account != known.Account, in.Report.Account == "" && in.Report.Batch == "":
		return aid.Refuse(aid.Invalid, "statement_other_account"), nil
	case in.Report.Batch != "" && known.Run == nil:
		return aid.Refuse(aid.Invalid, "statement_unknown_run"), nil
	case in.Report.Currency != "" && in.Report.Currency != known.Currency:
		return aid.Refuse(aid.Invalid, "statement_other_currency"), nil
	case known.Reused:
		return aid.Refuse(aid.Conflict, "statement_message_reused"), nil
	}
	return nil, nil
}

// keepStatement writes a file down, with its lines when it is believed.
func (tx *Tx) keepStatement(in statementToKeep) error {
	r, state, outcome := in.Report, "received", "done"
	if in.refused != "" {
		r.Lines, in.run, state, outcome = nil, nil, "refused", "refused"
	}
	var err error
	if r.Lines, err = tx.withRest(in, r); err != nil {
		return err
	}
	err = tx.one(`INSERT INTO bank_statements (id, fund_id, rail, format, bank_id, run_id, file_hash, covers, from_on, to_on, state, reason, lines, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		in.ID, in.Fund, in.Rail, r.Format, r.BankID, in.run, in.hash, r.Full, day(r.From), day(r.To), state, in.refused, len(r.Lines), in.by, tx.Wall)
	if err != nil {
		return err
	}
	const together = 2000
	for len(r.Lines) > 0 {
		n := min(len(r.Lines), together)
		if err := tx.insertBankLines(in.ID, r.Lines[:n]); err != nil {
			return err
		}
		r.Lines = r.Lines[n:]
	}
	return tx.AddAudit(in.by, "receive_statement", in.ID, outcome, in.refused)
}

// withRest gives the lines of a file, and one more for each payment of its run
// that the bank turned away with the whole file.
func (tx *Tx) withRest(in statementToKeep, r BankReport) ([]BankLine, error) {
	if in.run == nil || r.Rest != "refused" {
		return r.Lines, nil
	}
	last, named := 0, map[string]bool{}
	for _, l := range r.Lines {
		last, named[l.Key] = max(last, l.N), true
	}
	var rest []struct {
		Key      string `db:"key"`
		Amount   int64  `db:"amount"`
		Currency string `db:"currency"`
	}
	err := tx.list(&rest, `SELECT a.key, l.amount, r.currency FROM pay_run_lines l JOIN pay_runs r ON r.id = l.run_id JOIN attempts a ON a.payment_id = l.payment_id
		WHERE l.run_id = $1 AND l.left_at IS NULL ORDER BY l.n`, *in.run)
	for _, p := range rest {
		if !named[p.Key] {
			last++
			r.Lines = append(r.Lines, BankLine{N: last, Key: p.Key, Said: r.Rest, Amount: p.Amount, Currency: p.Currency, Code: r.RestReason})
		}
	}
	return r.Lines, err
}

func day(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (tx *Tx) insertBankLines(id string, lines []BankLine) error {
	size := len(lines)
	n, amount := make([]int64, size), make([]int64, size)
	key, said, currency, code := make([]string, size), make([]string, size), make([]string, size), make([]string, size)
	returned, credit, sealed := make([]bool, size), make([]bool, size), make([][]byte, size)
	booked, booking := make([]*string, size), make([][]byte, size)
	for i, l := range lines {
		n[i], key[i], said[i], returned[i], credit[i] = int64(l.N), l.Key, l.Said, l.Returned, l.Credit
		amount[i], currency[i], code[i] = l.Amount, l.Currency, l.Code
		if !l.BookedOn.IsZero() {
			on := l.BookedOn.Format(time.DateOnly)
			booked[i] = &on
			if l.Details.Reference != "" {
				booking[i] = tx.vault.Hash("bank-booking", l.Details.Reference)
			}
		}
		var err error
		if sealed[i], err = tx.seal("bank_statement_lines", "sealed", lineRow(id, l.N), l.Details); err != nil {
			return err
		}
	}
	_, err := tx.exec(`INSERT INTO bank_statement_lines (statement_id, n, key, said, returned, credit, amount, currency, booked_on, code, sealed, booking, state)
		SELECT $1, l.n, l.key, l.said, l.returned, l.credit, l.amount, l.currency, l.booked_on, l.code, l.sealed, nullif(l.booking, ''), 'waiting' FROM unnest($2::int[], $3::text[], $4::text[], $5::boolean[], $6::boolean[], $7::bigint[], $8::text[], $9::date[], $10::text[], $11::bytea[], $12::bytea[])
			AS l (n, key, said, returned, credit, amount, currency, booked_on, code, sealed, booking)`,
		id, pq.Array(n), pq.Array(key), pq.Array(said), pq.Array(returned), pq.Array(credit), pq.Array(amount), pq.Array(currency), pq.Array(booked),
		pq.Array(code), pq.Array(sealed), pq.Array(booking))
	return err
}

// lineRow names a line for its seal.
func lineRow(statement string, n int) string { return fmt.Sprintf("%s/%d", statement, n) }
