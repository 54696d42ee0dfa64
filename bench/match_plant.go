package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aidflow/aidflow/aid/match"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// request is one case of the measurement.
type request struct {
	postgres.KeySource
	plant     string // how it was made; "" for a case of the register
	target    int    // the case of the register that it is about
	same      bool   // it really is about that case's person, household, house or account
	kinds     []string
	programme string
	paid      bool // closed and paid
}

// plant makes requests about a case of the register. A nil kinds says that
// the two have nothing to do with each other, however alike they look.
type plant struct {
	name    string
	kinds   []string // any of these hits finds it
	fits    func(base postgres.KeySource) bool
	change  changing
	another string // programme of the request; medical unless given
	helped  bool   // the case of the register was paid
}

type changing func(*town, postgres.KeySource) postgres.KeySource

// alone is a request of the same applicant without number and telephone.
func alone(change func(*town, *postgres.KeySource)) changing {
	return func(w *town, b postgres.KeySource) postgres.KeySource {
		in := postgres.KeySource{Area: b.Area, Applicant: b.Applicant}
		in.Applicant.NationalID, in.Applicant.Phone, in.Applicant.Address = "", "", ""
		change(w, &in)
		return in
	}
}

// number is a request of the same applicant, by its number.
func number(change func(*town, *postgres.KeySource)) changing {
	return func(w *town, b postgres.KeySource) postgres.KeySource {
		in := alone(as)(w, b)
		in.Applicant.NationalID = b.Applicant.NationalID
		change(w, &in)
		return in
	}
}

// as leaves a request as it is.
func as(*town, *postgres.KeySource) {}

// other is a request of somebody else of the commune.
func other(change func(*town, postgres.KeySource, *postgres.KeySource)) changing {
	return func(w *town, b postgres.KeySource) postgres.KeySource {
		in := postgres.KeySource{Area: b.Area, Applicant: w.anybody()}
		change(w, b, &in)
		return in
	}
}

// renamed is a request of the same applicant under a name typed otherwise.
func renamed(change func(*town, string) string) changing {
	return alone(func(w *town, in *postgres.KeySource) { in.Applicant.FullName = change(w, in.Applicant.FullName) })
}

// Which cases of the register a plant can be made from.
func all(postgres.KeySource) bool        { return true }
func numbered(b postgres.KeySource) bool { return b.Applicant.NationalID != "" }
func housed(b postgres.KeySource) bool   { return match.Address(b.Applicant.Address) != "" }
func banked(b postgres.KeySource) bool   { return b.Payee.Kind == "household" }

func plants() []plant {
	return slices.Concat(byNumber(), byName(), byTie(), lookAlikes())
}

// byNumber lists requests that state the number of the case.
func byNumber() []plant {
	person := []string{programme.HitSamePerson}
	return []plant{
		{name: "number", kinds: person, fits: numbered, change: number(as)},
		{name: "number, moved, no accents", kinds: person, fits: numbered, change: number(func(w *town, in *postgres.KeySource) {
			in.Area, in.Applicant.FullName = w.commune(), strings.ToUpper(match.Plain(in.Applicant.FullName))
		})},
		{name: "number under another name", kinds: []string{programme.HitIDOtherName}, fits: numbered, change: number(func(w *town, in *postgres.KeySource) { in.Applicant.FullName = w.otherName(in.Applicant) })},
		{name: "number, other programme", kinds: []string{programme.HitOtherProgramme}, fits: numbered, change: number(as), another: "schooling"},
		{name: "number, helped last year", kinds: []string{programme.HitSameNeed}, fits: numbered, change: number(as), helped: true},
	}
}

