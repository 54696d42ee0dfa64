package aid

import "slices"

// TaskKind is a sort of work that waits for a person.
type TaskKind string

// The kinds of tasks.
const (
	VerifyDocuments     TaskKind = "verify_documents"
	FieldVisit          TaskKind = "field_visit"
	RecordCheck         TaskKind = "record_check"
	ProvideInformation  TaskKind = "provide_information"
	Approve             TaskKind = "approve"
	DecideStalled       TaskKind = "decide_stalled"
	PostPublicly        TaskKind = "post_publicly"
	DecideObjection     TaskKind = "decide_objection"
	Advise              TaskKind = "advise"
	MeetCondition       TaskKind = "meet_condition"
	ConfirmMilestone    TaskKind = "confirm_milestone"
	ConfirmAccount      TaskKind = "confirm_account"
	PreparePayment      TaskKind = "prepare_payment"
	ReleasePayment      TaskKind = "release_payment"
	ResolvePayment      TaskKind = "resolve_payment"
	RecoverMoney        TaskKind = "recover_money"
	FollowUpVisit       TaskKind = "follow_up_visit"
	RepairConfiguration TaskKind = "repair_configuration"
)

// Action is what a person does on a task.
type Action string

// The actions on tasks.
const (
	ActionApprove  Action = "approve"
	ActionReject   Action = "reject"
	ActionReturn   Action = "return"
	ActionConfirm  Action = "confirm"
	ActionComplete Action = "complete"
	ActionAbstain  Action = "abstain"
)

// Role is what a member of staff may do, always within areas.
type Role string

// The roles of staff; Partner is the applicant's portal.
const (
	RoleIntake    Role = "intake"
	RoleVerifier  Role = "verifier"
	RoleApprover  Role = "approver"
	RoleTreasurer Role = "treasurer"
	RoleReleaser  Role = "releaser"
	RoleManager   Role = "manager"
	RoleAuditor   Role = "auditor"
	RoleAdmin     Role = "admin"
	RolePartner   Role = "partner"
)

// TaskRule says who decides a kind of task, how, and which duty of the four
// eyes rule a decision takes. For an approval the duty is completed by the
// name of the level.
type TaskRule struct {
	Kind    TaskKind
	Roles   []Role
	Actions []Action
	Duty    string
	SQLOnly bool // decided in PostgreSQL, without a workflow
}

// TaskRules is the table of tasks: every action that is not listed is refused.
func TaskRules() []TaskRule { return slices.Clone(taskRules) }

// taskRules is never written to: lists ask it for every row.
var taskRules = []TaskRule{
	{VerifyDocuments, []Role{RoleVerifier}, []Action{ActionComplete, ActionReject, ActionReturn}, "verify", false},
	{FieldVisit, []Role{RoleVerifier}, []Action{ActionComplete, ActionReject, ActionReturn}, "verify", false},
	{RecordCheck, []Role{RoleVerifier}, []Action{ActionComplete}, "", false},
	{ProvideInformation, []Role{RolePartner}, []Action{ActionComplete}, "", false},
	{Approve, []Role{RoleApprover}, []Action{ActionApprove, ActionReject, ActionReturn, ActionAbstain}, "approve", false},
	{DecideStalled, []Role{RoleVerifier, RoleManager}, []Action{ActionConfirm, ActionReject}, "", false},
	{PostPublicly, []Role{RoleVerifier}, []Action{ActionComplete}, "", false},
	{DecideObjection, []Role{RoleApprover}, []Action{ActionApprove, ActionReject}, "hear", false},
	{Advise, []Role{RoleVerifier, RoleApprover, RoleTreasurer, RoleReleaser, RoleManager}, []Action{ActionComplete}, "", true},
	{MeetCondition, []Role{RoleVerifier}, []Action{ActionComplete}, "", false},
	{ConfirmMilestone, []Role{RoleVerifier}, []Action{ActionConfirm, ActionReturn}, "verify", false},
	{ConfirmAccount, []Role{RoleTreasurer}, []Action{ActionConfirm, ActionReject}, "", false},
	{PreparePayment, []Role{RoleTreasurer}, []Action{ActionConfirm}, "pay", true},
	{ReleasePayment, []Role{RoleReleaser}, []Action{ActionApprove, ActionReject}, "release", false},
	{ResolvePayment, []Role{RoleTreasurer, RoleReleaser, RoleManager}, []Action{ActionConfirm}, "", false},
	{RecoverMoney, []Role{RoleTreasurer, RoleManager}, []Action{ActionConfirm}, "", false},
	{FollowUpVisit, []Role{RoleVerifier}, []Action{ActionComplete}, "follow_up", false},
	{RepairConfiguration, []Role{RoleAdmin}, []Action{ActionComplete}, "", true},
}

// RuleOf gives the rule of a kind of task; false when there is no such kind.
func RuleOf(kind TaskKind) (TaskRule, bool) {
	i := slices.IndexFunc(taskRules, func(r TaskRule) bool { return r.Kind == kind })
	if i < 0 {
		return TaskRule{}, false
	}
	return taskRules[i], true
}

// NeedsReason tells whether an action must give a reason code.
func NeedsReason(a Action) bool { return a == ActionReject || a == ActionReturn }

// WriteOffReasons are the codes of why money is got back no more.
func WriteOffReasons() []string {
	return []string{"spent_in_good_faith", "in_need", "died", "not_found", "costs_more", "handled_elsewhere"}
}

// DutyOf names the duty that a decision on a task takes; "" when none.
func DutyOf(kind TaskKind, level string) string {
	rule, _ := RuleOf(kind)
	if kind == Approve {
		return rule.Duty + ":" + level
	}
	return rule.Duty
}

// MayHold tells whether a person who holds duty held ("" for none) in a case
// may take duty wanted: one duty per person, one's own may be repeated, and
// the follow-up is for somebody who has not verified.
func MayHold(held, wanted string) bool {
	switch {
	case wanted == "" || held == "":
		return true
	case wanted == "follow_up":
		return held != "verify"
	default:
		return held == wanted
	}
}

// Hands are the persons who answer for a decision: whoever makes it, and in
// whose name. The rules of four eyes and of conflicts of interest hold for
// each of them.
func Hands(d Decision) []string {
	if d.Behalf == "" || d.Behalf == d.Actor {
		return []string{d.Actor}
	}
	return []string{d.Actor, d.Behalf}
}
