package vietqr_test

import (
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/rails/vietqr"
)

// vector is the example of NAPAS.
const vector = "00020101021238530010A0000007270123000697041601092245284790208QRIBFTTA53037045405100005802VN62340107NPS68690819TRANSFER TO SOMEONE6304AC13"

func TestTheExampleOfNAPAS(t *testing.T) {
	t.Parallel()
	want := vietqr.Transfer{BankBIN: "970416", Account: "224528479", Amount: 10000, Bill: "NPS6869", Purpose: "TRANSFER TO SOMEONE"}
	if text, err := want.Payload(); err != nil || text != vector {
		t.Errorf("%v\n%s\n%s", err, text, vector)
	}
	if got, err := vietqr.Parse(vector); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`([!-~]([ -~]{0,23}[!-~])?)?`)
		want := vietqr.Transfer{
			BankBIN: rapid.StringMatching(`[0-9]{6}`).Draw(t, "bin"), Account: rapid.StringMatching(`[0-9A-Za-z]{1,19}`).Draw(t, "account"),
			Amount: rapid.Int64Range(0, 9_999_999_999_999).Draw(t, "amount"), Bill: text.Draw(t, "bill"), Purpose: text.Draw(t, "purpose"),
		}
		code, err := want.Payload()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := vietqr.Parse(code); err != nil || got != want {
			t.Fatalf("%+v became %+v, %v", want, got, err)
		}
		// One wrong character is always seen by the checksum.
		at := rapid.IntRange(0, len(code)-1).Draw(t, "at")
		other := rapid.Map(rapid.IntRange(' ', '~'), func(n int) byte { return byte(n) }).Draw(t, "character")
		if other != code[at] {
			if _, err := vietqr.Parse(code[:at] + string(other) + code[at+1:]); err == nil {
				t.Fatalf("%s is read with %q at %d", code, other, at)
			}
		}
	})
}

func TestWhatACodeCannotCarry(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(*vietqr.Transfer)
		want  vietqr.Fault
	}{
		"no bank":       {func(t *vietqr.Transfer) { t.BankBIN = "" }, vietqr.Fault{Field: "bank_bin", Code: "required"}},
		"another bank":  {func(t *vietqr.Transfer) { t.BankBIN = "97041a" }, vietqr.Fault{Field: "bank_bin", Code: "invalid"}},
		"no account":    {func(t *vietqr.Transfer) { t.Account = "" }, vietqr.Fault{Field: "account", Code: "required"}},
		"long account":  {func(t *vietqr.Transfer) { t.Account = strings.Repeat("1", 20) }, vietqr.Fault{Field: "account", Code: "too_long"}},
		"account":       {func(t *vietqr.Transfer) { t.Account = "1 2" }, vietqr.Fault{Field: "account", Code: "characters"}},
		"negative":      {func(t *vietqr.Transfer) { t.Amount = -1 }, vietqr.Fault{Field: "amount", Code: "invalid"}},
		"too much":      {func(t *vietqr.Transfer) { t.Amount = 10_000_000_000_000 }, vietqr.Fault{Field: "amount", Code: "too_large"}},
		"accents":       {func(t *vietqr.Transfer) { t.Purpose = "nhà" }, vietqr.Fault{Field: "purpose", Code: "characters"}},
		"space":         {func(t *vietqr.Transfer) { t.Purpose = "a " }, vietqr.Fault{Field: "purpose", Code: "characters"}},
		"long purpose":  {func(t *vietqr.Transfer) { t.Purpose = strings.Repeat("a", 26) }, vietqr.Fault{Field: "purpose", Code: "too_long"}},
		"long bill":     {func(t *vietqr.Transfer) { t.Bill = strings.Repeat("a", 26) }, vietqr.Fault{Field: "bill", Code: "too_long"}},
		"bill in lines": {func(t *vietqr.Transfer) { t.Bill = "a\nb" }, vietqr.Fault{Field: "bill", Code: "characters"}},
	} {
		tr := vietqr.Transfer{BankBIN: "970416", Account: "224528479", Amount: 1}
		c.spoil(&tr)
		var f *vietqr.Fault
		if text, err := tr.Payload(); !errors.As(err, &f) || *f != c.want || text != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCodesThatAreNoTransfer(t *testing.T) {
	t.Parallel()
	for n := range vector {
		if _, err := vietqr.Parse(vector[:n]); err == nil {
			t.Errorf("read though cut behind %d", n)
		}
	}
	for name, change := range map[string][2]string{
		"currency": {"5303704", "5303840"}, "country": {"5802VN", "5802TH"}, "service": {"0208QRIBFTTA", "0208QRIBFTTC"},
		"scheme": {"A000000727", "A000000728"}, "version": {"000201", "000202"}, "length": {"3853", "3854"}, "tag twice": {"5802VN", "5402VN"},
	} {
		body := strings.Replace(vector[:len(vector)-4], change[0], change[1], 1)
		if _, err := vietqr.Parse(body + vietqr.Checksum(body)); err == nil {
			t.Errorf("another %s is read", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(vector)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4 {
			text += vietqr.Checksum(text)
		}
		tr, err := vietqr.Parse(text)
		if err != nil {
			return
		}
		if again, err := tr.Payload(); err != nil || again == "" {
			t.Fatalf("%+v is read and not written: %v", tr, err)
		}
	})
}