// byName lists requests that state no number, or a mistyped one.
func byName() []plant {
	similar := []string{programme.HitSimilarName}
	bare := func(_ *town, n string) string { return match.Plain(n) }
	return []plant{
		{name: "no accents", kinds: similar, fits: all, change: renamed(bare)},
		{name: "word order", kinds: similar, fits: all, change: renamed((*town).shuffled)},
		{name: "a typing error", kinds: similar, fits: all, change: renamed((*town).mistyped)},
		{name: "no accents and a typing error", kinds: similar, fits: all, change: renamed(func(w *town, n string) string { return w.mistyped(match.Plain(n)) })},
		{name: "initials", kinds: similar, fits: all, change: renamed(initials)},
		{name: "a word left out", kinds: similar, fits: all, change: renamed(shortened)},
		{name: "a digit of the number", kinds: similar, fits: numbered, change: number(func(w *town, in *postgres.KeySource) { in.Applicant.NationalID = w.slip(in.Applicant.NationalID) })},
		{name: "day and month exchanged", kinds: similar, fits: exchangeable, change: alone(exchanged)},
		{name: "year mistyped by one", kinds: similar, fits: all, change: alone(func(w *town, in *postgres.KeySource) { in.Applicant.BirthDate = year(in.Applicant.BirthDate, 1) })},
		{name: "only the year known", kinds: similar, fits: all, change: alone(func(_ *town, in *postgres.KeySource) { in.Applicant.BirthDate = in.Applicant.BirthDate[:4] + "-01-01" })},
		{name: "moved, no number", kinds: similar, fits: all, change: alone(func(w *town, in *postgres.KeySource) { in.Area = w.commune() })},
		{name: "moved, no number, typing error", kinds: similar, fits: all, change: alone(func(w *town, in *postgres.KeySource) {
			in.Area, in.Applicant.FullName = w.commune(), w.mistyped(in.Applicant.FullName)
		})},
		{name: "year wrong by several", kinds: similar, fits: all, change: alone(func(w *town, in *postgres.KeySource) {
			in.Applicant.BirthDate = year(in.Applicant.BirthDate, 3+w.r.IntN(5))
		})},
	}
}

// byTie lists requests that belong to the case in another way.
func byTie() []plant {
	return []plant{
		{name: "spouse applies", kinds: []string{programme.HitHouseholdMember}, fits: married, change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) {
			s := b.Members[0]
			in.Applicant = postgres.Applicant{FullName: s.FullName, NationalID: s.NationalID, BirthDate: s.BirthDate, Sex: s.Sex}
		})},
		{name: "applicant is a member elsewhere", kinds: []string{programme.HitHouseholdMember}, fits: numbered, change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) {
			in.Members = []postgres.Member{member(b.Applicant, "spouse")}
		})},
		{name: "household code", kinds: []string{programme.HitHouseholdMember}, fits: func(b postgres.KeySource) bool { return b.HouseholdCode != "" },
			change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) { in.HouseholdCode = b.HouseholdCode })},
		{name: "the house", kinds: []string{programme.HitSameAddress}, fits: housed,
			change: other(func(w *town, b postgres.KeySource, in *postgres.KeySource) {
				in.Applicant.Address = w.respelled(b.Applicant.Address)
			})},
		{name: "the account", kinds: []string{programme.HitSameAccount}, fits: banked,
			change: other(func(w *town, b postgres.KeySource, in *postgres.KeySource) {
				p := *b.Payee
				p.AccountNumber, in.Payee, in.Area = p.AccountNumber[:4]+" "+p.AccountNumber[4:], &p, w.commune()
			})},
	}
}

// lookAlikes lists requests that have nothing to do with the case, however alike they look.
func lookAlikes() []plant {
	return []plant{
		{name: "namesake of the year, two numbers", fits: numbered, change: other(namesake)},
		{name: "namesake of the year, no number", fits: all, change: other(func(w *town, b postgres.KeySource, in *postgres.KeySource) {
			namesake(w, b, in)
			in.Applicant.NationalID = ""
		})},
		{name: "twin, two numbers", fits: numbered, change: other(twin)},
		{name: "twin, no number", fits: all, change: other(func(w *town, b postgres.KeySource, in *postgres.KeySource) {
			twin(w, b, in)
			in.Applicant.NationalID = ""
		})},
		{name: "brother or sister, no number", fits: all, change: other(func(w *town, b postgres.KeySource, in *postgres.KeySource) {
			twin(w, b, in)
			in.Applicant.BirthDate, in.Applicant.NationalID = w.born(atoi(b.Applicant.BirthDate[:4])+w.r.IntN(3)-1), ""
		})},
		{name: "born on the day, another name", fits: all, change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) {
			in.Applicant.BirthDate, in.Applicant.NationalID = b.Applicant.BirthDate, ""
		})},
		{name: "neighbour of the hamlet", fits: func(b postgres.KeySource) bool { return match.Address(b.Applicant.Address) == "" },
			change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) {
				in.Applicant.Address = b.Applicant.Address
			})},
		{name: "house number in another commune", fits: housed,
			change: other(func(w *town, b postgres.KeySource, in *postgres.KeySource) {
				for in.Area == b.Area {
					in.Area = w.commune()
				}
				in.Applicant.Address = b.Applicant.Address
			})},
		{name: "telephone of the office", fits: func(b postgres.KeySource) bool { return b.Applicant.Phone != "" },
			change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) { in.Applicant.Phone = b.Applicant.Phone })},
		{name: "account of the hospital", fits: func(b postgres.KeySource) bool { return b.Payee.Kind == "hospital" },
			change: other(func(_ *town, b postgres.KeySource, in *postgres.KeySource) { in.Payee = b.Payee })},
		{name: "a stranger", fits: all, change: other(func(*town, postgres.KeySource, *postgres.KeySource) {})},
	}
}

