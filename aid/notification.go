package aid

// Topic is a group of kinds of news about which a person chooses how to be
// told.
type Topic string

// The topics of notifications.
const (
	TopicWork        Topic = "work"        // new work that any of several may take
	TopicMine        Topic = "mine"        // what was given to this person, and is waiting
	TopicEscalations Topic = "escalations" // what is late, parked or in doubt, and needs somebody above
	TopicTalk        Topic = "talk"        // questions, answers and comments
	TopicOutcomes    Topic = "outcomes"    // what became of what this person asked for
	TopicDelegations Topic = "delegations" // work that moves from a person to another for a time
)

// Topics lists the topics in the order in which people read them.
func Topics() []Topic {
	return []Topic{TopicMine, TopicEscalations, TopicTalk, TopicOutcomes, TopicDelegations, TopicWork}
}

// Channel is how soon a person is told by mail. The bell rings in any case.
type Channel string

// The choices of a person for a topic.
const (
	ChannelAtOnce Channel = "at_once"
	ChannelDigest Channel = "digest" // once a day, at the person's hour
	ChannelOff    Channel = "off"    // by the bell only
)

// DefaultChannel gives how a person is told who has chosen nothing: new work
// that several may take comes once a day, everything else at once.
func DefaultChannel(t Topic) Channel {
	if t == TopicWork {
		return ChannelDigest
	}
	return ChannelAtOnce
}

// Audience says who is told.
type Audience string

// The audiences of notices. Named is always told too: those whom the event
// names in data.to, data.superior or data.assignee.
const (
	AudienceDeciders  Audience = "deciders"  // who may decide the task now; when it is assigned, its assignee alone
	AudienceSuperior  Audience = "superior"  // the superiors whom the event names, or the managers of the area
	AudienceCommenter Audience = "commenter" // the task's assignee and those who have written about it
	AudienceAsker     Audience = "asker"     // those who have asked a colleague about the task
	AudienceActor     Audience = "actor"     // who asked for it
	AudienceNamed     Audience = "named"     // those whom the event names, and nobody else
)

// NoticeRule says whom an event tells, and under which topic.
type NoticeRule struct {
	Kind     string
	Topic    Topic
	Audience Audience
	CaseOnly bool // of an event that is about a task nobody is told: another one tells it
}

// NoticeRules lists every kind of event that tells somebody. The actor of an
// event is never told of it, but where the audience is the actor.
func NoticeRules() []NoticeRule {
	return []NoticeRule{
		{"task.opened", TopicWork, AudienceDeciders, false},
		{"task.reassigned", TopicWork, AudienceDeciders, false},
		{"task.claim_lapsed", TopicMine, AudienceNamed, false},
		{"task.assigned", TopicMine, AudienceDeciders, false},
		{"task.reminded", TopicMine, AudienceDeciders, false},
		{"task.escalated", TopicEscalations, AudienceSuperior, false},
		{"case.escalated", TopicEscalations, AudienceSuperior, false},
		{"case.sla_at_risk", TopicEscalations, AudienceSuperior, true},
		{"task.question", TopicTalk, AudienceDeciders, false},
		{"task.advice", TopicTalk, AudienceAsker, false},
		{"task.comment", TopicTalk, AudienceCommenter, false},
		{"task.decision_refused", TopicOutcomes, AudienceActor, false},
		{"task.decision_expired", TopicOutcomes, AudienceActor, false},
		{"batch.done", TopicOutcomes, AudienceActor, false},
		{"delegation.begun", TopicDelegations, AudienceNamed, false},
		{"delegation.ended", TopicDelegations, AudienceNamed, false},
	}
}

// NoticeOf gives the rule of a kind of event; false when it tells nobody.
func NoticeOf(kind string) (NoticeRule, bool) {
	for _, r := range NoticeRules() {
		if r.Kind == kind {
			return r, true
		}
	}
	return NoticeRule{}, false
}

// TopicOf gives the topic of a notice about a kind of task. What only an
// administrator or two persons can mend does not wait for a digest.
func (r NoticeRule) TopicOf(task TaskKind) Topic {
	if r.Topic == TopicWork && (task == RepairConfiguration || task == ResolvePayment) {
		return TopicEscalations
	}
	return r.Topic
}
