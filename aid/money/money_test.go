package money_test

import (
	"math"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"pgregory.net/rapid"
)

func TestAddAndSub(t *testing.T) {
	tests := []struct {
		name      string
		a, b      money.Money
		sum, diff int64
		addCode   string
		subCode   string
	}{
		{"plain", money.Of(40, "VND"), money.Of(2, "VND"), 42, 38, "", ""},
		{"negative", money.Of(-5, "VND"), money.Of(7, "VND"), 2, -12, "", ""},
		{"zero", money.Of(5, "VND"), money.Of(0, "VND"), 5, 5, "", ""},
		{"other currency", money.Of(1, "VND"), money.Of(1, "USD"), 0, 0, "currency_mismatch", "currency_mismatch"},
		{"too big", money.Of(math.MaxInt64, "VND"), money.Of(1, "VND"), 0, math.MaxInt64 - 1, "amount_overflow", ""},
		{"too small", money.Of(math.MinInt64, "VND"), money.Of(1, "VND"), math.MinInt64 + 1, 0, "", "amount_overflow"},
		{"minus the smallest", money.Of(0, "VND"), money.Of(math.MinInt64, "VND"), math.MinInt64, 0, "", "amount_overflow"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			sum, err := tt.a.Add(tt.b)
			expect(t, "Add", sum.Amount, err, tt.sum, tt.addCode)
			diff, err := tt.a.Sub(tt.b)
			expect(t, "Sub", diff.Amount, err, tt.diff, tt.subCode)
		})
	}
}

func expect(t *testing.T, what string, got int64, err error, want int64, code string) {
	t.Helper()
	if aid.CodeOf(err) != code {
		t.Fatalf("%s: error %v, want code %q", what, err, code)
	}
	if code == "" && got != want {
		t.Errorf("%s = %d, want %d", what, got, want)
	}
}

func TestAddThenSubIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := money.Of(rapid.Int64().Draw(t, "a"), "VND"), money.Of(rapid.Int64().Draw(t, "b"), "VND")
		sum, err := a.Add(b)
		if err != nil {
			return
		}
		if back, err := sum.Sub(b); err != nil || back != a {
			t.Fatalf("a+b-b = %v (%v), want %v", back, err, a)
		}
	})
}

func TestSplit(t *testing.T) {
	tests := []struct {
		name   string
		amount int64
		shares []int
		want   []int64
		code   string
	}{
		{"a house", 57_000_000, []int{40, 40, 20}, []int64{22_800_000, 22_800_000, 11_400_000}, ""},
		{"remainder goes last", 101, []int{40, 40, 20}, []int64{40, 40, 21}, ""},
		{"too small to share", 1, []int{40, 40, 20}, []int64{0, 0, 1}, ""},
		{"one part", 5_000_000, []int{100}, []int64{5_000_000}, ""},
		{"nothing", 0, []int{50, 50}, []int64{0, 0}, ""},
		{"99 percent", 100, []int{40, 59}, nil, "shares_invalid"},
		{"no shares", 100, nil, nil, "shares_invalid"},
		{"negative share", 100, []int{120, -20}, nil, "shares_invalid"},
		{"zero share", 100, []int{100, 0}, nil, "shares_invalid"},
		{"negative amount", -100, []int{50, 50}, nil, "amount_negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			parts, err := money.Of(tt.amount, "VND").Split(tt.shares)
			if aid.CodeOf(err) != tt.code || len(parts) != len(tt.want) {
				t.Fatalf("Split = %v, %v; want %v, code %q", parts, err, tt.want, tt.code)
			}
			for i, part := range parts {
				if part != money.Of(tt.want[i], "VND") {
					t.Errorf("part %d = %v, want %d", i, part, tt.want[i])
				}
			}
		})
	}
}

func TestSplitIsExactAndFair(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Min(0).Draw(t, "amount")
		shares := drawShares(t)
		parts, err := money.Of(amount, "VND").Split(shares)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		for i, part := range parts {
			if part.Amount < 0 {
				t.Fatalf("part %d is negative: %v", i, part)
			}
			sum += part.Amount
			ideal := float64(amount) / 100 * float64(shares[i])
			if math.Abs(float64(part.Amount)-ideal) > float64(len(parts))+ideal*1e-9 {
				t.Fatalf("part %d of %v is far from its share %d: %v", i, amount, shares[i], part)
			}
		}
		if sum != amount {
			t.Fatalf("parts add up to %d, want %d", sum, amount)
		}
	})
}

func drawShares(t *rapid.T) []int {
	var shares []int
	for left := 100; left > 0; {
		share := rapid.IntRange(1, left).Draw(t, "share")
		shares = append(shares, share)
		left -= share
	}
	return shares
}

func TestExponent(t *testing.T) {
	tests := []struct {
		currency string
		digits   int
		known    bool
	}{
		{"VND", 0, true}, {"USD", 2, true}, {"IDR", 2, true}, {"KWD", 3, true}, {"JPY", 0, true},
		{"ABC", 0, false}, {"vnd", 0, false}, {"", 0, false}, {"VN", 0, false}, {"D A", 0, false}, {"VND ", 0, false},
	}
	for _, tt := range tests {
		digits, known := money.Exponent(tt.currency)
		if digits != tt.digits || known != tt.known {
			t.Errorf("Exponent(%q) = %d, %v; want %d, %v", tt.currency, digits, known, tt.digits, tt.known)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		money money.Money
		lang  string
		want  string
	}{
		{money.Of(57_000_000, "VND"), "vi", "57.000.000\u00a0₫"},
		{money.Of(57_000_000, "VND"), "en", "57,000,000\u00a0₫"},
		{money.Of(57_000_000, "VND"), "id", "57.000.000\u00a0₫"},
		{money.Of(0, "VND"), "vi", "0\u00a0₫"},
		{money.Of(999, "VND"), "vi", "999\u00a0₫"},
		{money.Of(1000, "VND"), "vi", "1.000\u00a0₫"},
		{money.Of(-1234, "VND"), "vi", "-1.234\u00a0₫"},
		{money.Of(123456, "USD"), "en", "1,234.56\u00a0USD"},
		{money.Of(5, "USD"), "vi", "0,05\u00a0USD"},
		{money.Of(-5, "USD"), "fr", "-0.05\u00a0USD"},
		{money.Of(1500, "KWD"), "en", "1.500\u00a0KWD"},
		{money.Of(math.MinInt64, "VND"), "en", "-9,223,372,036,854,775,808\u00a0₫"},
	}
	for _, tt := range tests {
		if got := tt.money.Format(tt.lang); got != tt.want {
			t.Errorf("Format(%v, %s) = %q, want %q", tt.money, tt.lang, got, tt.want)
		}
	}
}
