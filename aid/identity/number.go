// Package identity checks Vietnamese personal numbers (số định danh cá nhân).
package identity

import (
	"slices"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// The codes of the faults. CodeProvince is a hint: newer codes may exist.
const (
	CodeFormat    = "id_format"
	CodeBirthDate = "id_contradicts_birth_date"
	CodeSex       = "id_contradicts_sex"
	CodeProvince  = "id_unknown_province"
)

// pointer is where the number stands in an applicant or a household member.
const pointer = "/national_id"

// Check compares a personal number with the birth date (2006-01-02) and the
// sex (male, female) of its owner. The number has 12 digits: three for the
// place of birth registration, one for century and sex, two for the year of
// birth, six at random; there is no check digit. An empty number is a stated
// path (newborns, the elderly) and has no faults; an empty or unreadable birth
// date and any other sex are not compared. The number says nothing about where
// a person lives now.
func Check(number, birthDate, sex string) []aid.Fault {
	if number == "" {
		return nil
	}
	if !twelveDigits(number) {
		return []aid.Fault{{Pointer: pointer, Code: CodeFormat}}
	}
	var faults []aid.Fault
	year, owner := decode(number)
	if born, err := time.Parse(time.DateOnly, birthDate); err == nil && born.Year() != year {
		faults = append(faults, aid.Fault{Pointer: pointer, Code: CodeBirthDate})
	}
	if (sex == "male" || sex == "female") && sex != owner {
		faults = append(faults, aid.Fault{Pointer: pointer, Code: CodeSex})
	}
	if !provinceKnown(number[:3]) {
		faults = append(faults, aid.Fault{Pointer: pointer, Code: CodeProvince})
	}
	return faults
}

// IsHint tells whether a code of Check only informs and must not refuse a
// request.
func IsHint(code string) bool { return code == CodeProvince }

// BirthYear reads the year of birth from a number of twelve digits.
func BirthYear(number string) (year int, ok bool) {
	if !twelveDigits(number) {
		return 0, false
	}
	year, _ = decode(number)
	return year, true
}

func twelveDigits(number string) bool {
	if len(number) != 12 {
		return false
	}
	for _, digit := range []byte(number) {
		if digit < '0' || digit > '9' {
			return false
		}
	}
	return true
}

// decode reads year of birth and sex of twelve digits: 0 and 1 are a man and a
// woman born in the 1900s, 2 and 3 in the 2000s, up to 8 and 9 in the 2300s.
func decode(number string) (year int, sex string) {
	century := int(number[3] - '0')
	inCentury, _ := strconv.Atoi(number[4:6]) // digits only
	year = 1900 + century/2*100 + inCentury
	if century%2 == 0 {
		return year, "male"
	}
	return year, "female"
}

// provinceKnown knows the provinces of the list before the merger of 2025, on
// which numbers are still based: even codes for the most part, with gaps.
// Codes above 096 belong to countries and are not judged.
func provinceKnown(code string) bool {
	n, _ := strconv.Atoi(code) // digits only
	return n > 96 || slices.Contains(provinces(), n)
}

func provinces() []int {
	return []int{1, 2, 4, 6, 8, 10, 11, 12, 14, 15, 17, 19, 20, 22, 24, 25, 26, 27, 30, 31, 33, 34, 35, 36, 37,
		38, 40, 42, 44, 45, 46, 48, 49, 51, 52, 54, 56, 58, 60, 62, 64, 66, 67, 68, 70, 72, 74, 75, 77, 79,
		80, 82, 83, 84, 86, 87, 89, 91, 92, 93, 94, 95, 96}
}
