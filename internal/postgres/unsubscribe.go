package postgres

import (
	"context"
	"crypto/hmac"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// mailSeal is the length in bytes of what proves that a token was made here.
const mailSeal = 16

// MailToken gives the token by which whoever has a mail may end mails of its
// kind: the message and a keyed hash of it. It says nothing about the person.
func (s *Store) MailToken(message string) string {
	return message + "." + hex.EncodeToString(s.vault.Hash("unsubscribe", message)[:mailSeal])
}

// MailTopics gives what a mail was about: the topics that its token ends, and
// whether none of them comes by mail any more. It changes nothing.
//
// Errors: NotFound unknown_mail_token, for every token that is not ours, and
// for mails that are forgotten.
func (s *Store) MailTopics(ctx context.Context, token string) (topics []aid.Topic, ended bool, err error) {
	to, err := s.mailBehind(ctx, token)
	return to.topics(), to.Ended, err
}

// StopMails ends mails of the topics of a mail for the person to whom it went;
// the bell goes on. It may be done twice.
//
// Errors: NotFound unknown_mail_token.
func (s *Store) StopMails(ctx context.Context, token string) ([]aid.Topic, error) {
	to, err := s.mailBehind(ctx, token)
	if err != nil || to.Ended {
		return to.topics(), err
	}
	off := map[aid.Topic]aid.Channel{}
	for _, topic := range to.topics() {
		off[topic] = aid.ChannelOff
	}
	raw, err := json.Marshal(off)
	if err != nil {
		return nil, err
	}
	return to.topics(), s.Write(ctx, func(tx *Tx) error {
		n, err := tx.exec(`UPDATE staff_contacts SET channels = channels || $2, version = version + 1, changed_at = $3
			WHERE subject = $1 AND NOT channels @> $2`, to.Person, raw, tx.Wall)
		if err != nil || n == 0 {
			return err
		}
		return tx.AddAudit(to.Person, "set_notifications", to.Person, "done", "unsubscribed")
	})
}

// mailTo is a mail that has left, and to whom.
type mailTo struct {
	Person string         `db:"person"`
	Topics pq.StringArray `db:"topics"`
	Ended  bool           `db:"ended"`
}

func (m mailTo) topics() []aid.Topic {
	var all []aid.Topic
	for _, topic := range aid.Topics() {
		if slices.Contains(m.Topics, string(topic)) {
			all = append(all, topic)
		}
	}
	return all
}

func (s *Store) mailBehind(ctx context.Context, token string) (to mailTo, err error) {
	unknown := aid.Refuse(aid.NotFound, "unknown_mail_token")
	message, _, _ := strings.Cut(token, ".")
	if len(token) > 100 || !hmac.Equal([]byte(token), []byte(s.MailToken(message))) {
		return to, unknown
	}
	err = s.get(ctx, &to, `
		SELECT m.person, t.topics, NOT EXISTS (SELECT 1 FROM unnest(t.topics) topic WHERE coalesce(k.channels ->> topic, '') <> 'off') AS ended
		FROM messages m JOIN staff_contacts k ON k.subject = m.person
		CROSS JOIN LATERAL (SELECT array_agg(DISTINCT n.topic) AS topics FROM notifications n WHERE n.message_id = m.id) t
		WHERE m.id = $1 AND m.channel = 'mail' AND t.topics IS NOT NULL`, message)
	if aid.KindOf(err) == aid.NotFound {
		return to, unknown
	}
	return to, err
}
