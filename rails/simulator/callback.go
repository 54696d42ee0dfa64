package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
)

// callbackTolerance is how old, or how far ahead, a callback may be.
const callbackTolerance = 5 * time.Minute

// Headers of a callback, as in Standard Webhooks.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

// callbackBody is what a callback says. The state is a hint.
type callbackBody struct {
	Type      string      `json:"type"`
	Key       string      `json:"key"`
	State     rails.State `json:"state"`
	Timestamp time.Time   `json:"timestamp"`
}

const callbackType = "payment.updated"

// Hint is what a callback suggests: that something happened to a key. It may
// be early, late, doubled, reordered or wrong, so nothing is decided by it: the
// receiver asks the rail by the key.
type Hint struct {
	ID    string      // the same for every delivery of one callback
	Key   string      // business key of the instruction
	State rails.State // what the rail claims
}

// ParseCallback checks the signature of a callback and reads it. Several
// signatures may be given, as during a rotation; one must fit. Errors are
// *aid.Error: Unauthorized callback_forged (no signature fits), Unauthorized
// callback_stale (more than five minutes from now), Invalid callback_malformed
// (signed, but not a callback).
func ParseCallback(secret string, header http.Header, body []byte, now time.Time) (Hint, error) {
	id, stamp := header.Get(headerID), header.Get(headerTimestamp)
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if secret == "" || id == "" || err != nil || !anySigned(secret, id, stamp, body, header.Get(headerSignature)) {
		return Hint{}, aid.Refuse(aid.Unauthorized, "callback_forged")
	}
	if d := now.Sub(time.Unix(seconds, 0)); d > callbackTolerance || d < -callbackTolerance {
		return Hint{}, aid.Refuse(aid.Unauthorized, "callback_stale")
	}
	var b callbackBody
	if len(body) > maxBody || decodeStrict(body, &b) != nil ||
		b.Type != callbackType || !rails.ValidKey(b.Key) || !b.State.Valid() {
		return Hint{}, aid.Refuse(aid.Invalid, "callback_malformed")
	}
	return Hint{ID: id, Key: b.Key, State: b.State}, nil
}

// SignCallback gives the three headers of a callback sent at a time.
func SignCallback(secret, id string, at time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	h.Set(headerID, id)
	h.Set(headerTimestamp, stamp)
	h.Set(headerSignature, "v1,"+base64.StdEncoding.EncodeToString(signature(secret, id, stamp, body)))
	return h
}

func anySigned(secret, id, stamp string, body []byte, signatures string) bool {
	want := signature(secret, id, stamp, body)
	for s := range strings.FieldsSeq(signatures) {
		encoded, ok := strings.CutPrefix(s, "v1,")
		if !ok {
			continue
		}
		if got, err := base64.StdEncoding.DecodeString(encoded); err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}

func signature(secret, id, stamp string, body []byte) []byte {
	m := hmac.New(sha256.New, signingKey(secret))
	m.Write([]byte(id + "." + stamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

// signingKey reads a Standard Webhooks secret (whsec_ and base64); any other
// secret is used as it is.
func signingKey(secret string) []byte {
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		if key, err := base64.StdEncoding.DecodeString(encoded); err == nil && len(key) > 0 {
			return key
		}
	}
	return []byte(secret)
}
