package postgres

import (
	"context"
	"encoding/json"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Contact is how a member of staff wants to be told.
type Contact struct {
	Address  string // "" for no mail; personal data
	Language string // vi, en, id
	Zone     string // IANA name
	DigestAt string // HH:MM in the zone
	Channels map[aid.Topic]aid.Channel
	Version  int // 1 for the defaults, which nobody has changed
}

// defaultContact is what holds for who has said nothing.
func defaultContact() Contact {
	return Contact{Language: "vi", Zone: "Asia/Ho_Chi_Minh", DigestAt: "07:30", Channels: map[aid.Topic]aid.Channel{}, Version: 1}
}

// complete writes out the topics about which nothing was said.
func (c Contact) complete() Contact {
	all := map[aid.Topic]aid.Channel{}
	for _, topic := range aid.Topics() {
		all[topic] = aid.DefaultChannel(topic)
		if said, ok := c.Channels[topic]; ok {
			all[topic] = said
		}
	}
	c.Channels = all
	return c
}

type contactRow struct {
	Address  []byte          `db:"address"`
	Language string          `db:"language"`
	Zone     string          `db:"zone"`
	DigestAt string          `db:"digest_at"`
	Channels json.RawMessage `db:"channels"`
	Version  int             `db:"version"`
}

// Contact gives how the caller is told, every topic with its channel.
func (s *Store) Contact(ctx context.Context, caller *Caller) (Contact, error) {
	c := defaultContact()
	var r contactRow
	err := s.get(ctx, &r, `SELECT address, language, zone, digest_at, channels, version FROM staff_contacts WHERE subject = $1`, caller.Actor())
	if aid.KindOf(err) == aid.NotFound {
		return c.complete(), nil
	}
	if err != nil {
		return c, err
	}
	c = Contact{Language: r.Language, Zone: r.Zone, DigestAt: r.DigestAt, Version: r.Version}
	if c.Address, err = s.addressOf(caller.Actor(), r.Address); err != nil {
		return c, err
	}
	err = json.Unmarshal(r.Channels, &c.Channels)
	return c.complete(), err
}

func (s *Store) addressOf(subject string, sealed []byte) (string, error) {
	if sealed == nil {
		return "", nil
	}
	plain, err := s.vault.Open("staff_contacts", "address", subject, sealed)
	return string(plain), err
}

// SaveContact keeps how the caller wants to be told. Version is the one that
// the caller saw.
//
// Errors: Stale stale; Invalid with a fault for each wrong member:
// invalid_address, unknown_language, unknown_zone, invalid_time, unknown_topic,
// unknown_channel.
func (s *Store) SaveContact(ctx context.Context, caller *Caller, c Contact, version int) (Contact, error) {
	if err := aid.RefuseAll(c.faults()); err != nil {
		return Contact{}, err
	}
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.saveContact(caller.Actor(), c, version); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "set_notifications", caller.Actor(), "done", "")
	})
	if err != nil {
		return Contact{}, err
	}
	return s.Contact(ctx, caller)
}

func (tx *Tx) saveContact(subject string, c Contact, version int) error {
	var address []byte
	var err error
	if c.Address != "" {
		if address, err = tx.vault.Seal("staff_contacts", "address", subject, []byte(c.Address)); err != nil {
			return err
		}
	}
	channels, err := json.Marshal(c.Channels)
	if err != nil {
		return err
	}
	n, err := tx.exec(`
		INSERT INTO staff_contacts AS k (subject, address, language, zone, digest_at, channels, version, changed_at)
		SELECT $1, $2, $3, $4, $5, $6, 2, $7 WHERE $8 = 1 OR EXISTS (SELECT 1 FROM staff_contacts WHERE subject = $1)
		ON CONFLICT (subject) DO UPDATE SET address = $2, language = $3, zone = $4, digest_at = $5, channels = $6, version = k.version + 1, changed_at = $7
		WHERE k.version = $8`, subject, address, c.Language, c.Zone, c.DigestAt, channels, tx.Wall, version)
	if err == nil && n == 0 {
		return aid.Refuse(aid.Stale, "stale")
	}
	return err
}

// faults lists what is wrong with a contact that a person has written.
func (c Contact) faults() []aid.Fault {
	var faults []aid.Fault
	add := func(at, code string) { faults = append(faults, aid.Fault{Pointer: at, Code: code}) }
	if c.Address != "" && !isAddress(c.Address) {
		add("/address", "invalid_address")
	}
	if !slices.Contains([]string{"vi", "en", "id"}, c.Language) {
		add("/language", "unknown_language")
	}
	if _, err := time.LoadLocation(c.Zone); err != nil || c.Zone == "" || c.Zone == "Local" {
		add("/zone", "unknown_zone")
	}
	if _, err := time.Parse("15:04", c.DigestAt); err != nil || len(c.DigestAt) != 5 {
		add("/digest_at", "invalid_time")
	}
	for topic, channel := range c.Channels {
		if !slices.Contains(aid.Topics(), topic) {
			add("/channels", "unknown_topic")
		} else if !slices.Contains([]aid.Channel{aid.ChannelAtOnce, aid.ChannelDigest, aid.ChannelOff}, channel) {
			add("/channels/"+string(topic), "unknown_channel")
		}
	}
	return faults
}

// isAddress tells whether a text is one mail address and nothing else: no
// name, no comment, no line break that would begin another header.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s && a.Name == "" && len(s) <= 254 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}
