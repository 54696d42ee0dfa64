package simulator

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/aidflow/aidflow/rails"
)

// Buckets of the books.
var (
	bucketMeta      = []byte("meta")      // "salt" -> random bytes of the fingerprints
	bucketPayments  = []byte("payments")  // key -> record
	bucketPostings  = []byte("postings")  // sequence -> Posting; only ever added to
	bucketDue       = []byte("due")       // instant and key -> nothing: settlements to come
	bucketCallbacks = []byte("callbacks") // instant and id -> job: deliveries to come
	bucketFaults    = []byte("faults")    // rule id -> Rule
	bucketDraws     = []byte("draws")     // rule id and key -> draw
)

// Accounts of the bank's own ledger. Each posting moves an amount from one to
// another, so the balances always sum to zero.
const (
	accountOperator = "operator" // the fund's account at this bank
	accountClearing = "clearing" // taken from the operator, not yet with the payee
	accountPayees   = "payees"   // outside: with the payees
)

// Posting is one line of the bank's ledger.
type Posting struct {
	Seq      uint64    `json:"seq"`
	Key      string    `json:"key"`
	From     string    `json:"from"`
	To       string    `json:"to"`
	Amount   int64     `json:"amount"` // minor units
	Currency string    `json:"currency"`
	At       time.Time `json:"at"`
}

// record is what the books keep of one instruction. The payee is kept only as
// a keyed hash, as part of the fingerprint.
type record struct {
	Status      rails.Status `json:"status"`
	Fingerprint string       `json:"fingerprint"`
	AcceptedAt  time.Time    `json:"accepted_at"`
	Outcome     rails.State  `json:"outcome"` // what the scheduled settlement will bring
	OutcomeCode string       `json:"outcome_code,omitempty"`
	HiddenAsks  int          `json:"hidden_asks,omitempty"`
}

// books is the durable memory of the simulator. A call that returns without an
// error has been synced to the disk.
type books struct {
	db   *bolt.DB
	salt []byte
}

var errKeyConflict = errors.New("simulator: the key is used with other content")

// openBooks opens or makes the file. Only one process can hold it.
func openBooks(file string) (*books, error) {
	db, err := bolt.Open(file, 0o600, &bolt.Options{Timeout: 2 * time.Second})
	if errors.Is(err, berrors.ErrTimeout) {
		return nil, errors.New("simulator: another process holds the books")
	}
	if err != nil {
		return nil, fmt.Errorf("simulator: open the books: %w", err)
	}
	b := &books{db: db}
	if err := db.Update(b.prepare); err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("simulator: prepare the books: %w", err)
	}
	return b, nil
}

func (b *books) prepare(tx *bolt.Tx) error {
	for _, name := range [][]byte{
		bucketMeta, bucketPayments, bucketPostings, bucketDue, bucketCallbacks, bucketFaults, bucketDraws,
	} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(bucketMeta)
	if s := meta.Get([]byte("salt")); s != nil {
		b.salt = append([]byte(nil), s...)
		return nil
	}
	b.salt = make([]byte, 32)
	_, _ = rand.Read(b.salt) // never fails
	return meta.Put([]byte("salt"), b.salt)
}

func (b *books) close() error { return b.db.Close() }

// fingerprint is a keyed hash of everything in an instruction, so that other
// content under a used key is found without keeping the payee.
func (b *books) fingerprint(in rails.Instruction) string {
	content, _ := json.Marshal(requestOf(in)) // strings and a number: never fails
	m := hmac.New(sha256.New, b.salt)
	m.Write(content)
	return hex.EncodeToString(m.Sum(nil))
}

// plan says how the execution of one instruction is to go.
type plan struct {
	now         time.Time
	settleAfter time.Duration
	callbacks   bool // somebody wants callbacks
}

// execute takes an instruction once. The same content under the same key gives
// the status as it is now, other content errKeyConflict. fresh says that this
// call took it (or refused it) for the first time.
func (b *books) execute(in rails.Instruction, p plan) (s rails.Status, fresh bool, err error) {
	err = b.db.Update(func(tx *bolt.Tx) error {
		print := b.fingerprint(in)
		r, found, err := getRecord(tx, in.Key)
		if err != nil {
			return err
		}
		if found {
			s, fresh = r.Status, false
			if r.Fingerprint != print {
				return errKeyConflict
			}
			return nil
		}
		r, err = take(tx, in, p)
		if err != nil {
			return err
		}
		r.Fingerprint = print
		s, fresh = r.Status, true
		return put(tx, bucketPayments, []byte(in.Key), r)
	})
	return s, fresh, err
}

