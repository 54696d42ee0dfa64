package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// notice is a row of notices with the kind of its task.
type notice struct {
	ID       int64          `db:"id"`
	Kind     string         `db:"kind"`
	Case     *string        `db:"case_id"`
	Task     *string        `db:"task_id"`
	TaskKind aid.TaskKind   `db:"task_kind"`
	Subject  string         `db:"subject"`
	Actor    string         `db:"actor"`
	Named    pq.StringArray `db:"named"`
	At       time.Time      `db:"at"`
}

// hearer is a person to be told of a notice.
type hearer struct {
	Person   string      `db:"person"`
	Deciding bool        `db:"deciding"`
	Mail     bool        `db:"mail"` // has an address
	Channel  aid.Channel `db:"channel"`
}

// SpreadNotices makes notifications of up to limit notices, oldest first, for
// those who are to be told by the roles of this moment, and gives the number
// of notices. Two at once make each once: the second waits and finds them gone.
// What a crash interrupts is done again from the start. What is to leave at once gets a message, one for each
// person, and one for each notice when there is a webhook.
func (s *Store) SpreadNotices(ctx context.Context, webhook bool, limit int) (int, error) {
	n := 0
	err := s.Write(ctx, func(tx *Tx) error {
		var all []notice
		err := tx.list(&all, `
			WITH gone AS (DELETE FROM notices WHERE id IN (SELECT id FROM notices ORDER BY id LIMIT $1)
				RETURNING id, kind, case_id, task_id, subject, actor, named, at)
			SELECT g.*, coalesce(t.kind, '') AS task_kind FROM gone g LEFT JOIN tasks t ON t.id = g.task_id ORDER BY g.id`, limit)
		if err != nil {
			return err
		}
		n = len(all)
		s := spread{webhook: webhook, mails: map[string]string{}}
		if n == 0 {
			return nil
		}
		// The question who is to be told is the same for every notice: to plan
		// it takes longer than to answer it.
		if _, err := tx.exec(`SELECT set_config('plan_cache_mode', 'force_generic_plan', true)`); err != nil {
			return err
		}
		for _, one := range all {
			heard, err := tx.hearers(one)
			if err != nil {
				return err
			}
			s.add(one, heard)
		}
		return tx.keepSpread(s)
	})
	return n, err
}

// taskRoles gives the kinds of tasks and the roles that decide them, in pairs.
func taskRoles() (kinds, roles []string) {
	for _, rule := range aid.TaskRules() {
		for _, role := range rule.Roles {
			kinds, roles = append(kinds, string(rule.Kind)), append(roles, string(role))
		}
	}
	return kinds, roles
}

// hearers finds those who are to be told of a notice now: its audience and
// those whom it names, but for its actor and all who may not hear of the case.
func (tx *Tx) hearers(n notice) ([]hearer, error) {
	rule, ok := aid.NoticeOf(n.Kind)
	if !ok || n.TaskKind == aid.ProvideInformation || (n.Kind == "task.opened" && n.TaskKind == aid.Advise) {
		return nil, nil // of a later version; the partner's own work; task.question tells it
	}
	topic := rule.TopicOf(n.TaskKind)
	kinds, roles := taskRoles()
	var all []hearer
	err := tx.list(&all, `
		WITH told AS (
			SELECT unnest($1::text[]) AS person, false AS deciding
			UNION ALL SELECT d, true FROM deciders($2, $3, $4, $9) d WHERE $5 = 'deciders'
			UNION ALL SELECT p, false FROM superiors($6, $2, (SELECT assignee FROM tasks WHERE id = $2), $9) p WHERE $5 = 'superior' AND cardinality($1::text[]) = 0
			UNION ALL SELECT t.assignee, false FROM tasks t WHERE t.id = $2 AND $5 = 'commenter' AND t.assignee IS NOT NULL
			UNION ALL SELECT e.actor, false FROM events e WHERE e.case_id = $6 AND e.kind = 'task.comment' AND e.task_id = $2 AND $5 = 'commenter'
			UNION ALL SELECT e.actor, false FROM events e WHERE e.case_id = $6 AND e.kind = 'task.question' AND e.data ->> 'about' = $2 AND $5 = 'asker'
			UNION ALL SELECT $7, false WHERE $5 = 'actor')
		SELECT p.person, bool_or(p.deciding) AS deciding, bool_or(k.address IS NOT NULL) AS mail,
		       coalesce(min(k.channels ->> $8), '') AS channel
		FROM told p LEFT JOIN staff_contacts k ON k.subject = p.person
		WHERE (p.person <> $7 OR $5 = 'actor') AND may_hear(p.person, $6, $2, $9)
		GROUP BY p.person ORDER BY p.person`,
		pq.Array(append([]string{}, n.Named...)), n.Task, pq.Array(kinds), pq.Array(roles), rule.Audience, n.Case, n.Actor, topic, tx.Wall)
	for i := range all {
		if all[i].Channel == "" {
			all[i].Channel = aid.DefaultChannel(topic)
		}
	}
	return all, err
}

