package postgres

import (
	"fmt"
	"strings"
)

// DevelopmentPerson is an invented person of the development register.
type DevelopmentPerson struct {
	FullName      string
	NationalID    string // 12 digits that fit birth date and sex
	BirthDate     string // YYYY-MM-DD
	Sex           string // male, female
	Phone         string // of the head only
	Relation      string // head, spouse, child
	HouseholdCode string
	Area          string
}

// developmentHouseholds is how many households the development register has.
const developmentHouseholds = 40

// DevelopmentPeople gives the people of the development register: 40
// households of three, spread over the five communes of province 51. The same
// ones every time; the head of each comes first and can apply for aid.
func DevelopmentPeople() []DevelopmentPerson {
	var people []DevelopmentPerson
	for i := range developmentHouseholds {
		people = append(people, DevelopmentHousehold(i)...)
	}
	return people
}

// DevelopmentHousehold gives the ith invented household, from 0: head, spouse
// and child. Those from 40 on are not in the register.
func DevelopmentHousehold(i int) []DevelopmentPerson {
	communes := developmentCommunes()
	code, area := fmt.Sprintf("HN-51-%04d", i+1), communes[i%len(communes)]
	sex := []string{"male", "female"}[i%2]
	other := []string{"female", "male"}[i%2]
	family := pick(familyNames(), i)
	adult, child := 1952+(i*7)%44, 2006+(i*5)%17
	head := person(i*3, family, sex, adult)
	head.Relation, head.Phone = "head", fmt.Sprintf("09%08d", 5_000_000+i*7919%10_000_000)
	spouse := person(i*3+1, pick(familyNames(), i*3+5), other, adult+1+i%4)
	spouse.Relation = "spouse"
	young := person(i*3+2, family, pick([]string{"female", "male"}, i/2), child)
	young.Relation = "child"
	household := []DevelopmentPerson{head, spouse, young}
	for n := range household {
		household[n].HouseholdCode, household[n].Area = code, area
	}
	return household
}

// person invents the nth person of a family, sex and year of birth.
func person(n int, family, sex string, year int) DevelopmentPerson {
	middle, given := pick([]string{"Văn", "Đức", "Thanh", "Quốc", "Hữu"}, n), pick(maleNames(), n*11+n/7)
	if sex == "female" {
		middle, given = pick([]string{"Thị", "Thị Ngọc", "Thị Kim", "Thanh", "Thị"}, n), pick(femaleNames(), n*11+n/7)
	}
	return DevelopmentPerson{FullName: strings.Join([]string{family, middle, given}, " "), NationalID: nationalID(n, sex, year),
		BirthDate: fmt.Sprintf("%04d-%02d-%02d", year, 1+n*5%12, 1+n*11%28), Sex: sex}
}

// nationalID makes a number as DOMAIN describes it: province of registration,
// century and sex, year of birth, six digits that differ for every n.
func nationalID(n int, sex string, year int) string {
	century := (year - 1900) / 100 * 2
	if sex == "female" {
		century++
	}
	return fmt.Sprintf("051%d%02d%06d", century, year%100, (104729+n*7919)%1_000_000)
}

func pick(from []string, i int) string { return from[i%len(from)] }

func familyNames() []string {
	return []string{"Nguyễn", "Trần", "Lê", "Phạm", "Huỳnh", "Võ", "Đặng", "Bùi", "Đỗ", "Hồ", "Phan", "Đinh"}
}

func maleNames() []string {
	return []string{"An", "Bình", "Cường", "Dũng", "Hải", "Hùng", "Khánh", "Long", "Minh", "Nam", "Phúc", "Quân", "Sơn", "Tâm", "Thắng", "Tuấn", "Vinh"}
}

func femaleNames() []string {
	return []string{"Ánh", "Bích", "Cúc", "Diệp", "Hạnh", "Hoa", "Hương", "Lan", "Liên", "Mai", "Nga", "Oanh", "Phượng", "Sương", "Thảo", "Trang", "Yến"}
}
