package postgres

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/papers"
)

// voucherStates are the states of a payment that a treasurer has prepared and
// that nobody has called off.
const voucherStates = `('queued', 'instructed', 'unknown', 'settled', 'returned')`

// voucherPayments gives the payments of a case that have a voucher, newest
// first.
func (tx *Tx) voucherPayments(caseID string) ([]string, error) {
	var ids []string
	err := tx.list(&ids, `SELECT id FROM payments WHERE case_id = $1 AND state IN `+voucherStates+` ORDER BY created_at DESC, id DESC`, caseID)
	return ids, err
}

// paperAnyPayment notes that there is a payment to print a voucher for.
func (tx *Tx) paperAnyPayment(f *papers.Facts, c *Case) error {
	ids, err := tx.voucherPayments(c.ID)
	if len(ids) > 0 {
		f.Payment = &papers.Payment{ID: ids[0]}
	}
	return err
}

// paperPayment reads one payment, or the newest, and to whom it goes: the
// account of the payment, which may not be the case's present one.
//
// Errors: NotFound payment_not_found.
func (tx *Tx) paperPayment(f *papers.Facts, caseID, id string) error {
	if id == "" && f.Payment != nil {
		id = f.Payment.ID
	}
	var p Payment
	err := tx.get(&p, `SELECT `+paymentColumns+` FROM payments p WHERE p.id = $1 AND p.case_id = $2 AND p.state IN `+voucherStates, id, caseID)
	if errors.Is(err, sql.ErrNoRows) {
		return aid.Refuse(aid.NotFound, "payment_not_found")
	}
	if err != nil {
		return err
	}
	payee, err := tx.openPayee(&p.PayeeAccountID)
	if err != nil {
		return err
	}
	f.Payee = papers.Payee(*payee)
	f.Payment = &papers.Payment{ID: p.ID, TrancheN: p.TrancheN, N: p.N, Amount: p.Amount, State: string(p.State), PreparedAt: p.CreatedAt}
	if p.EndedAt != nil {
		f.Payment.EndedAt = *p.EndedAt
	}
	if err := tx.get(&f.Fund, `SELECT name FROM funds WHERE id = $1`, p.FundID); err != nil {
		return err
	}
	return tx.paperHands(f.Payment)
}

// paperHands adds who prepared a payment and who released it.
func (tx *Tx) paperHands(p *papers.Payment) error {
	var rows []struct {
		Kind aid.TaskKind `db:"kind"`
		Name string       `db:"name"`
		At   time.Time    `db:"decided_at"`
	}
	err := tx.list(&rows, `
		SELECT t.kind, coalesce(s.name, d.actor) AS name, d.decided_at
		FROM tasks t JOIN decisions d ON d.task_id = t.id AND d.state = 'applied' AND d.action IN ('confirm', 'approve')
		LEFT JOIN staff s ON s.subject = d.actor
		WHERE t.subject = $1 AND t.kind IN ('prepare_payment', 'release_payment') ORDER BY d.decided_at, d.id`, p.ID)
	for _, r := range rows {
		if r.Kind == aid.PreparePayment {
			p.PreparedBy, p.PreparedAt = r.Name, r.At
		} else {
			p.ReleasedBy = r.Name
		}
	}
	return err
}

