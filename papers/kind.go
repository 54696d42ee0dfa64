package papers

import "github.com/aidflow/aidflow/aid"

// Kind names a paper.
type Kind string

// The papers of a case, and after them those of a fund and of an area.
const (
	RequestForm      Kind = "request_form"
	VisitMinutes     Kind = "visit_minutes"
	CommitteeMinutes Kind = "committee_minutes"
	DecisionLetter   Kind = "decision_letter"
	PaymentVoucher   Kind = "payment_voucher"

	DonorReceipt Kind = "donor_receipt"
	PostingList  Kind = "posting_list"
)

// CaseKinds gives the papers of a case in the order in which they come up.
func CaseKinds() []Kind {
	return []Kind{RequestForm, VisitMinutes, CommitteeMinutes, DecisionLetter, PaymentVoucher}
}

// Languages gives the languages in which papers are printed.
func Languages() []string { return []string{"vi", "en", "id"} }

// Roles gives who may print a paper of a case: those whose work it is, the
// auditor (masked), and the partner what its household is given.
func (k Kind) Roles() []aid.Role {
	switch k {
	case RequestForm:
		return []aid.Role{aid.RolePartner, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover, aid.RoleTreasurer, aid.RoleAuditor}
	case DecisionLetter:
		return []aid.Role{aid.RolePartner, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover, aid.RoleTreasurer, aid.RoleAuditor}
	case VisitMinutes, CommitteeMinutes:
		return []aid.Role{aid.RoleVerifier, aid.RoleApprover, aid.RoleAuditor}
	case PaymentVoucher:
		return []aid.Role{aid.RoleApprover, aid.RoleTreasurer, aid.RoleReleaser, aid.RoleAuditor}
	}
	return nil
}

// Ready tells whether a paper of a case can be printed of these facts: "" or
// the code that says why not yet.
func Ready(k Kind, f Facts) (why string) {
	switch {
	case k == VisitMinutes && len(f.Visits) == 0:
		return "paper_before_visit"
	case k == CommitteeMinutes && f.Committee == nil:
		return "paper_before_committee"
	case k == DecisionLetter && f.Decision == nil:
		return "paper_before_decision"
	case k == PaymentVoucher && f.Payment == nil:
		return "paper_before_payment"
	}
	return ""
}
