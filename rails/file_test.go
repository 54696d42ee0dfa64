package rails_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
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

func TestTheOtherSideIsNeverPrinted(t *testing.T) {
	l := rails.ReportLine{N: 7, EndToEnd: "a/1/1", Amount: 5, Name: "canary", Account: "canary", Text: "canary", Reference: "R", Code: "canary"}
	foreign := l
	foreign.EndToEnd = "canary"
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		fmt.Fprintf(&out, verb+verb+verb+"\n", l, &l, rails.Report{Lines: []rails.ReportLine{l, foreign}})
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("read", "line", l, "ptr", &l, "lines", []rails.ReportLine{l})
	if s := out.String(); strings.Contains(s, "canary") || strings.Contains(s, fmt.Sprintf("%x", "canary")) || !strings.Contains(s, "line 7: a/1/1") {
		t.Errorf("the other side of a movement was printed:\n%s", s)
	}
}
