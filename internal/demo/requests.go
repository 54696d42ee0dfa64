package demo

import (
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

// requestOf gives what every request has in common: who, for whom, to which
// account, with which consent.
func requestOf(f family, amount int64) caseNew {
	return caseNew{
		Applicant: f.head, Household: householdNew{Code: f.code, Members: f.members}, SubmittedBy: "officer 17",
		Payee: f.account(), Requested: money.Of(amount, "VND"),
		Consent: consent{Purposes: []string{"assessment", "payment", "follow_up"}, GivenAt: time.Now().UTC().AddDate(0, 0, -2).Truncate(time.Minute),
			Method: "signed_form"},
	}
}

// papers lists papers of these kinds, all of some days ago, in one file of the
// commune.
func papers(file string, kinds ...string) []paper {
	var all []paper
	for i, kind := range kinds {
		all = append(all, paper{Kind: kind, Dated: daysAgo(3 + i), Location: "Commune office, file " + file})
	}
	return all
}

func daysAgo(n int) string { return time.Now().UTC().AddDate(0, 0, -n).Format(time.DateOnly) }

// housingRequest lacks one required paper.
func housingRequest(f family) caseNew {
	r := requestOf(f, 57_000_000)
	r.Answers = map[string]any{"household_status": "poor", "people": 1 + len(f.members), "current_house": "dilapidated", "land_confirmed": true,
		"planned_area_m2": 45, "planned_cost": 95_000_000, "own_money": 38_000_000, "labour_days": 60}
	r.Documents = papers("17", "request_form", "house_photos", "household_certificate")
	return r
}

// paperOfLand is the required paper that the story of the house lacks at first.
const paperOfLand = "land_use_confirmation"

// complete is the request for a house with all of its papers.
func complete(f family) caseNew {
	r := housingRequest(f)
	r.Documents = append(r.Documents, papers("17", paperOfLand)...)
	return r
}

func medicalRequest(amount int64) func(family) caseNew {
	return func(f family) caseNew {
		r := requestOf(f, amount)
		r.Urgent = true
		r.Answers = map[string]any{"facility": "Bệnh viện Đa khoa tỉnh Quảng Ngãi", "treatment": "surgery", "admitted_on": daysAgo(6),
			"cost": 31_500_000, "insured": true, "insurance_pays": 18_000_000}
		r.Documents = papers("18", "request_form", "cost_statement", "admission_paper")
		return r
	}
}

// Ends of account numbers with which the simulated bank misbehaves; the table
// is in package rails/simulator.
const (
	refusedOnce  = "990010" // the first payment is refused with account_blocked
	answerIsLost = "990006" // executed, but the answer is an error
)

// paidTo gives the request with an account whose number ends so.
func paidTo(end string, request func(family) caseNew) func(family) caseNew {
	return func(f family) caseNew {
		r := request(f)
		number := r.Payee.AccountNumber
		r.Payee.AccountNumber = number[:len(number)-len(end)] + end
		return r
	}
}

func schoolingRequest(f family) caseNew {
	r := requestOf(f, 4_000_000)
	pupil, now := f.youngest(), time.Now().In(vietnam())
	year := now.Year()
	if now.Month() < time.August {
		year--
	}
	r.Answers = map[string]any{"pupil_name": pupil.FullName, "pupil_birth_date": pupil.BirthDate, "school": "Trường số 1 " + f.area,
		"level": schoolLevel(pupil.age(now)), "school_year": years(year), "needs": []string{"books", "boarding"}}
	r.Documents = papers("19", "request_form", "school_confirmation")
	return r
}

func years(from int) string {
	return time.Date(from, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006") + "-" + time.Date(from+1, 1, 1, 0, 0, 0, 0, time.UTC).Format("2006")
}

// schoolLevel gives the school that somebody of an age goes to.
func schoolLevel(age int) string {
	switch {
	case age < 6:
		return "preschool"
	case age < 11:
		return "primary"
	case age < 15:
		return "lower_secondary"
	case age < 18:
		return "upper_secondary"
	default:
		return "vocational"
	}
}
