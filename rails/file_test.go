package rails_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
)

func TestAKeyTravelsInFiles(t *testing.T) {
	const award = "awd_01hx5zzkbkactav9wevgemmvrz"
	for _, key := range []string{aid.RailKey(award, 1, 1), aid.RailKey(award, 12, 999)} {
		id := rails.EndToEnd(key)
		if len(id) > 35 {
			t.Errorf("%s is longer than a file allows", id)
		}
		if back, ok := rails.KeyOf(id); !ok || back != key {
			t.Errorf("%s came back as %s", key, back)
		}
	}
	for _, foreign := range []string{"", "INV-2026", "a//1", "x/0/1", "ab_cd"} {
		if key, ok := rails.KeyOf(foreign); ok {
			t.Errorf("%q became the key %s", foreign, key)
		}
	}
}
