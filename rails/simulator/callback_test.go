package simulator

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
)

func callbackFor(key string, state rails.State) []byte {
	b, _ := json.Marshal(callbackBody{Type: callbackType, Key: key, State: state, Timestamp: time.Unix(1, 0).UTC()})
	return b
}

func TestParseCallback(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	good := callbackFor("awd_1/tra_1/1", rails.Settled)
	signed := func(body []byte, at time.Time) http.Header { return SignCallback(testSecret, "msg_1", at, body) }
	with := func(h http.Header, name, value string) http.Header { h.Set(name, value); return h }
	for name, c := range map[string]struct {
		header http.Header
		body   []byte
		code   string
	}{
		"good":              {signed(good, now), good, ""},
		"a little old":      {signed(good, now.Add(-4*time.Minute)), good, ""},
		"old":               {signed(good, now.Add(-6*time.Minute)), good, "callback_stale"},
		"from the future":   {signed(good, now.Add(6*time.Minute)), good, "callback_stale"},
		"no headers":        {http.Header{}, good, "callback_forged"},
		"other body":        {signed(good, now), callbackFor("awd_2/tra_1/1", rails.Settled), "callback_forged"},
		"other secret":      {SignCallback("x", "msg_1", now, good), good, "callback_forged"},
		"other id":          {with(signed(good, now), headerID, "msg_2"), good, "callback_forged"},
		"refreshed":         {with(signed(good, now.Add(-time.Hour)), headerTimestamp, "1772438400"), good, "callback_forged"},
		"no number":         {with(signed(good, now), headerTimestamp, "today"), good, "callback_forged"},
		"wrong version":     {with(signed(good, now), headerSignature, "v2,AAAA"), good, "callback_forged"},
		"not JSON":          {signed([]byte("x"), now), []byte("x"), "callback_malformed"},
		"no key":            {signed(callbackFor("", rails.Settled), now), callbackFor("", rails.Settled), "callback_malformed"},
		"no state":          {signed(callbackFor("a/b/1", "paid"), now), callbackFor("a/b/1", "paid"), "callback_malformed"},
		"rotated signature": {with(signed(good, now), headerSignature, "v1,AAAA "+signed(good, now).Get(headerSignature)), good, ""},
	} {
		hint, err := ParseCallback(testSecret, c.header, c.body, now)
		if aid.CodeOf(err) != c.code {
			t.Errorf("%s: %v", name, err)
		}
		if c.code == "" && (hint != Hint{ID: "msg_1", Key: "awd_1/tra_1/1", State: rails.Settled}) {
			t.Errorf("%s: %+v", name, hint)
		}
	}
	if _, err := ParseCallback("", SignCallback("", "msg_1", now, good), good, now); aid.CodeOf(err) != "callback_forged" {
		t.Error("an empty secret is taken")
	}
}

// The example of the Standard Webhooks specification.
func TestSignatureIsThatOfStandardWebhooks(t *testing.T) {
	h := SignCallback("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek",
		time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if got := h.Get(headerSignature); got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("got %s", got)
	}
}

func TestAnyChangedBitIsForged(t *testing.T) {
	now := time.Unix(1772438400, 0)
	good := callbackFor("awd_1/tra_1/1", rails.Settled)
	rapid.Check(t, func(t *rapid.T) {
		body := append([]byte(nil), good...)
		i := rapid.IntRange(0, len(body)*8-1).Draw(t, "bit")
		body[i/8] ^= 1 << (i % 8)
		if _, err := ParseCallback(testSecret, SignCallback(testSecret, "msg_1", now, good), body, now); err == nil {
			t.Fatal("taken")
		}
	})
}