// spread collects the rows of one run, so that they are written together.
type spread struct {
	webhook bool
	mails   map[string]string // of a person, the message of this run
	people  []string          // of mails, in order
	calls   []int64           // notices that the webhook is told
	ids     []string
	notices []int64
	persons []string
	kinds   []string
	topics  []string
	cases   []*string
	tasks   []*string
	objects []string
	decide  []bool
	at      []time.Time
	digest  []bool
	message []*string
}

func (s *spread) add(n notice, heard []hearer) {
	rule, _ := aid.NoticeOf(n.Kind)
	for _, h := range heard {
		s.ids, s.notices, s.persons = append(s.ids, NewID(aid.NotificationID)), append(s.notices, n.ID), append(s.persons, h.Person)
		s.kinds, s.topics = append(s.kinds, n.Kind), append(s.topics, string(rule.TopicOf(n.TaskKind)))
		s.cases, s.tasks, s.objects = append(s.cases, n.Case), append(s.tasks, n.Task), append(s.objects, n.Subject)
		s.decide, s.at = append(s.decide, h.Deciding), append(s.at, n.At)
		s.digest = append(s.digest, h.Mail && h.Channel == aid.ChannelDigest)
		s.message = append(s.message, s.mailFor(h))
	}
	if s.webhook && len(heard) > 0 {
		s.calls = append(s.calls, n.ID)
	}
}

// mailFor gives the message by which a person is told at once: one in a run,
// whatever has happened in it. Nil when it is not to be told so.
func (s *spread) mailFor(h hearer) *string {
	if !h.Mail || h.Channel != aid.ChannelAtOnce {
		return nil
	}
	id, ok := s.mails[h.Person]
	if !ok {
		id = NewID(aid.MessageID)
		s.mails[h.Person], s.people = id, append(s.people, h.Person)
	}
	return &id
}

func (tx *Tx) keepSpread(s spread) error {
	var ids []string
	for _, person := range s.people {
		ids = append(ids, s.mails[person])
	}
	_, err := tx.exec(`INSERT INTO messages (id, channel, person, state, next_at, created_at)
		SELECT m, 'mail', p, 'waiting', $3, $3 FROM unnest($1::text[], $2::text[]) AS x(m, p)`, pq.Array(ids), pq.Array(s.people), tx.Wall)
	if err != nil {
		return err
	}
	ids = slices.Repeat([]string{""}, len(s.calls))
	for i := range ids {
		ids[i] = NewID(aid.MessageID)
	}
	_, err = tx.exec(`INSERT INTO messages (id, channel, notice, state, next_at, created_at)
		SELECT m, 'webhook', n, 'waiting', $3, $3 FROM unnest($1::text[], $2::bigint[]) AS x(m, n)`, pq.Array(ids), pq.Array(s.calls), tx.Wall)
	if err != nil {
		return err
	}
	_, err = tx.exec(`INSERT INTO notifications (id, notice, person, kind, topic, case_id, task_id, subject, deciding, at, digest, message_id)
		SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[],
			$10::timestamptz[], $11::boolean[], $12::text[])`,
		pq.Array(s.ids), pq.Array(s.notices), pq.Array(s.persons), pq.Array(s.kinds), pq.Array(s.topics), pq.Array(s.cases), pq.Array(s.tasks),
		pq.Array(s.objects), pq.Array(s.decide), pq.Array(s.at), pq.Array(s.digest), pq.Array(s.message))
	return err
}