func married(b postgres.KeySource) bool {
	return len(b.Members) > 0 && b.Members[0].Relation == "spouse" && b.Members[0].NationalID != ""
}

// namesake has the same name and birth year, and another day and number.
func namesake(w *town, b postgres.KeySource, in *postgres.KeySource) {
	in.Applicant = postgres.Applicant{FullName: b.Applicant.FullName, Sex: b.Applicant.Sex, BirthDate: w.born(atoi(b.Applicant.BirthDate[:4]))}
	in.Applicant.NationalID = w.number(in.Applicant)
}

// twin has another given name, and the rest of the name and the day.
func twin(w *town, b postgres.KeySource, in *postgres.KeySource) {
	given, words := givenM, strings.Fields(b.Applicant.FullName)
	if b.Applicant.Sex == "female" {
		given = givenF
	}
	name := words[len(words)-1]
	for name == words[len(words)-1] {
		name = pick(w.r, given)
	}
	in.Applicant = postgres.Applicant{FullName: strings.Join(append(slices.Clone(words[:len(words)-1]), name), " "), Sex: b.Applicant.Sex, BirthDate: b.Applicant.BirthDate}
	in.Applicant.NationalID = w.number(in.Applicant)
}

// otherName gives a name that has no word but perhaps the family in common.
func (w *town) otherName(a postgres.Applicant) string {
	for {
		if name := w.anybody().FullName; match.OtherName(name, a.FullName) {
			return name
		}
	}
}

func (w *town) shuffled(name string) string {
	words := strings.Fields(name)
	for strings.Join(words, " ") == name {
		w.r.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
	}
	return strings.Join(words, " ")
}

// mistyped makes one error in one word of at least three letters: a letter
// lost, doubled, exchanged with its neighbour, or another one.
func (w *town) mistyped(name string) string {
	words := strings.Fields(name)
	for {
		i := w.r.IntN(len(words))
		word := []rune(words[i])
		if len(word) < 3 {
			continue
		}
		at := 1 + w.r.IntN(len(word)-1)
		switch w.r.IntN(4) {
		case 0:
			word = slices.Delete(word, at, at+1)
		case 1:
			word = slices.Insert(word, at, word[at])
		case 2:
			word[at-1], word[at] = word[at], word[at-1]
		case 3:
			word[at] = rune('a' + w.r.IntN(26))
		}
		if string(word) != words[i] {
			words[i] = string(word)
			return strings.Join(words, " ")
		}
	}
}

func initials(_ *town, name string) string {
	words := strings.Fields(name)
	for i := range words[:len(words)-1] {
		words[i] = string([]rune(words[i])[0]) + "."
	}
	return strings.Join(words, "")
}

func shortened(_ *town, name string) string {
	words := strings.Fields(name)
	return strings.Join(append(words[:1:1], words[2:]...), " ")
}

// slip changes one of the last six digits, or exchanges two neighbours.
func (w *town) slip(number string) string {
	digits := []byte(number)
	for string(digits) == number {
		at := 7 + w.r.IntN(5)
		if w.r.IntN(2) == 0 {
			digits[at] = byte('0' + w.r.IntN(10))
		} else {
			digits[at], digits[at-1] = digits[at-1], digits[at]
		}
	}
	return string(digits)
}

// exchangeable tells whether day and month of a birth date can be exchanged.
func exchangeable(b postgres.KeySource) bool {
	month, day := b.Applicant.BirthDate[5:7], b.Applicant.BirthDate[8:]
	return day <= "12" && day != month
}

func exchanged(_ *town, in *postgres.KeySource) {
	d := in.Applicant.BirthDate
	in.Applicant.BirthDate = d[:4] + "-" + d[8:] + "-" + d[5:7]
}

func year(date string, more int) string { return fmt.Sprintf("%04d%s", atoi(date[:4])+more, date[4:]) }

// respelled writes the address as another clerk would.
func (w *town) respelled(address string) string {
	var number, hamlet int
	_, _ = fmt.Sscanf(match.Plain(address), "so nha %d thon %d", &number, &hamlet)
	return fmt.Sprintf([]string{"so %[1]d, th. %[2]d", "Thon %[2]d, so nha %[1]d", "%[1]d Thôn %[2]d", "SN %[1]d th%[2]d", "Số %[1]d; THÔN %[2]d; xã nhà"}[w.r.IntN(5)], number, hamlet)
}
