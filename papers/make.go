package papers

import (
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Case makes a paper of a case, in the words of its programme.
//
// Errors: NotFound paper_unknown, paper_language_unknown; Conflict with the
// code of Ready when the paper cannot be printed yet.
func (p *Printer) Case(kind Kind, lang string, def *programme.Definition, f Facts) (Paper, error) {
	t, err := p.in(lang)
	if err != nil {
		return Paper{}, err
	}
	if kind.Roles() == nil {
		return Paper{}, aid.Refuse(aid.NotFound, "paper_unknown")
	}
	if why := Ready(kind, f); why != "" {
		return Paper{}, aid.Refuse(aid.Conflict, why)
	}
	c := t.beginCase(kind, def, f)
	switch kind {
	case RequestForm:
		c.requestForm()
	case VisitMinutes:
		c.visitMinutes()
	case CommitteeMinutes:
		c.committeeMinutes()
	case DecisionLetter:
		c.decisionLetter()
	case PaymentVoucher:
		c.paymentVoucher()
	}
	return c.end(), nil
}

// casePaper is a draft of a paper of a case.
type casePaper struct {
	*draft
	def *programme.Definition
	f   Facts
}

func (t *texts) beginCase(kind Kind, def *programme.Definition, f Facts) *casePaper {
	c := &casePaper{draft: t.begin(kind, def, f.Fund, f.Masked), def: def, f: f}
	c.numbered(f.Reference)
	for name, value := range map[string]string{
		"applicant":       c.personal(f.Applicant.FullName),
		"area":            f.Area,
		"province":        f.Province,
		"case":            f.Reference,
		"fund":            f.Fund,
		"requested":       c.money(f.Requested, f.Currency),
		"requested_words": c.inWords(f.Requested, f.Currency),
		"amount":          c.money(f.Amount, f.Currency),
		"amount_words":    c.inWords(f.Amount, f.Currency),
		"submitted_on":    c.onDay(f.SubmittedAt),
	} {
		c.values[name] = value
	}
	if f.Committee != nil {
		c.values["committee"] = c.committee()
	}
	if f.Decision != nil {
		c.values["decided_on"] = c.onDay(f.Decision.At)
		c.values["reason"] = c.reason(f.Decision)
	}
	return c
}

// onDay writes the day of an instant where the programme is.
func (c *casePaper) onDay(at time.Time) string { return c.date(c.local(at)) }

func (c *casePaper) local(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return at.In(c.def.Location())
}

// dateOf sets the date of the paper to that of what it tells.
func (c *casePaper) dateOf(at time.Time) { c.dated(c.f.Province, c.local(at)) }

// reason says a coded reason in the programme's words: of a decision, or of an
// automatic check.
func (c *casePaper) reason(decision *Decision) string {
	action := map[string]string{"rejected": "reject", "returned": "return"}[decision.Result]
	for _, r := range c.def.Reasons[action] {
		if r.Code == decision.Reason {
			return r.Titles.In(c.lang)
		}
	}
	return c.rule(decision.Reason)
}

// rule says what is wrong when a rule of the programme fails, or what a check
// has found.
func (c *casePaper) rule(code string) string {
	for _, r := range c.def.Eligibility {
		if r.Code == code {
			return r.Titles.In(c.lang)
		}
	}
	return c.value(code)
}
