package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// How long an answer is kept, and how long a request may be under way before
// another copy of it takes over.
const (
	idempotencyKept   = 90 * 24 * time.Hour
	idempotencyLapses = 60 * time.Second
)

// IdemScope says whose request it is: caller and route, the client's key, and
// the fingerprint of method, path and body.
type IdemScope struct {
	Caller      string
	Route       string
	Key         string
	Fingerprint []byte
}

// row gives the primary key of the record. The client's key is hashed: it may
// hold anything.
func (i IdemScope) row() (caller, route, key string) {
	sum := sha256.Sum256([]byte(i.Key))
	return i.Caller, i.Route, hex.EncodeToString(sum[:])
}

func (i IdemScope) sealedRow() string {
	caller, route, key := i.row()
	return caller + "|" + route + "|" + key
}

// IdemAnswer is what a request was, or is to be, answered. ResourceID is the
// id of what it creates: the same for every copy of the request, so that a
// crash between the commit and the answer never creates twice.
type IdemAnswer struct {
	Done       bool              `json:"-"`
	Status     int               `json:"status"`
	Header     map[string]string `json:"header,omitempty"`
	Body       []byte            `json:"body,omitempty"`
	ResourceID string            `json:"-"`
}

// BeginIdempotent takes a key for a request. The first copy gets an answer
// that is not Done and its own freshID; a later copy gets the finished answer.
// A copy that finds the first one silent for a minute takes over, with the
// first one's ResourceID.
//
// Errors: Invalid idempotency_key_reused (other content under the key);
// Conflict idempotency_running with param retry_after in seconds.
func (s *Store) BeginIdempotent(ctx context.Context, scope IdemScope, freshID string) (IdemAnswer, error) {
	answer := IdemAnswer{ResourceID: freshID}
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.unhurried(); err != nil {
			return err
		}
		caller, route, key := scope.row()
		n, err := tx.exec(`INSERT INTO idempotency_keys (caller, route, key, fingerprint, resource_id, created_at, taken_at)
			VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT DO NOTHING`, caller, route, key, scope.Fingerprint, freshID, tx.Wall)
		if err != nil || n == 1 {
			return err
		}
		answer, err = tx.earlier(scope)
		return err
	})
	return answer, err
}

// unhurried lets the commit return before the disk has it. A commit that waits
// for the disk, such as that of the request's own effect, takes it along: the
// record of a request is never lost before its effect.
func (tx *Tx) unhurried() error {
	_, err := tx.exec(`SET LOCAL synchronous_commit = off`)
	return err
}

func (tx *Tx) earlier(scope IdemScope) (IdemAnswer, error) {
	var row struct {
		Fingerprint []byte    `db:"fingerprint"`
		ResourceID  string    `db:"resource_id"`
		Status      *int      `db:"status"`
		Sealed      []byte    `db:"sealed"`
		TakenAt     time.Time `db:"taken_at"`
	}
	caller, route, key := scope.row()
	err := tx.get(&row, `SELECT fingerprint, resource_id, status, sealed, taken_at FROM idempotency_keys
		WHERE caller = $1 AND route = $2 AND key = $3 FOR UPDATE`, caller, route, key)
	if notFound(err) { // given up meanwhile
		return IdemAnswer{}, running(time.Second)
	}
	if err != nil {
		return IdemAnswer{}, err
	}
	if !bytes.Equal(row.Fingerprint, scope.Fingerprint) {
		return IdemAnswer{}, aid.Refuse(aid.Invalid, "idempotency_key_reused")
	}
	if row.Status != nil {
		return tx.openAnswer(scope, row.ResourceID, row.Sealed)
	}
	if left := idempotencyLapses - tx.Wall.Sub(row.TakenAt); left > 0 {
		return IdemAnswer{}, running(min(left, 2*time.Second))
	}
	return IdemAnswer{ResourceID: row.ResourceID}, tx.one(`UPDATE idempotency_keys SET taken_at = $4
		WHERE caller = $1 AND route = $2 AND key = $3`, caller, route, key, tx.Wall)
}

func running(retry time.Duration) error {
	return aid.Refuse(aid.Conflict, "idempotency_running", "retry_after", strconv.Itoa(int(max(retry, time.Second).Seconds())))
}

func (tx *Tx) openAnswer(scope IdemScope, resource string, sealed []byte) (IdemAnswer, error) {
	plain, err := tx.vault.Open("idempotency_keys", "sealed", scope.sealedRow(), sealed)
	if err != nil {
		return IdemAnswer{}, err
	}
	answer := IdemAnswer{Done: true, ResourceID: resource}
	return answer, json.Unmarshal(plain, &answer)
}

// FinishIdempotent keeps the answer of a request, sealed. When it is lost in a
// crash, the next copy of the request takes over and comes to the same answer.
func (s *Store) FinishIdempotent(ctx context.Context, scope IdemScope, answer IdemAnswer) error {
	plain, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	sealed, err := s.vault.Seal("idempotency_keys", "sealed", scope.sealedRow(), plain)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.unhurried(); err != nil {
			return err
		}
		caller, route, key := scope.row()
		_, err := tx.exec(`UPDATE idempotency_keys SET status = $4, sealed = $5 WHERE caller = $1 AND route = $2 AND key = $3 AND status IS NULL`,
			caller, route, key, answer.Status, sealed)
		return err
	})
}

// AbandonIdempotent frees the key of a request that had no effect: it failed
// inside or was cancelled.
func (s *Store) AbandonIdempotent(ctx context.Context, scope IdemScope) error {
	return s.Write(ctx, func(tx *Tx) error {
		caller, route, key := scope.row()
		_, err := tx.exec(`DELETE FROM idempotency_keys WHERE caller = $1 AND route = $2 AND key = $3 AND status IS NULL`, caller, route, key)
		return err
	})
}

// SweepIdempotency drops the answers that are older than 90 days and tells how
// many they were.
func (s *Store) SweepIdempotency(ctx context.Context) (int64, error) {
	var n int64
	err := s.Write(ctx, func(tx *Tx) (err error) {
		n, err = tx.exec(`DELETE FROM idempotency_keys WHERE created_at < $1`, tx.Wall.Add(-idempotencyKept))
		return err
	})
	return n, err
}
