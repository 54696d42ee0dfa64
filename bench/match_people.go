package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/aidflow/aidflow/internal/postgres"
)

// An invented register: people with names as often as they occur in Vietnam,
// by and large, in the communes of one province. The same seed gives the same
// people.

// share is a name with how many of a thousand people have it.
type share struct {
	name string
	of   int
}

var (
	families = []share{{"Nguyễn", 384}, {"Trần", 121}, {"Lê", 95}, {"Phạm", 70}, {"Huỳnh", 51}, {"Phan", 45}, {"Võ", 39}, {"Đặng", 21}, {"Bùi", 20},
		{"Đỗ", 14}, {"Hồ", 13}, {"Ngô", 13}, {"Dương", 10}, {"Lý", 5}, {"Đinh", 30}, {"Trương", 22}, {"Đoàn", 12}, {"Cao", 10}, {"Tạ", 8}, {"Mai", 8}, {"Lương", 9}}
	middleF = []share{{"Thị", 480}, {"Thị Ngọc", 60}, {"Thị Kim", 55}, {"Thị Thu", 60}, {"Thị Thanh", 55}, {"Ngọc", 60}, {"Thanh", 60}, {"Kim", 50}, {"Thị Mỹ", 40}, {"Thị Bích", 30}, {"Bảo", 25}, {"Thị Hồng", 25}}
	middleM = []share{{"Văn", 420}, {"Đức", 80}, {"Thanh", 80}, {"Quốc", 70}, {"Hữu", 60}, {"Minh", 80}, {"Ngọc", 50}, {"Công", 50}, {"Xuân", 40}, {"Tấn", 40}, {"Đình", 30}}
	givenF  = []share{{"Hồng", 40}, {"Hoa", 50}, {"Lan", 55}, {"Hương", 50}, {"Mai", 40}, {"Thảo", 40}, {"Trang", 40}, {"Hạnh", 35}, {"Nga", 35}, {"Oanh", 25}, {"Phượng", 30}, {"Yến", 35},
		{"Thủy", 40}, {"Hà", 40}, {"Hằng", 30}, {"Liên", 30}, {"Loan", 30}, {"Tuyết", 25}, {"Vân", 35}, {"Xuân", 20}, {"Sương", 20}, {"Diệp", 10}, {"Cúc", 20}, {"Bích", 15}, {"Ánh", 20}, {"Linh", 45},
		{"Nhung", 25}, {"Thu", 25}, {"Trinh", 20}, {"Tâm", 30}, {"My", 15}, {"Ngân", 25}, {"Nhi", 25}, {"Quyên", 15}, {"Thơ", 12}, {"Duyên", 18}, {"Kiều", 12}, {"Lệ", 20}}
	givenM = []share{{"Hùng", 45}, {"Dũng", 40}, {"Tuấn", 45}, {"Minh", 35}, {"Nam", 35}, {"Long", 30}, {"Sơn", 35}, {"Hải", 35}, {"Bình", 35}, {"Cường", 30}, {"Thắng", 30}, {"Vinh", 25}, {"Phúc", 25},
		{"Tâm", 30}, {"An", 20}, {"Khánh", 20}, {"Quân", 20}, {"Đức", 25}, {"Thành", 35}, {"Trung", 30}, {"Hưng", 25}, {"Hòa", 25}, {"Lộc", 20}, {"Phong", 20}, {"Quang", 25}, {"Tài", 20}, {"Tiến", 20},
		{"Việt", 18}, {"Đạt", 20}, {"Nghĩa", 18}, {"Lâm", 15}, {"Thọ", 12}, {"Khoa", 12}, {"Huy", 25}, {"Kiên", 12}, {"Toàn", 15}}
)

func pick(r *rand.Rand, from []share) string {
	total := 0
	for _, s := range from {
		total += s.of
	}
	n := r.IntN(total)
	for _, s := range from {
		if n -= s.of; n < 0 {
			return s.name
		}
	}
	return from[0].name
}

// town makes people of communes.
type town struct {
	r        *rand.Rand
	communes []string
	used     map[string]bool // id numbers
}

