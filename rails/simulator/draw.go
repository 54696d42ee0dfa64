package simulator

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"

	bolt "go.etcd.io/bbolt"
)

// drawCount is how often a rule met a key, and how often it struck.
type drawCount struct {
	Seen int `json:"seen"`
	Hit  int `json:"hit"`
}

// drawCall draws the fault of one call, nil when there is none. Nothing is
// written when no rule exists, so that a well-behaved simulator stays fast.
func (b *books) drawCall(p phase, key string, account []Rule) (rule *Rule, err error) {
	if len(account) == 0 {
		none := false
		err := b.db.View(func(tx *bolt.Tx) error {
			k, _ := tx.Bucket(bucketFaults).Cursor().First()
			none = k == nil
			return nil
		})
		if none || err != nil {
			return nil, err
		}
	}
	err = b.db.Update(func(tx *bolt.Tx) error {
		rule, err = draw(tx, p, key, account)
		return err
	})
	return rule, err
}

// draw finds the first rule that strikes: those of the account, then those of
// the scripts in the order in which they came. It counts what it met.
func draw(tx *bolt.Tx, p phase, key string, account []Rule) (*Rule, error) {
	for _, r := range account {
		if hit, err := strikes(tx, r, p, key); err != nil || hit {
			return &r, err
		}
	}
	var scripted []Rule
	err := tx.Bucket(bucketFaults).ForEach(func(_, v []byte) error {
		var r Rule
		if err := json.Unmarshal(v, &r); err != nil {
			return err
		}
		scripted = append(scripted, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, r := range scripted {
		hit, err := strikes(tx, r, p, key)
		if err != nil {
			return nil, err
		}
		if hit {
			r.Taken++
			return &r, put(tx, bucketFaults, ruleKey(r.ID), r)
		}
	}
	return nil, nil
}

func strikes(tx *bolt.Tx, r Rule, p phase, key string) (bool, error) {
	if !r.fits(p, key) {
		return false, nil
	}
	id := []byte(r.ID + "|" + string(r.Kind) + "|" + key)
	var n drawCount
	if v := tx.Bucket(bucketDraws).Get(id); v != nil {
		if err := json.Unmarshal(v, &n); err != nil {
			return false, err
		}
	}
	n.Seen++
	hit := (r.PerKey == 0 || n.Hit < r.PerKey) && r.drawn(key, n.Seen)
	if hit {
		n.Hit++
	}
	return hit, put(tx, bucketDraws, id, n)
}

// addRules keeps the rules of a script behind those that are there.
func (b *books) addRules(s Script) error {
	return b.db.Update(func(tx *bolt.Tx) error {
		for _, r := range s.Rules {
			seq, err := tx.Bucket(bucketFaults).NextSequence()
			if err != nil {
				return err
			}
			key := binary.BigEndian.AppendUint64(nil, seq)
			r.ID, r.Seed = hex.EncodeToString(key), s.Seed
			if err := put(tx, bucketFaults, key, r); err != nil {
				return err
			}
		}
		return nil
	})
}

// ruleKey undoes the printing of a rule's id.
func ruleKey(id string) []byte {
	k, _ := hex.DecodeString(id) // made by addRules
	return k
}

// rules gives every rule with its count.
func (b *books) rules() ([]Rule, error) {
	out := []Rule{}
	err := b.db.View(func(tx *bolt.Tx) error {
		return tx.Bucket(bucketFaults).ForEach(func(_, v []byte) error {
			var r Rule
			if err := json.Unmarshal(v, &r); err != nil {
				return err
			}
			out = append(out, r)
			return nil
		})
	})
	return out, err
}

// clearRules removes every rule and what it counted. What the accounts counted
// stays.
func (b *books) clearRules() error {
	return b.db.Update(func(tx *bolt.Tx) error {
		for _, name := range [][]byte{bucketFaults, bucketDraws} {
			var keys [][]byte
			err := tx.Bucket(name).ForEach(func(k, _ []byte) error {
				if !bytes.HasPrefix(k, []byte(accountRuleID+"|")) {
					keys = append(keys, k)
				}
				return nil
			})
			if err != nil {
				return err
			}
			for _, k := range keys {
				if err := tx.Bucket(name).Delete(k); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
