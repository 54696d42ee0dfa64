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
	Notice   int64       `db:"id"`
	Person   string      `db:"person"`
	Deciding bool        `db:"deciding"`
	Mail     bool        `db:"mail"` // has an address
	Channel  aid.Channel `db:"channel"`
	Topic    aid.Topic   `db:"topic"`
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
		heard, err := tx.hearers(all)
		if err != nil {
			return err
		}
		for _, one := range all {
			s.add(one, heard[one.ID])
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

// asking are notices as columns, for the question who is to be told of them.
type asking struct {
	ids       []int64
	audiences []string
	cases     []*string
	tasks     []*string
	actors    []string
	topics    []string
	namedIn   []int64 // the notice that names
	named     []string
}

func askingOf(all []notice) asking {
	q := asking{namedIn: []int64{}, named: []string{}} // not NULL
	for _, n := range all {
		rule, ok := aid.NoticeOf(n.Kind)
		if !ok || n.TaskKind == aid.ProvideInformation || (n.Kind == "task.opened" && n.TaskKind == aid.Advise) {
			continue // of a later version; the partner's own work; task.question tells it
		}
		q.ids, q.audiences, q.cases, q.tasks = append(q.ids, n.ID), append(q.audiences, string(rule.Audience)), append(q.cases, n.Case), append(q.tasks, n.Task)
		q.actors, q.topics = append(q.actors, n.Actor), append(q.topics, string(rule.TopicOf(n.TaskKind)))
		for _, person := range n.Named {
			q.namedIn, q.named = append(q.namedIn, n.ID), append(q.named, person)
		}
	}
	return q
}

// hearers finds those who are to be told of each notice now: its audience and
// those whom it names, but for its actor and all who may not hear of the case.
// Whoever may decide a task may hear of it.
func (tx *Tx) hearers(all []notice) (map[int64][]hearer, error) {
	q := askingOf(all)
	kinds, roles := taskRoles()
	var rows []hearer
	err := tx.list(&rows, `
		WITH n AS MATERIALIZED (
			SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS n (id, audience, case_id, task_id, actor, topic)),
		told AS (
			SELECT x.id, x.person, false AS deciding FROM unnest($7::bigint[], $8::text[]) AS x (id, person)
			UNION ALL SELECT n.id, d.person, true FROM deciders_of(ARRAY(SELECT task_id FROM n WHERE audience = 'deciders'), $9, $10, $11) d
				JOIN n ON n.task_id = d.task AND n.audience = 'deciders'
			UNION ALL SELECT n.id, p, false FROM n CROSS JOIN LATERAL superiors(n.case_id, n.task_id, (SELECT assignee FROM tasks WHERE id = n.task_id), $11) p
				WHERE n.audience = 'superior' AND n.id <> ALL($7)
			UNION ALL SELECT n.id, t.assignee, false FROM n JOIN tasks t ON t.id = n.task_id WHERE n.audience = 'commenter' AND t.assignee IS NOT NULL
			UNION ALL SELECT n.id, e.actor, false FROM n JOIN events e ON e.case_id = n.case_id AND e.task_id = n.task_id
				WHERE e.kind = 'task.comment' AND n.audience = 'commenter'
			UNION ALL SELECT n.id, e.actor, false FROM n JOIN events e ON e.case_id = n.case_id AND e.data ->> 'about' = n.task_id
				WHERE e.kind = 'task.question' AND n.audience = 'asker'
			UNION ALL SELECT id, actor, false FROM n WHERE audience = 'actor'),
		each AS MATERIALIZED (SELECT id, person, bool_or(deciding) AS deciding FROM told GROUP BY id, person)
		SELECT n.id, p.person, p.deciding, k.address IS NOT NULL AS mail, coalesce(k.channels ->> n.topic, '') AS channel, n.topic
		FROM each p JOIN n USING (id) LEFT JOIN staff_contacts k ON k.subject = p.person
		WHERE (p.person <> n.actor OR n.audience = 'actor') AND (p.deciding OR may_hear(p.person, n.case_id, n.task_id, $11))
		ORDER BY n.id, p.person`,
		pq.Array(q.ids), pq.Array(q.audiences), pq.Array(q.cases), pq.Array(q.tasks), pq.Array(q.actors), pq.Array(q.topics),
		pq.Array(q.namedIn), pq.Array(q.named), pq.Array(kinds), pq.Array(roles), tx.Wall)
	heard := map[int64][]hearer{}
	for _, h := range rows {
		if h.Channel == "" {
			h.Channel = aid.DefaultChannel(h.Topic)
		}
		heard[h.Notice] = append(heard[h.Notice], h)
	}
	return heard, err
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
