package postgres

import (
	"github.com/lib/pq"
)

// Notice is something that tells people and is no event of a case, such as the
// end of a batch. What is an event of a case tells by AddEvent alone.
type Notice struct {
	Kind    string // one of aid.NoticeRules
	Case    string // "" when it is about none
	Task    string
	Subject string // what it is about besides: the id of a batch, a delegation
	Actor   string // who did it; never told, unless the kind tells the actor
	To      []string
}

// Tell puts down that people are to be told. Who they are is found out by the
// worker, and again when each message leaves.
func (tx *Tx) Tell(n Notice) error {
	return tx.one(`INSERT INTO notices (kind, case_id, task_id, subject, actor, named, at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		n.Kind, text(n.Case), text(n.Task), n.Subject, n.Actor, pq.Array(append([]string{}, n.To...)), tx.Wall)
}

// named gives the staff whom an event names as to be told: expressly, as the
// superiors of somebody late, or as the one whose task it was.
func named(data map[string]any) []string {
	all := []string{}
	for _, as := range []string{"to", "superior", "assignee"} {
		switch who := data[as].(type) {
		case string:
			if who != "" {
				all = append(all, who)
			}
		case []string:
			all = append(all, who...)
		}
	}
	return all
}
