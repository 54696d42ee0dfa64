package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// Item is one thing that a message tells. It holds nothing personal.
type Item struct {
	Kind      string       `json:"kind"`
	Topic     aid.Topic    `json:"topic"`
	At        time.Time    `json:"at"`
	Case      string       `json:"case"`
	Reference string       `json:"reference"`
	Task      string       `json:"task"`
	TaskKind  aid.TaskKind `json:"task_kind"`
	Level     string       `json:"level"`
	Urgent    bool         `json:"urgent"`
	DueAt     *time.Time   `json:"due_at"`
	Subject   string       `json:"subject"` // id of a batch, a delegation, a decision
	Person    string       `json:"person"`
}

// Outgoing is a message that somebody has taken for sending, until its lease
// ends.
type Outgoing struct {
	ID       string
	Attempt  int // of this taker; an older one can change nothing any more
	Address  string
	Language string
	Zone     string
	Digest   bool
	Created  time.Time
	Token    string // by which whoever has the mail ends mails of its kind
	Items    []Item // of a mail: what it tells, oldest first; of a call: the same thing for every person
}

// Lease is how long a message is whose takes it; longer than any sending may
// last.
const Lease = 5 * time.Minute

const itemColumns = `n.kind, n.topic, n.at, coalesce(n.case_id, '') AS "case", coalesce(c.reference, '') AS reference, coalesce(n.task_id, '') AS task,
	coalesce(t.kind, '') AS task_kind, coalesce(t.level, '') AS level, coalesce(t.urgent, false) AS urgent, t.due_at, n.subject, n.person`

// stillTold is what is asked again in the statement that takes a message:
// whether the person may hear of the case, may still decide what it was told
// as a decider, and has not put an end to it. $1 is the wall clock, $2 and $3 are taskRoles.
const stillTold = `may_hear(n.person, n.case_id, n.task_id, $1)
	AND (NOT n.deciding OR n.person IN (SELECT deciders(n.task_id, $2, $3, $1)))`

// TakeMail takes the mail that has waited longest, with what may still be
// told; nil when none waits. Two takers get different ones. A mail of which
// nothing may be told any more, or whose person has no address left, is
// dropped.
func (s *Store) TakeMail(ctx context.Context) (*Outgoing, error) {
	return s.take(ctx, `
		WITH next AS MATERIALIZED (
			SELECT id, person, digest_on FROM messages WHERE channel = 'mail' AND next_at <= $1 AND state IN ('waiting', 'taken')
			ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),
		contact AS (SELECT k.* FROM staff_contacts k JOIN next ON k.subject = next.person WHERE k.address IS NOT NULL),
		told AS MATERIALIZED (
			SELECT `+itemColumns+`, n.id FROM next JOIN notifications n ON n.message_id = next.id JOIN contact k ON true
			LEFT JOIN cases c ON c.id = n.case_id LEFT JOIN tasks t ON t.id = n.task_id
			WHERE coalesce(k.channels ->> n.topic, '') <> 'off' AND (next.digest_on IS NULL OR n.read_at IS NULL) AND `+stillTold+`)
		UPDATE messages m SET state = CASE WHEN EXISTS (SELECT 1 FROM told) THEN 'taken' ELSE 'dropped' END,
			next_at = CASE WHEN EXISTS (SELECT 1 FROM told) THEN $4::timestamptz END,
			ended_at = CASE WHEN EXISTS (SELECT 1 FROM told) THEN NULL ELSE $1 END, attempts = m.attempts + 1
		FROM next LEFT JOIN contact k ON true WHERE m.id = next.id
		RETURNING m.id, m.state, m.attempts, m.created_at, m.person, m.digest_on IS NOT NULL AS digest, k.address, coalesce(k.language, '') AS language,
			coalesce(k.zone, '') AS zone, (SELECT coalesce(jsonb_agg(told ORDER BY told.id), '[]') FROM told) AS items`)
}

// TakeCall is TakeMail for the calls of the webhook.
func (s *Store) TakeCall(ctx context.Context) (*Outgoing, error) {
	return s.take(ctx, `
		WITH next AS MATERIALIZED (
			SELECT id, notice FROM messages WHERE channel = 'webhook' AND next_at <= $1 AND state IN ('waiting', 'taken')
			ORDER BY next_at, id LIMIT 1 FOR UPDATE SKIP LOCKED),
		told AS MATERIALIZED (
			SELECT `+itemColumns+` FROM next JOIN notifications n ON n.notice = next.notice
			LEFT JOIN cases c ON c.id = n.case_id LEFT JOIN tasks t ON t.id = n.task_id WHERE `+stillTold+`)
		UPDATE messages m SET state = CASE WHEN EXISTS (SELECT 1 FROM told) THEN 'taken' ELSE 'dropped' END,
			next_at = CASE WHEN EXISTS (SELECT 1 FROM told) THEN $4::timestamptz END,
			ended_at = CASE WHEN EXISTS (SELECT 1 FROM told) THEN NULL ELSE $1 END, attempts = m.attempts + 1
		FROM next WHERE m.id = next.id
		RETURNING m.id, m.state, m.attempts, m.created_at, '' AS person, false AS digest, NULL::bytea AS address, '' AS language, '' AS zone,
			(SELECT coalesce(jsonb_agg(told ORDER BY told.person), '[]') FROM told) AS items`)
}