func (w *town) commune() string { return w.communes[w.r.IntN(len(w.communes))] }

// born gives a birth date in a year.
func (w *town) born(year int) string {
	return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, w.r.IntN(365)).Format(time.DateOnly)
}

// person invents somebody of a family.
func (w *town) person(family, sex string, year int) postgres.Applicant {
	middle, given := middleM, givenM
	if sex == "female" {
		middle, given = middleF, givenF
	}
	a := postgres.Applicant{FullName: family + " " + pick(w.r, middle) + " " + pick(w.r, given), BirthDate: w.born(year), Sex: sex}
	a.NationalID = w.number(a)
	return a
}

// number gives a person an id number that nobody has.
func (w *town) number(a postgres.Applicant) string {
	var year int
	_, _ = fmt.Sscanf(a.BirthDate, "%d", &year)
	century := (year - 1900) / 100 * 2
	if a.Sex == "female" {
		century++
	}
	for {
		n := fmt.Sprintf("051%d%02d%06d", century, year%100, w.r.IntN(1_000_000))
		if !w.used[n] {
			w.used[n] = true
			return n
		}
	}
}

func (w *town) anybody() postgres.Applicant {
	return w.person(pick(w.r, families), []string{"male", "female"}[w.r.IntN(2)], 1940+w.r.IntN(66))
}

// household invents a request: an adult, mostly with a spouse and children.
// Nine of ten adults have a number, and half of the children.
func (w *town) household(n int) postgres.KeySource {
	head := w.anybody()
	in := postgres.KeySource{Area: w.commune(), Applicant: head}
	if w.r.IntN(10) == 0 {
		in.Applicant.NationalID = ""
	}
	if w.r.IntN(10) < 7 {
		in.Applicant.Phone = fmt.Sprintf("0%d%08d", []int{3, 5, 7, 8, 9}[w.r.IntN(5)], w.r.IntN(100_000_000))
	}
	in.Applicant.Address = w.address(in.Area)
	year := atoi(head.BirthDate[:4])
	if w.r.IntN(10) < 7 {
		spouse := w.person(pick(w.r, families), map[string]string{"male": "female", "female": "male"}[head.Sex], year+w.r.IntN(7)-3)
		in.Members = append(in.Members, member(spouse, "spouse"))
	}
	family := strings.Fields(head.FullName)[0]
	for range w.r.IntN(3) {
		child := w.person(family, []string{"male", "female"}[w.r.IntN(2)], min(year+20+w.r.IntN(15), 2025))
		if w.r.IntN(2) == 0 {
			child.NationalID = ""
		}
		in.Members = append(in.Members, member(child, "child"))
	}
	if w.r.IntN(10) < 4 {
		in.HouseholdCode = fmt.Sprintf("HN-B-%07d", n)
	}
	in.Payee = &postgres.Payee{Kind: "household", Method: "bank", BankBIN: "970416", AccountNumber: fmt.Sprintf("%010d", 1_000_000_000+n)}
	if w.r.IntN(10) == 0 {
		in.Payee = &postgres.Payee{Kind: "hospital", Method: "bank", BankBIN: "970415", AccountNumber: "0051000000"}
	}
	return in
}

// address invents a house; half of the people state their hamlet only. The
// pairs of hamlet and number occur once.
func (w *town) address(area string) string {
	for {
		hamlet, number := 1+w.r.IntN(20), 1+w.r.IntN(9999)
		if w.r.IntN(2) == 0 {
			return fmt.Sprintf("thôn %d", hamlet)
		}
		key := fmt.Sprintf("%s %d %d", area, hamlet, number)
		if !w.used[key] {
			w.used[key] = true
			return fmt.Sprintf("Số nhà %d, thôn %d", number, hamlet)
		}
	}
}

func member(a postgres.Applicant, relation string) postgres.Member {
	return postgres.Member{FullName: a.FullName, NationalID: a.NationalID, BirthDate: a.BirthDate, Sex: a.Sex, Relation: relation}
}

func atoi(text string) int {
	n := 0
	_, _ = fmt.Sscanf(text, "%d", &n)
	return n
}
