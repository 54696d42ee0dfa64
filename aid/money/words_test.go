package money_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid/money"
)

func TestWordsInVietnamese(t *testing.T) {
	for amount, want := range map[int64]string{
		0:                 "Không đồng",
		1:                 "Một đồng",
		4:                 "Bốn đồng",
		5:                 "Năm đồng",
		10:                "Mười đồng",
		11:                "Mười một đồng",
		14:                "Mười bốn đồng",
		15:                "Mười lăm đồng",
		20:                "Hai mươi đồng",
		21:                "Hai mươi mốt đồng",
		24:                "Hai mươi tư đồng",
		25:                "Hai mươi lăm đồng",
		30:                "Ba mươi đồng",
		91:                "Chín mươi mốt đồng",
		100:               "Một trăm đồng",
		101:               "Một trăm linh một đồng",
		104:               "Một trăm linh bốn đồng",
		105:               "Một trăm linh năm đồng",
		110:               "Một trăm mười đồng",
		111:               "Một trăm mười một đồng",
		115:               "Một trăm mười lăm đồng",
		121:               "Một trăm hai mươi mốt đồng",
		555:               "Năm trăm năm mươi lăm đồng",
		1_000:             "Một nghìn đồng",
		1_005:             "Một nghìn không trăm linh năm đồng",
		1_015:             "Một nghìn không trăm mười lăm đồng",
		1_050:             "Một nghìn không trăm năm mươi đồng",
		1_500:             "Một nghìn năm trăm đồng",
		21_000:            "Hai mươi mốt nghìn đồng",
		57_000_000:        "Năm mươi bảy triệu đồng",
		12_700_000:        "Mười hai triệu bảy trăm nghìn đồng",
		1_000_005:         "Một triệu không trăm linh năm đồng",
		1_005_000:         "Một triệu không trăm linh năm nghìn đồng",
		54_321_455:        "Năm mươi tư triệu ba trăm hai mươi mốt nghìn bốn trăm năm mươi lăm đồng",
		1_000_000_000:     "Một tỷ đồng",
		59_500_000_000:    "Năm mươi chín tỷ năm trăm triệu đồng",
		2_040_000_000:     "Hai tỷ không trăm bốn mươi triệu đồng",
		1_200_000_000_000: "Một nghìn hai trăm tỷ đồng",
		1_000_000_000_001: "Một nghìn tỷ không trăm linh một đồng",
		-57_000_000:       "Âm năm mươi bảy triệu đồng",
		math.MaxInt64:     "Chín tỷ hai trăm hai mươi ba triệu ba trăm bảy mươi hai nghìn không trăm ba mươi sáu tỷ tám trăm năm mươi tư triệu bảy trăm bảy mươi lăm nghìn tám trăm linh bảy đồng",
	} {
		if got := money.Of(amount, "VND").Words("vi"); got != want {
			t.Errorf("%d: %s\nwant %s", amount, got, want)
		}
	}
}

func TestWordsInOtherLanguages(t *testing.T) {
	for _, tt := range []struct {
		amount         int64
		currency, lang string
		want           string
	}{
		{0, "VND", "en", "Zero dong"},
		{13, "VND", "en", "Thirteen dong"},
		{40, "VND", "en", "Forty dong"},
		{57_000_000, "VND", "en", "Fifty-seven million dong"},
		{1_001_115, "VND", "en", "One million one thousand one hundred fifteen dong"},
		{59_500_000_000, "VND", "en", "Fifty-nine billion five hundred million dong"},
		{57_000_000, "VND", "fr", "Fifty-seven million dong"},
		{1250, "USD", "en", "Twelve US dollars and 50/100"},
		{1250, "USD", "vi", "Mười hai đô la Mỹ và 50/100"},
		{5, "USD", "en", "Zero US dollars and 05/100"},
		{1200, "USD", "en", "Twelve US dollars"},
		{1_500, "KWD", "en", "One KWD and 500/1000"},
		{-1, "VND", "id", "Minus satu dong"},
		{0, "VND", "id", "Nol dong"},
		{10, "VND", "id", "Sepuluh dong"},
		{11, "VND", "id", "Sebelas dong"},
		{12, "VND", "id", "Dua belas dong"},
		{19, "VND", "id", "Sembilan belas dong"},
		{20, "VND", "id", "Dua puluh dong"},
		{100, "VND", "id", "Seratus dong"},
		{119, "VND", "id", "Seratus sembilan belas dong"},
		{1_000, "VND", "id", "Seribu dong"},
		{1_100, "VND", "id", "Seribu seratus dong"},
		{21_000, "VND", "id", "Dua puluh satu ribu dong"},
		{1_000_000, "VND", "id", "Satu juta dong"},
		{2_001_000, "VND", "id", "Dua juta seribu dong"},
		{57_000_000, "VND", "id", "Lima puluh tujuh juta dong"},
	} {
		if got := money.Of(tt.amount, tt.currency).Words(tt.lang); got != tt.want {
			t.Errorf("%d %s in %s: %s\nwant %s", tt.amount, tt.currency, tt.lang, got, tt.want)
		}
	}
}

// Whatever the amount: it can be said, two amounts never sound alike, and
// no word is left out between two spaces.
func TestAmountsDoNotSoundAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		if rapid.Bool().Draw(t, "near") {
			b = a + int64(rapid.IntRange(-2000, 2000).Draw(t, "apart"))
		}
		for _, lang := range []string{"vi", "en", "id"} {
			said := money.Of(a, "VND").Words(lang)
			if strings.Contains(said, "  ") || strings.TrimSpace(said) != said {
				t.Fatalf("%q", said)
			}
			if a != b && said == money.Of(b, "VND").Words(lang) {
				t.Fatalf("%d and %d are both %q", a, b, said)
			}
		}
	})
}