type outgoingRow struct {
	ID       string          `db:"id"`
	State    string          `db:"state"`
	Attempts int             `db:"attempts"`
	Created  time.Time       `db:"created_at"`
	Person   string          `db:"person"`
	Digest   bool            `db:"digest"`
	Address  []byte          `db:"address"`
	Language string          `db:"language"`
	Zone     string          `db:"zone"`
	Items    json.RawMessage `db:"items"`
}

func (s *Store) take(ctx context.Context, query string) (*Outgoing, error) {
	kinds, roles := taskRoles()
	for {
		var r outgoingRow
		err := s.Write(ctx, func(tx *Tx) error {
			r = outgoingRow{}
			return tx.get(&r, query, tx.Wall, pq.Array(kinds), pq.Array(roles), tx.Wall.Add(Lease))
		})
		if aid.KindOf(err) == aid.NotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if r.State == "dropped" {
			continue
		}
		out := &Outgoing{ID: r.ID, Attempt: r.Attempts, Language: r.Language, Zone: r.Zone, Digest: r.Digest, Created: r.Created, Token: s.MailToken(r.ID)}
		if out.Address, err = s.addressOf(r.Person, r.Address); err != nil {
			return nil, err
		}
		return out, json.Unmarshal(r.Items, &out.Items)
	}
}

// ErrTaken tells that a message is another's by now, or over: whoever hears it
// leaves the message alone.
var ErrTaken = errors.New("another has the message")

// Handing puts down that the server is being given the text of a mail: if
// nothing is heard of it any more, nobody knows whether it was sent.
//
// Errors: ErrTaken.
func (s *Store) Handing(ctx context.Context, m *Outgoing) error {
	return s.changeMessage(ctx, `UPDATE messages SET state = 'handing', next_at = $3 WHERE id = $1 AND attempts = $2 AND state = 'taken'`,
		m, s.Now().Add(Lease))
}

// Sent ends a message that has arrived where it was sent to.
//
// Errors: ErrTaken.
func (s *Store) Sent(ctx context.Context, m *Outgoing) error {
	return s.changeMessage(ctx, `UPDATE messages SET state = 'sent', next_at = NULL, ended_at = $3, code = ''
		WHERE id = $1 AND attempts = $2 AND state IN ('taken', 'handing', 'unknown')`, m, s.Now())
}

// Again puts a message that certainly did not arrive back until an instant.
//
// Errors: ErrTaken.
func (s *Store) Again(ctx context.Context, m *Outgoing, at time.Time, code string) error {
	return s.changeMessage(ctx, `UPDATE messages SET state = 'waiting', next_at = $3, code = $4
		WHERE id = $1 AND attempts = $2 AND state IN ('taken', 'handing')`, m, at, code)
}

// GiveUp ends a message that was refused for good, or of which nobody knows
// whether it arrived.
//
// Errors: ErrTaken.
func (s *Store) GiveUp(ctx context.Context, m *Outgoing, unknown bool, code string) error {
	state := "failed"
	if unknown {
		state = "unknown"
	}
	return s.changeMessage(ctx, `UPDATE messages SET state = $5, next_at = NULL, ended_at = $3, code = $4
		WHERE id = $1 AND attempts = $2 AND state IN ('taken', 'handing')`, m, s.Now(), code, state)
}

func (s *Store) changeMessage(ctx context.Context, query string, m *Outgoing, args ...any) error {
	return s.Write(ctx, func(tx *Tx) error {
		n, err := tx.exec(query, append([]any{m.ID, m.Attempt}, args...)...)
		if err == nil && n == 0 {
			return ErrTaken
		}
		return err
	})
}

// EndLeases ends the mails whose sender was last heard of while it gave the
// text to the server: unknown, or waiting again when a copy is better than
// none.
func (s *Store) EndLeases(ctx context.Context, resend bool) (int64, error) {
	var n int64
	err := s.Write(ctx, func(tx *Tx) (err error) {
		n, err = tx.exec(`UPDATE messages SET state = CASE WHEN $2 THEN 'waiting' ELSE 'unknown' END, code = 'lease_over',
			next_at = CASE WHEN $2 THEN $1::timestamptz END, ended_at = CASE WHEN NOT $2 THEN $1::timestamptz END
			WHERE state = 'handing' AND next_at <= $1`, tx.Wall, resend)
		return err
	})
	return n, err
}

// ForgetMessages deletes notifications and messages that are older than a
// span, and gives how many of both.
func (s *Store) ForgetMessages(ctx context.Context, age time.Duration) (int64, error) {
	var told, sent int64
	err := s.Write(ctx, func(tx *Tx) (err error) {
		before := tx.Wall.Add(-age)
		if told, err = tx.exec(`DELETE FROM notifications WHERE at < $1`, before); err != nil {
			return err
		}
		sent, err = tx.exec(`DELETE FROM messages m WHERE ended_at < $1 AND NOT EXISTS (SELECT 1 FROM notifications n WHERE n.message_id = m.id)`, before)
		return err
	})
	return told + sent, err
}
