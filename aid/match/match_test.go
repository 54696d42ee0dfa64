package match_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid/match"
)

func TestNameKey(t *testing.T) {
	t.Parallel()
	const want = "hong nguyen thi"
	for _, name := range []string{"Nguyễn Thị Hồng", "NGUYEN THI HONG", "Hong Nguyen Thi", "nguyễn  thị\thồng", "Nguyễn, Thị-Hồng",
		"Nguyễn Thị Hồng"} { // the last one decomposed
		if got := match.NameKey(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for _, pair := range []struct {
		a, b string
		same bool
	}{
		{"Trần Văn Hòa", "Trần Văn Hoà", true}, {"Đỗ Thúy", "do thuý", true}, {"Lý Mỹ Quý", "Lí Mĩ Quí", true}, {"Ðặng Ý", "Đặng Í", true},
		{"Lê Thị Mây", "Lê Thị Mai", false}, {"Võ Thị Tây", "Võ Thị Tài", false}, {"Trần Văn An", "Trần Văn Ân", true},
		{"", " .", true}, {"Bùi Lan", "Bùi Lam", false},
	} {
		if got := match.NameKey(pair.a) == match.NameKey(pair.b); got != pair.same {
			t.Errorf("%q and %q: same %v", pair.a, pair.b, got)
		}
	}
}

func TestNameScore(t *testing.T) {
	t.Parallel()
	const same, close, apart = 0.999, 0.75, match.Clearly
	for _, tt := range []struct {
		a, b     string
		from, to float64
	}{
		{"Nguyễn Thị Hồng", "NGUYEN THI HONG", same, 1},
		{"Nguyễn Thị Hồng", "Hong Nguyen Thi", same, 1},
		{"Nguyễn Thị Hồng", "Hồng Nguyễn Thị", same, 1},
		{"Trần Văn Hòa", "Trần Văn Hoà", same, 1},
		{"Nguyễn Thị Hồng", "N.T.Hồng", 0.93, 0.999},
		{"Nguyễn Thị Hồng", "Nguyễn Hồng", 0.9, 0.999},
		{"Nguyễn Thị Hồng", "Nguyen Thi Hogn", 0.85, 0.999},    // neighbours exchanged
		{"Nguyễn Thị Phượng", "Nguyễn Thị Phượg", 0.85, 0.999}, // a letter lost
		{"Nguyễn Thị Hồng", "Nguyễn Thị Hông", close, 0.93},    // another tone, both typed with marks
		{"Nguyễn Văn Hùng", "Nguyễn Văn Hưng", close, 0.93},    // two names
		{"Nguyễn Văn Hùng", "Nguyen Van Hung", same, 1},        // one of them without marks: may be either
		{"Nguyễn Thị Hồng", "Nguyễn Thị Hoa", 0, apart},
		{"Nguyễn Thị Hồng", "Trần Văn Bình", 0, apart},
		{"Nguyễn Thị Hồng", "Nguyễn Văn Tuấn", 0, apart},
		{"Lê Thị Lan", "Lê Thị Mai", 0, apart},
		{"", "Lê Thị Lan", 0, 0},
	} {
		if got := match.NameScore(tt.a, tt.b); got < tt.from || got > tt.to {
			t.Errorf("%q and %q: %.3f, want %.3f to %.3f", tt.a, tt.b, got, tt.from, tt.to)
		}
	}
}

func TestNameScoreIsASimilarity(t *testing.T) {
	t.Parallel()
	name := rapid.StringMatching(`[A-ZĐÂÊ][a-zăâêôơưáàếồữị]{0,6}( [A-ZĐ][a-zăâêôơưáàếồữị]{0,6}){1,4}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b := name.Draw(t, "a"), name.Draw(t, "b")
		score := match.NameScore(a, b)
		if score < 0 || score > 1+1e-9 {
			t.Fatalf("%v", score)
		}
		if back := match.NameScore(b, a); back-score > 1e-9 || score-back > 1e-9 {
			t.Fatalf("one way %v, the other %v", score, back)
		}
		if self := match.NameScore(a, a); self < 1-1e-9 {
			t.Fatalf("a name and itself: %v", self)
		}
		if plain := match.NameScore(a, match.Plain(a)); plain < 1-1e-9 {
			t.Fatalf("a name and itself without accents: %v", plain)
		}
	})
}

func TestAlike(t *testing.T) {
	t.Parallel()
	hong := match.Person{Name: "Nguyễn Thị Hồng", Born: "1984-03-02", Sex: "female", NationalID: "051184000913"}
	but := func(change func(*match.Person)) match.Person {
		p := hong
		change(&p)
		return p
	}
	for _, tt := range []struct {
		name  string
		other match.Person
		want  bool
	}{
		{"the same", hong, true},
		{"without accents, no number", but(func(p *match.Person) { p.Name, p.NationalID = "NGUYEN THI HONG", "" }), true},
		{"words in another order", but(func(p *match.Person) { p.Name, p.NationalID = "Hồng Nguyễn Thị", "" }), true},
		{"only the year known", but(func(p *match.Person) { p.Born, p.NationalID = "1984-01-01", "" }), true},
		{"another day of the year, no number", but(func(p *match.Person) { p.Born, p.NationalID = "1984-11-20", "" }), true},
		{"another day of the year, other number", but(func(p *match.Person) { p.Born, p.NationalID = "1984-11-20", "051184777777" }), false},
		{"day and month exchanged", but(func(p *match.Person) { p.Born, p.NationalID = "1984-02-03", "" }), true},
		{"a year apart by one digit", but(func(p *match.Person) { p.Born, p.NationalID = "1985-03-02", "" }), true},
		{"a year apart, another day", but(func(p *match.Person) { p.Born, p.NationalID = "1985-07-09", "" }), false},
		{"years apart", but(func(p *match.Person) { p.Born, p.NationalID = "1974-03-02", "" }), false},
		{"a digit of the number mistyped", but(func(p *match.Person) { p.NationalID = "051184000914" }), true},
		{"digits of the number exchanged, name mistyped", but(func(p *match.Person) { p.NationalID, p.Name = "051184009013", "Nguyen Thi Hogn" }), true},
		{"two numbers, name and day the same", but(func(p *match.Person) { p.NationalID = "051184777777" }), true},
		{"two numbers, name not quite the same", but(func(p *match.Person) { p.NationalID, p.Name = "051184777777", "Nguyễn Thị Hông" }), false},
		{"a sister", but(func(p *match.Person) { p.Name, p.NationalID = "Nguyễn Thị Hoa", "" }), false},
		{"a man of that name", but(func(p *match.Person) { p.Sex, p.Born, p.NationalID = "male", "1984-11-20", "" }), false},
		{"no birth date", but(func(p *match.Person) { p.Born = "" }), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			percent, got := match.Alike(hong, tt.other)
			if back, also := match.Alike(tt.other, hong); got != tt.want || also != got || back != percent {
				t.Errorf("%d %v, back %d %v", percent, got, back, also)
			}
		})
	}
}

func TestOtherName(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"Nguyễn Thị Hồng", "Trần Văn Bình", true}, {"Nguyễn Thị Hồng", "Nguyễn Thị Hoa", true}, {"Nguyễn Thị Hồng", "NGUYEN HONG", false},
		{"Nguyễn Thị Hồng", "", false}, {"Nguyễn Thị Hồng", "Nguyễn Thị Hông", false}, {"Nguyễn Thị Hồng", "N T Hong", false},
	} {
		if got := match.OtherName(tt.a, tt.b); got != tt.want {
			t.Errorf("%q and %q: %v", tt.a, tt.b, got)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, group := range [][]string{
		{"Số nhà 12, thôn 3", "so nha 12, th. 3", "12, Thon 3", "số 12 thôn 3", "Thôn 3, số 12", "SN 12, th3", "Số 12, Thôn 3, xã Sơn Tịnh, huyện Sơn Tịnh, tỉnh Quảng Ngãi"},
		{"12 Lê Lợi, tổ 5", "Số 12 đường Lê Lợi, tổ dân phố 5", "số nhà 12 Lê Lợi, TDP 5", "12 Le Loi, to 5, P. Nghĩa Lộ, TP. Quảng Ngãi"},
		{"Nhà ông Ba, xóm Đình", "nha ong ba, xom dinh"},
	} {
		want := match.Address(group[0])
		for _, other := range group {
			if got := match.Address(other); got != want || got == "" {
				t.Errorf("%q: %q, want %q", other, got, want)
			}
		}
	}
	for _, many := range []string{"", "thôn 3", "th. 3", "Thon 3", "Xóm Đình", "tổ dân phố 5, phường Nghĩa Lộ", "Lê Lợi", "đường Lê Lợi", "ấp 4", "Ba Tơ"} {
		if got := match.Address(many); got != "" {
			t.Errorf("%q is no house: %q", many, got)
		}
	}
	if match.Address("số 12, thôn 3") == match.Address("số 12, thôn 4") || match.Address("số 12, thôn 3") == match.Address("số 21, thôn 3") {
		t.Error("two houses are one")
	}
}

func TestPhoneKey(t *testing.T) {
	t.Parallel()
	for phone, want := range map[string]string{"0905000913": "0905000913", "+84 905 000 913": "0905000913", "0905.000.913": "0905000913",
		"84905000913": "0905000913", "0084905000913": "0905000913", "+62 812 3456 789": "628123456789", "0849000913": "0849000913", "": ""} {
		if got := match.PhoneKey(phone); got != want {
			t.Errorf("%q: %q, want %q", phone, got, want)
		}
	}
}
