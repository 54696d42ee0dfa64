package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// MakeDigests makes the digests whose hour has come, one a day and person, of
// what had happened by that hour, and gives their number.
func (s *Store) MakeDigests(ctx context.Context) (int, error) {
	var waiting []struct {
		Person   string    `db:"person"`
		Zone     string    `db:"zone"`
		DigestAt string    `db:"digest_at"`
		Oldest   time.Time `db:"oldest"`
	}
	err := s.list(ctx, &waiting, `
		SELECT n.person, k.zone, k.digest_at, min(n.at) AS oldest FROM notifications n JOIN staff_contacts k ON k.subject = n.person
		WHERE n.digest AND n.message_id IS NULL GROUP BY n.person, k.zone, k.digest_at ORDER BY n.person`)
	if err != nil {
		return 0, err
	}
	made := 0
	for _, w := range waiting {
		day, hour, err := digestHour(s.Now(), w.Zone, w.DigestAt)
		if err != nil {
			return made, err
		}
		if hour.After(s.Now()) || !w.Oldest.Before(hour) {
			continue
		}
		done, err := s.makeDigest(ctx, w.Person, day, hour)
		if err != nil {
			return made, err
		}
		if done {
			made++
		}
	}
	return made, nil
}

// digestHour gives a person's day and the instant of its digest.
func digestHour(now time.Time, zone, at string) (day string, hour time.Time, err error) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return "", hour, err
	}
	clock, err := time.Parse("15:04", at)
	local := now.In(location)
	return local.Format(time.DateOnly), time.Date(local.Year(), local.Month(), local.Day(), clock.Hour(), clock.Minute(), 0, 0, location), err
}

var errNothing = errors.New("nothing to tell")

func (s *Store) makeDigest(ctx context.Context, person, day string, until time.Time) (bool, error) {
	made := false
	err := s.Write(ctx, func(tx *Tx) error {
		made = false
		id := NewID(aid.MessageID)
		n, err := tx.exec(`INSERT INTO messages (id, channel, person, digest_on, state, next_at, created_at)
			VALUES ($1, 'mail', $2, $3, 'waiting', $4, $4) ON CONFLICT DO NOTHING`, id, person, day, tx.Wall)
		if err != nil || n == 0 {
			return err // another has made it, perhaps just now
		}
		n, err = tx.exec(`UPDATE notifications SET message_id = $1 WHERE person = $2 AND digest AND message_id IS NULL AND at < $3`, id, person, until)
		if err == nil && n == 0 {
			err = errNothing // the day is not spent
		}
		made = err == nil
		return err
	})
	if errors.Is(err, errNothing) {
		return false, nil
	}
	return made, err
}
