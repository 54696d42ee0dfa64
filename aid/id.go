package aid

import (
	"encoding/base32"
	"strings"
)

// Prefix names what an id stands for; it is written before the id itself.
type Prefix string

// The prefixes of CONTRACT: an id is a prefix, an underscore and a UUIDv7 in
// lower-case base32.
const (
	CaseID         Prefix = "case"
	DocumentID     Prefix = "doc"
	TaskID         Prefix = "task"
	DecisionID     Prefix = "dec"
	PaymentID      Prefix = "pay"
	FundID         Prefix = "fund"
	EventID        Prefix = "evt"
	KeyID          Prefix = "key"
	AwardID        Prefix = "awd"
	PurposeID      Prefix = "pur"
	TrancheID      Prefix = "tra"
	ChangeID       Prefix = "chg"
	AttemptID      Prefix = "att"
	PersonID       Prefix = "per"
	HouseholdID    Prefix = "hh"
	AccountID      Prefix = "acc"
	PartnerID      Prefix = "par"
	ContributionID Prefix = "con"
	DraftID        Prefix = "drf"
	TransactionID  Prefix = "trx"
	VisitID        Prefix = "vis"
	ObjectionID    Prefix = "obj"
	ConditionID    Prefix = "cnd"
	QuestionID     Prefix = "qst"
	CommentID      Prefix = "cmt"
	RequestID      Prefix = "req"
	FileID         Prefix = "file"
	ImportID       Prefix = "imp"
	PartnerAidID   Prefix = "paid"
	NotificationID Prefix = "ntf"
	MessageID      Prefix = "msg"
	BatchID        Prefix = "bat"
	RelationID     Prefix = "rel"
	RecusalID      Prefix = "rec"
	ReviewID       Prefix = "rvw"
	FreezeID       Prefix = "frz"
	DelegationID   Prefix = "del"
	RepaymentID    Prefix = "rep"
	PayRunID       Prefix = "run"
	StatementID    Prefix = "sta"
)

var idAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// FormatID writes 16 bytes (a UUIDv7) as an id of the given prefix. The order
// of two ids of one prefix is the order of their bytes.
func FormatID(p Prefix, raw [16]byte) string {
	return string(p) + "_" + idAlphabet.EncodeToString(raw[:])
}

// IsID tells whether s has the form of an id of the given prefix.
func IsID(p Prefix, s string) bool {
	rest, ok := strings.CutPrefix(s, string(p)+"_")
	if !ok {
		return false
	}
	raw, err := idAlphabet.DecodeString(rest)
	return err == nil && len(raw) == 16
}
