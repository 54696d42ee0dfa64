package match

import "time"

// Person is what a request says of one person, in clear text: it lives in
// memory only.
type Person struct {
	Name       string `json:"name"`
	Born       string `json:"born,omitempty"` // YYYY-MM-DD; the first of January stands for a known year
	Sex        string `json:"sex,omitempty"`  // male, female, else not compared
	NationalID string `json:"id,omitempty"`   // 12 digits, else not compared
	Phone      string `json:"phone,omitempty"`
}

// Clearly is the score of two names below which one number belongs to two
// people: more than a married name, a nickname or a typing error apart.
const Clearly = 0.6

// How much of a name must fit, by what else is known of the two people.
const (
	needSameDate    = 0.75 // born on the same day
	needTypedDate   = 0.85 // one typing error apart, day and month exchanged
	needSameYear    = 0.93 // the same year, or only the year is known
	needContradicts = 0.97 // two different id numbers: only for the same name, born on the same day
	lessBySlip      = 0.15 // the id numbers differ by a slip of typing
	lessByPhone     = 0.10 // one telephone
	moreBySex       = 0.10 // one is stated to be a man, the other a woman
	needAtLeast     = 0.60
)

// Alike tells whether two people whose number does not settle it may be one,
// and how much their names fit in percent. It compares name, birth date, sex,
// telephone and how far two id numbers are apart. Two people born years apart
// are not alike.
func Alike(a, b Person) (percent int, alike bool) {
	need, dated := needByDate(a.Born, b.Born)
	if !dated {
		return 0, false
	}
	switch numbers(a.NationalID, b.NationalID) {
	case numbersContradict:
		if need > needSameDate {
			return 0, false
		}
		need = needContradicts
	case numbersSlip:
		need -= lessBySlip
	case numbersSilent:
	}
	if a.Phone != "" && b.Phone != "" && PhoneKey(a.Phone) == PhoneKey(b.Phone) {
		need -= lessByPhone
	}
	if contradicts(a.Sex, b.Sex) {
		need += moreBySex
	}
	score := NameScore(a.Name, b.Name)
	return int(score*100 + 0.5), score+1e-9 >= max(need, needAtLeast)
}

// OtherName tells whether two names of one id number are clearly different.
// An unknown name is no other name.
func OtherName(a, b string) bool {
	return len(words(a)) > 0 && len(words(b)) > 0 && NameScore(a, b) < Clearly
}

func contradicts(a, b string) bool {
	return a == "male" && b == "female" || a == "female" && b == "male"
}

// needByDate says how well two names must fit for two birth dates; not at all
// dated when the dates speak against one person or a date is missing.
func needByDate(a, b string) (need float64, dated bool) {
	da, errA := time.Parse(time.DateOnly, a)
	db, errB := time.Parse(time.DateOnly, b)
	if errA != nil || errB != nil {
		return 0, false
	}
	yearOnly := func(t time.Time) bool { return t.Month() == time.January && t.Day() == 1 }
	apart := da.Year() - db.Year()
	switch {
	case a == b && !yearOnly(da):
		return needSameDate, true
	case apart == 0 && (yearOnly(da) || yearOnly(db)):
		return needSameYear, true
	case apart == 0 && int(da.Month()) == db.Day() && int(db.Month()) == da.Day():
		return needTypedDate, true
	case apart >= -1 && apart <= 1 && Distance(a, b) == 1:
		return needTypedDate, true
	case apart == 0:
		return needSameYear, true
	}
	return 0, false
}

// What two id numbers say of their owners.
type numbersSay int

const (
	numbersSilent     numbersSay = iota // one is missing, or not of twelve digits
	numbersSlip                         // one slip of typing apart, or the same
	numbersContradict                   // two people, or one with two numbers
)

func numbers(a, b string) numbersSay {
	if len(a) != 12 || len(b) != 12 {
		return numbersSilent
	}
	if Distance(a, b) <= 1 {
		return numbersSlip
	}
	return numbersContradict
}

// Personal tells whether an account of this kind of payee belongs to people:
// in several cases it is a hit. Hospitals, schools and suppliers are paid for
// many.
func Personal(payeeKind string) bool {
	return payeeKind == "household" || payeeKind == "guardian" || payeeKind == "heir"
}
