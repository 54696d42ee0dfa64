package postgres

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

var keyAlphabet = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// formatKey writes 32 secret bytes as a partner's key: the mode, the bytes and
// a checksum, so that a mistyped key is known without a look-up.
func formatKey(mode string, secret []byte) string {
	body := binary.BigEndian.AppendUint32(secret[:32:32], crc32.ChecksumIEEE(secret[:32]))
	return "aid_" + mode + "_" + keyAlphabet.EncodeToString(body)
}

// ValidKey tells whether a text has the form and the checksum of a key, not
// whether the key is in force.
func ValidKey(key string) bool {
	mode, rest, _ := strings.Cut(strings.TrimPrefix(key, "aid_"), "_")
	raw, err := keyAlphabet.DecodeString(rest)
	return err == nil && len(raw) == 36 && (mode == "test" || mode == "live") && formatKey(mode, raw) == key
}

// CreateKey makes a key for a partner and returns it in clear, once: only its
// keyed hash is kept. At most two keys of a partner are in force at a time.
//
// Errors: NotFound partner_not_found; Conflict too_many_keys.
func (s *Store) CreateKey(ctx context.Context, partner, mode string, scopes []string, expires *time.Time) (id, key string, err error) {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails (documented)
	id, key = NewID(aid.KeyID), formatKey(mode, secret)
	err = s.Write(ctx, func(tx *Tx) error {
		var live int
		if err := tx.get(&live, `SELECT count(k.id) FROM (SELECT id FROM partners WHERE id = $1 AND ended_at IS NULL FOR UPDATE) p
			LEFT JOIN partner_keys k ON k.partner_id = p.id AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)
			GROUP BY p.id`, partner, tx.Wall); notFound(err) {
			return aid.Refuse(aid.NotFound, "partner_not_found")
		} else if err != nil {
			return err
		}
		if live >= 2 {
			return aid.Refuse(aid.Conflict, "too_many_keys")
		}
		return tx.insertKey(id, partner, mode, key, scopes, expires)
	})
	return id, key, err
}

func (tx *Tx) insertKey(id, partner, mode, key string, scopes []string, expires *time.Time) error {
	_, err := tx.exec(`INSERT INTO partner_keys (id, partner_id, key_hash, mode, scopes, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key_hash) DO NOTHING`,
		id, partner, tx.vault.Hash("partner-key", key), mode, pq.Array(scopes), tx.Wall, expires)
	return err
}

// RevokeKey ends a key at once. Revoking it again changes nothing.
//
// Errors: NotFound key_not_found.
func (s *Store) RevokeKey(ctx context.Context, partner, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		n, err := tx.exec(`UPDATE partner_keys SET revoked_at = coalesce(revoked_at, $3) WHERE id = $2 AND partner_id = $1`, partner, id, tx.Wall)
		if err == nil && n == 0 {
			return aid.Refuse(aid.NotFound, "key_not_found")
		}
		return err
	})
}

// PartnerByKey gives the caller behind a key.
//
// Errors: Unauthorized invalid_key, key_revoked (also when the partner has
// ended), key_expired.
func (s *Store) PartnerByKey(ctx context.Context, key string) (*Caller, error) {
	if !ValidKey(key) {
		return nil, aid.Refuse(aid.Unauthorized, "invalid_key")
	}
	var row struct {
		ID      string         `db:"id"`
		Name    string         `db:"name"`
		Code    string         `db:"code"`
		Area    string         `db:"area"`
		KeyID   string         `db:"key_id"`
		Mode    string         `db:"mode"`
		Scopes  pq.StringArray `db:"scopes"`
		Expires *time.Time     `db:"expires_at"`
		Revoked *time.Time     `db:"revoked_at"`
		Tree    int64          `db:"tree"`
	}
	err := s.get(ctx, &row, `
		SELECT p.id, p.name, p.code, p.area, k.id AS key_id, k.mode, k.scopes, k.expires_at,
		       coalesce(k.revoked_at, p.ended_at) AS revoked_at, (SELECT version FROM area_tree) AS tree
		FROM partner_keys k JOIN partners p ON p.id = k.partner_id WHERE k.key_hash = $1`, s.vault.Hash("partner-key", key))
	switch {
	case aid.KindOf(err) == aid.NotFound:
		return nil, aid.Refuse(aid.Unauthorized, "invalid_key")
	case err != nil:
		return nil, err
	case row.Revoked != nil:
		return nil, aid.Refuse(aid.Unauthorized, "key_revoked")
	case row.Expires != nil && !row.Expires.After(s.Now()):
		return nil, aid.Refuse(aid.Unauthorized, "key_expired")
	}
	covers, err := s.covers(ctx, row.Tree, []string{row.Area})
	if err != nil {
		return nil, err
	}
	return &Caller{Kind: CallerPartner, ID: row.ID, Name: row.Name, Code: row.Code, Area: row.Area, Areas: covers[row.Area],
		KeyID: row.KeyID, Mode: row.Mode, Scopes: row.Scopes, ExpiresAt: row.Expires}, nil
}
