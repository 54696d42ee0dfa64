package simulator

import (
	"encoding/json"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/aidflow/aidflow/rails"
)

// batchSize bounds one transaction of settlements and one round of callbacks.
const batchSize = 128

// settleDue brings every outcome that is due: status, posting and callback of
// each in the same transaction. It gives how many it brought and when the next
// is due (the zero time when none is).
func (b *books) settleDue(p plan) (n int, next time.Time, err error) {
	err = b.db.Update(func(tx *bolt.Tx) error {
		var keys []string
		keys, next = dueIDs(tx.Bucket(bucketDue), p.now, batchSize)
		n = len(keys)
		for _, k := range keys {
			if err := settle(tx, k, p); err != nil {
				return err
			}
		}
		return nil
	})
	return n, next, err
}

// dueIDs gives the keys of a bucket in order of time that are due, and the
// instant of the first that is left.
func dueIDs(bucket *bolt.Bucket, now time.Time, limit int) (due []string, next time.Time) {
	c := bucket.Cursor()
	for k, _ := c.First(); k != nil; k, _ = c.Next() {
		at, _ := splitTimeKey(k)
		if at.After(now) || len(due) == limit {
			return due, at
		}
		due = append(due, string(k))
	}
	return due, time.Time{}
}

func settle(tx *bolt.Tx, dueKey string, p plan) error {
	_, key := splitTimeKey([]byte(dueKey))
	if err := tx.Bucket(bucketDue).Delete([]byte(dueKey)); err != nil {
		return err
	}
	r, found, err := getRecord(tx, key)
	if err != nil || !found || r.Status.State != rails.Accepted {
		return err
	}
	r.Status.State, r.Status.Code, r.Status.At = r.Outcome, r.OutcomeCode, p.now
	to := accountPayees
	if r.Outcome == rails.Failed {
		to = accountOperator
	}
	if err := post(tx, r.Status, accountClearing, to, p.now); err != nil {
		return err
	}
	if err := announce(tx, r.Status, p); err != nil {
		return err
	}
	return put(tx, bucketPayments, []byte(key), r)
}

// job is one callback that still has to be delivered.
type job struct {
	ID       string      `json:"id"` // webhook-id
	Key      string      `json:"key"`
	State    rails.State `json:"state"`
	At       time.Time   `json:"at"` // when the state was entered
	Attempts int         `json:"attempts"`
	Forged   bool        `json:"forged,omitempty"`
}

// announce stores the callback of an outcome, or what a fault makes of it.
func announce(tx *bolt.Tx, s rails.Status, p plan) error {
	if !p.callbacks {
		return nil
	}
	rule, err := draw(tx, onOutcome, s.Key, nil)
	if err != nil {
		return err
	}
	first, copies := p.now, 1
	if rule != nil {
		switch rule.Kind {
		case LostCallback:
			return nil
		case LateCallback:
			first = first.Add(rule.delay())
		case DuplicateCallback:
			copies = 2
		case ForgedCallback:
			if err := addJob(tx, first, "!forged", job{ID: callbackID(s) + "_f", Key: s.Key, State: s.State, At: s.At, Forged: true}); err != nil {
				return err
			}
		}
	}
	for i := range copies {
		if err := addJob(tx, first, strings.Repeat("+", i), job{ID: callbackID(s), Key: s.Key, State: s.State, At: s.At}); err != nil {
			return err
		}
	}
	return nil
}

// claimEarly stores a callback that claims a settlement that has not happened,
// when a rule wants it.
func claimEarly(tx *bolt.Tx, s rails.Status, p plan) error {
	if !p.callbacks {
		return nil
	}
	rule, err := draw(tx, onAccepted, s.Key, nil)
	if err != nil || rule == nil {
		return err
	}
	s.State = rails.Settled
	return addJob(tx, p.now, "!early", job{ID: callbackID(s) + "_e", Key: s.Key, State: s.State, At: s.At})
}

// callbackID is the same for every delivery of one outcome.
func callbackID(s rails.Status) string { return "msg_" + s.Reference + "_" + string(s.State) }

func addJob(tx *bolt.Tx, at time.Time, mark string, j job) error {
	return put(tx, bucketCallbacks, timeKey(at, j.ID+mark), j)
}

// dueJobs gives callbacks to deliver, by their place in the queue, and the
// instant of the first that is left.
func (b *books) dueJobs(now time.Time) (jobs map[string]job, next time.Time, err error) {
	jobs = map[string]job{}
	err = b.db.View(func(tx *bolt.Tx) error {
		var keys []string
		keys, next = dueIDs(tx.Bucket(bucketCallbacks), now, batchSize)
		for _, k := range keys {
			var j job
			if err := json.Unmarshal(tx.Bucket(bucketCallbacks).Get([]byte(k)), &j); err != nil {
				return err
			}
			jobs[k] = j
		}
		return nil
	})
	return jobs, next, err
}

// endJobs removes callbacks from the queue and puts those of later back in at
// their next instant.
func (b *books) endJobs(done []string, later map[time.Time][]job) error {
	return b.db.Update(func(tx *bolt.Tx) error {
		for _, k := range done {
			if err := tx.Bucket(bucketCallbacks).Delete([]byte(k)); err != nil {
				return err
			}
		}
		for at, jobs := range later {
			for i, j := range jobs {
				if err := addJob(tx, at, strings.Repeat("+", i), j); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