// take makes the record of a new instruction, with its first posting and its
// scheduled outcome.
func take(tx *bolt.Tx, in rails.Instruction, p plan) (record, error) {
	seq, err := tx.Bucket(bucketPayments).NextSequence()
	if err != nil {
		return record{}, err
	}
	r := record{AcceptedAt: p.now, Status: rails.Status{
		Key: in.Key, State: rails.Accepted, Reference: fmt.Sprintf("sim_%010d", seq),
		Amount: in.Amount, Currency: in.Currency, At: p.now,
	}}
	code, err := refusedWith(tx, in)
	if err != nil {
		return record{}, err
	}
	if code != "" {
		r.Status.State, r.Status.Code = rails.Refused, code
		return r, nil
	}
	for _, a := range accountRules(in) {
		if a.Kind == Hide {
			r.HiddenAsks = a.PerKey
		}
	}
	if err := post(tx, r.Status, accountOperator, accountClearing, p.now); err != nil {
		return record{}, err
	}
	if err := schedule(tx, in, p, &r); err != nil {
		return record{}, err
	}
	return r, claimEarly(tx, r.Status, p)
}

func refusedWith(tx *bolt.Tx, in rails.Instruction) (string, error) {
	if code := refusalCode(in); code != "" {
		return code, nil
	}
	rule, err := draw(tx, onExecute, in.Key, accountRules(in))
	if err != nil || rule == nil {
		return "", err
	}
	return rule.code(), nil
}

// schedule decides the outcome of an accepted instruction and when it comes.
func schedule(tx *bolt.Tx, in rails.Instruction, p plan, r *record) error {
	rule, err := draw(tx, onSettle, in.Key, accountRules(in))
	if err != nil {
		return err
	}
	r.Outcome = rails.Settled
	at := p.now.Add(p.settleAfter)
	if rule != nil {
		switch rule.Kind {
		case NeverSettle:
			return nil
		case Fail:
			r.Outcome, r.OutcomeCode = rails.Failed, rule.code()
		case SettleLate:
			wait := rule.delay()
			if wait == 0 {
				wait = lateFactor * p.settleAfter
			}
			at = p.now.Add(wait)
		}
	}
	return tx.Bucket(bucketDue).Put(timeKey(at, in.Key), nil)
}

// ask gives the status of a key as the simulator is willing to tell it.
func (b *books) ask(key string, now time.Time) (rails.Status, error) {
	var r record
	var found bool
	err := b.db.View(func(tx *bolt.Tx) (err error) {
		r, found, err = getRecord(tx, key)
		return err
	})
	if err != nil {
		return rails.Status{}, err
	}
	if found && r.HiddenAsks > 0 {
		found = false
		err = b.db.Update(func(tx *bolt.Tx) error { return countHidden(tx, key) })
	}
	if !found {
		return rails.Status{Key: key, State: rails.NotFound, At: now}, err
	}
	return r.Status, err
}

func countHidden(tx *bolt.Tx, key string) error {
	r, found, err := getRecord(tx, key)
	if err != nil || !found || r.HiddenAsks == 0 {
		return err
	}
	r.HiddenAsks--
	return put(tx, bucketPayments, []byte(key), r)
}

// acceptedAt tells when a key was taken; the zero time when it was not.
func (b *books) acceptedAt(key string) (at time.Time, err error) {
	err = b.db.View(func(tx *bolt.Tx) error {
		r, _, err := getRecord(tx, key)
		at = r.AcceptedAt
		return err
	})
	return at, err
}

// post adds one line to the bank's ledger.
func post(tx *bolt.Tx, s rails.Status, from, to string, at time.Time) error {
	bucket := tx.Bucket(bucketPostings)
	seq, err := bucket.NextSequence()
	if err != nil {
		return err
	}
	return put(tx, bucketPostings, binary.BigEndian.AppendUint64(nil, seq), Posting{
		Seq: seq, Key: s.Key, From: from, To: to, Amount: s.Amount, Currency: s.Currency, At: at,
	})
}

func getRecord(tx *bolt.Tx, key string) (record, bool, error) {
	var r record
	v := tx.Bucket(bucketPayments).Get([]byte(key))
	if v == nil {
		return r, false, nil
	}
	return r, true, json.Unmarshal(v, &r)
}

func put(tx *bolt.Tx, bucket, key []byte, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return tx.Bucket(bucket).Put(key, b)
}

// timeKey orders what is to come by its instant.
func timeKey(at time.Time, id string) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(at.UnixNano())), id...)
}

// splitTimeKey undoes timeKey.
func splitTimeKey(k []byte) (at time.Time, id string) {
	return time.Unix(0, int64(binary.BigEndian.Uint64(k[:8]))).UTC(), string(k[8:])
}