// ReceiptFacts opens what the receipt of a contribution tells and writes the
// look into the audit. The donor is shown to treasurers and managers of the
// fund's area, and to others masked.
//
// Errors: NotFound fund_not_found, contribution_not_found.
func (s *Store) ReceiptFacts(ctx context.Context, caller *Caller, fundIDOrCode, id string) (papers.Receipt, error) {
	fund, err := s.Fund(ctx, caller, fundIDOrCode)
	if err != nil {
		return papers.Receipt{}, err
	}
	r := papers.Receipt{Fund: fund.Name}
	err = s.Write(ctx, func(tx *Tx) error {
		var row struct {
			Contribution
			Donor []byte `db:"donor"`
			By    string `db:"by"`
		}
		err := tx.get(&row, `SELECT k.id, k.fund_id, k.external_id, k.amount, k.currency, k.received_on, k.created_by, k.created_at, k.donor,
			coalesce(s.name, k.created_by) AS by FROM contributions k LEFT JOIN staff s ON s.subject = k.created_by WHERE k.id = $1 AND k.fund_id = $2`, id, fund.ID)
		if errors.Is(err, sql.ErrNoRows) {
			return aid.Refuse(aid.NotFound, "contribution_not_found")
		}
		if err != nil {
			return err
		}
		r.ID, r.Amount, r.Currency, r.ReceivedOn, r.RecordedBy = row.ID, row.Amount, row.Currency, row.ReceivedOn, row.By
		if row.ExternalID != row.ID {
			r.ExternalID = row.ExternalID
		}
		if err := tx.get(&r.Area, `SELECT name FROM areas WHERE code = $1`, fund.Area); err != nil {
			return err
		}
		r.Masked = !caller.HasAny(fund.Area, aid.RoleTreasurer, aid.RoleManager)
		if len(row.Donor) > 0 && !r.Masked {
			donor, err := tx.vault.Open("contributions", "donor", row.ID, row.Donor)
			if err != nil {
				return err
			}
			r.Donor = string(donor)
		}
		return tx.AddAudit(caller.Actor(), printing(r.Masked), row.ID, "done", string(papers.DonorReceipt))
	})
	return r, err
}

func printing(masked bool) string {
	if masked {
		return "print_masked"
	}
	return "print_paper"
}

// PostingFacts opens the names of those of an area who are granted support and
// of whom nothing is paid yet, and writes the look into the audit. programme
// narrows the list; "" is every programme. The titles of programmes are the
// caller's to fill in: a row bears the code.
//
// Errors: NotFound area_not_found when it is not the caller's;
// programme_not_found.
func (s *Store) PostingFacts(ctx context.Context, caller *Caller, area, programme string) (papers.Posting, error) {
	list := papers.Posting{}
	below, err := s.AreasBelow(ctx, area)
	if err != nil {
		return list, err
	}
	if len(below) == 0 || !caller.HasFor(area, programme, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover, aid.RoleAuditor) {
		return list, aid.Refuse(aid.NotFound, "area_not_found")
	}
	if programme != "" {
		if _, err := s.Programme(ctx, programme); err != nil {
			return list, err
		}
	}
	err = s.Write(ctx, func(tx *Tx) error {
		list = papers.Posting{At: tx.Now, Masked: !caller.HasFor(area, programme, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover)}
		if err := tx.postingPlaces(&list, area); err != nil {
			return err
		}
		if err := tx.postingRows(&list, below, programme); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), printing(list.Masked), area, "done", string(papers.PostingList))
	})
	return list, err
}

func (tx *Tx) postingPlaces(list *papers.Posting, area string) error {
	var facts papers.Facts
	if err := tx.paperPlaces(&facts, &Case{Area: area, Currency: "VND"}); err != nil {
		return err
	}
	list.Area, list.Province, list.Fund = facts.Area, facts.Province, facts.Fund
	return nil
}

func (tx *Tx) postingRows(list *papers.Posting, areas []string, programme string) error {
	var rows []struct {
		ID        string `db:"id"`
		Programme string `db:"programme"`
		Amount    int64  `db:"amount"`
		Currency  string `db:"currency"`
		Sealed    []byte `db:"sealed"`
	}
	err := tx.list(&rows, `
		SELECT c.id, c.programme, a.amount, a.currency, c.sealed FROM cases c JOIN awards a ON a.case_id = c.id AND a.round = c.round
		WHERE c.area = ANY($1) AND c.status = 'approved' AND a.state IN ('reserved', 'running') AND ($2::text IS NULL OR c.programme = $2)
		  AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.award_id = a.id AND p.state IN ('instructed', 'unknown', 'settled', 'returned'))
		ORDER BY c.decided_at, c.id`, pq.Array(areas), text(programme))
	for _, r := range rows {
		row := papers.PostingRow{Programme: r.Programme, Amount: r.Amount, Currency: r.Currency}
		if !list.Masked {
			var sealed sealedCase
			if err := tx.open("cases", "sealed", r.ID, r.Sealed, &sealed); err != nil {
				return err
			}
			row.Name = sealed.Applicant.FullName
		}
		list.Rows = append(list.Rows, row)
	}
	return err
}
