package postgres

import (
	"context"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/papers"
)

// PaperRow is a paper of a case that the caller may print, now or later.
type PaperRow struct {
	Kind    papers.Kind
	Payment string // of a voucher: each payment has its own
	Why     string // code: why it cannot be printed yet; "" when it can
}

// Papers lists the papers of a case that the caller's roles may print. It
// opens nothing personal.
//
// Errors: NotFound case_not_found.
func (s *Store) Papers(ctx context.Context, caller *Caller, idOrRef string) ([]PaperRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	rows := []PaperRow{}
	err = s.Write(ctx, func(tx *Tx) error {
		rows = rows[:0]
		f, err := tx.paperProcess(&row.Case)
		if err != nil {
			return err
		}
		payments, err := tx.voucherPayments(row.ID)
		if err != nil {
			return err
		}
		for _, kind := range papers.CaseKinds() {
			if !mayPrint(caller, kind, row) {
				continue
			}
			for _, p := range payments {
				if kind == papers.PaymentVoucher {
					rows = append(rows, PaperRow{Kind: kind, Payment: p})
				}
			}
			if kind != papers.PaymentVoucher || len(payments) == 0 {
				rows = append(rows, PaperRow{Kind: kind, Why: papers.Ready(kind, f)})
			}
		}
		return nil
	})
	return rows, err
}

// mayPrint tells whether a caller that sees a case may print a paper of it.
func mayPrint(caller *Caller, kind papers.Kind, row *CaseRow) bool {
	if caller.Partner() {
		return slices.Contains(kind.Roles(), aid.RolePartner)
	}
	return caller.HasFor(row.Area, row.Programme, kind.Roles()...)
}

// PaperFacts opens what a paper of a case tells and writes the look into the
// audit, in one transaction. Who may print it only as an auditor gets it
// masked; a partner does not learn who in the office decided. payment names
// the payment of a voucher; "" is the newest.
//
// Errors: NotFound case_not_found, payment_not_found; Forbidden wrong_role;
// Conflict as papers.Ready says.
func (s *Store) PaperFacts(ctx context.Context, caller *Caller, idOrRef string, kind papers.Kind, payment string) (papers.Facts, *CaseRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return papers.Facts{}, nil, err
	}
	if !mayPrint(caller, kind, row) {
		return papers.Facts{}, nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	working := slices.DeleteFunc(kind.Roles(), func(r aid.Role) bool { return r == aid.RoleAuditor })
	plain := caller.Partner() || caller.HasFor(row.Area, row.Programme, working...)
	var f papers.Facts
	err = s.Write(ctx, func(tx *Tx) error {
		if f, err = tx.paperFacts(row, kind, payment); err != nil {
			return err
		}
		action := "print_paper"
		if !plain {
			maskPaper(&f)
			action = "print_masked"
		}
		if caller.Partner() && f.Decision != nil {
			f.Decision.By = ""
		}
		return tx.AddAudit(caller.Actor(), action, row.ID, "done", string(kind))
	})
	return f, row, err
}

// paperFacts reads what papers of one kind tell. What a kind does not need
// stays sealed.
func (tx *Tx) paperFacts(row *CaseRow, kind papers.Kind, payment string) (papers.Facts, error) {
	f, err := tx.paperProcess(&row.Case)
	if err != nil {
		return f, err
	}
	if why := papers.Ready(kind, f); why != "" && (payment == "" || kind != papers.PaymentVoucher) {
		return f, aid.Refuse(aid.Conflict, why) // before anything is opened
	}
	steps := []func() error{
		func() error { return tx.paperPlaces(&f, &row.Case) },
		func() error { return tx.paperPeople(&f, row) },
	}
	switch kind {
	case papers.VisitMinutes:
		steps = append(steps, func() error { return tx.openVisits(&f) })
	case papers.CommitteeMinutes:
		steps = append(steps, func() error { return tx.paperOverrides(&f, &row.Case) })
	case papers.DecisionLetter:
		steps = append(steps, func() error { return tx.openDecision(&f) }, func() error { return tx.paperTranches(&f, &row.Case) })
	case papers.PaymentVoucher:
		steps = append(steps, func() error { return tx.paperPayment(&f, row.ID, payment) })
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return f, err
		}
	}
	return f, nil
}

// paperPeople opens what the request states.
func (tx *Tx) paperPeople(f *papers.Facts, row *CaseRow) error {
	content, err := tx.contentOf(row)
	if err != nil {
		return err
	}
	a := content.Applicant
	f.Applicant = papers.Person{FullName: a.FullName, NationalID: a.NationalID, BirthDate: a.BirthDate, Sex: a.Sex, Phone: a.Phone, Address: a.Address}
	f.Household, f.Answers, f.SubmittedBy, f.Urgent = content.Household.Code, content.Answers, content.SubmittedBy, content.Urgent
	for _, m := range content.Household.Members {
		f.Members = append(f.Members, papers.Person{FullName: m.FullName, NationalID: m.NationalID, BirthDate: m.BirthDate, Sex: m.Sex, Relation: m.Relation})
	}
	if content.Payee != nil {
		f.Payee = papers.Payee(*content.Payee)
	}
	for _, d := range content.Documents {
		f.Documents = append(f.Documents, papers.Document{Kind: d.Kind, Title: d.Title, Dated: d.Dated, Location: d.Location})
	}
	f.Consent = papers.Consent{Purposes: content.Consent.Purposes, Method: content.Consent.Method}
	if content.Consent.GivenAt != nil {
		f.Consent.GivenAt = *content.Consent.GivenAt
	}
	return nil
}

// paperPlaces names area, province, partner and the fund that pays, or that
// would pay.
func (tx *Tx) paperPlaces(f *papers.Facts, c *Case) error {
	var names struct {
		Area     string `db:"area"`
		Province string `db:"province"`
		Partner  string `db:"partner"`
	}
	err := tx.get(&names, `
		WITH RECURSIVE up AS (
			SELECT code, name, parent, 0 AS depth FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.name, a.parent, up.depth + 1 FROM areas a JOIN up ON a.code = up.parent)
		SELECT (SELECT name FROM up WHERE depth = 0) AS area, (SELECT name FROM up ORDER BY depth DESC LIMIT 1) AS province,
		       coalesce((SELECT name FROM partners WHERE id = $2), '') AS partner`, c.Area, c.PartnerID)
	if err != nil {
		return err
	}
	f.Area, f.Province, f.Partner = names.Area, names.Province, names.Partner
	fund := c.FundID
	if fund == nil {
		would, err := tx.FundOf(c)
		if aid.CodeOf(err) == "no_fund" {
			return nil
		}
		if err != nil {
			return err
		}
		fund = &would
	}
	return tx.get(&f.Fund, `SELECT name FROM funds WHERE id = $1`, *fund)
}

// maskPaper leaves out what names anybody; the paper says that it was left
// out.
func maskPaper(f *papers.Facts) {
	f.Masked = true
	f.Applicant, f.Answers, f.SubmittedBy = papers.Person{Sex: f.Applicant.Sex}, nil, ""
	for i, m := range f.Members {
		f.Members[i] = papers.Person{Sex: m.Sex, Relation: m.Relation}
	}
	f.Payee = papers.Payee{Kind: f.Payee.Kind, Method: f.Payee.Method}
	for i, d := range f.Documents {
		f.Documents[i] = papers.Document{Kind: d.Kind, Dated: d.Dated}
	}
	for i := range f.Visits {
		f.Visits[i].Seen, f.Visits[i].Note = maskedFields(f.Visits[i].Seen), ""
	}
	if f.Decision != nil {
		f.Decision.Note = ""
	}
}
