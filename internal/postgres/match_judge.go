package postgres

import (
	"cmp"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/match"
	"github.com/aidflow/aidflow/aid/programme"
)

// Why a hit was found.
const (
	becauseNumber    = "same_number"     // the id number
	becauseMerged    = "merged_person"   // a person decided that the two are one
	becauseMember    = "stated_member"   // named as a member of a household in a request
	becauseRegister  = "register_member" // in one household of the register
	becauseHousehold = "same_household"  // the household's code
	becauseBirthDate = "name_birth_date" // name and birth date
	becauseBirthYear = "name_birth_year" // name, birth year and commune
	becausePhone     = "same_phone"      // with a name that fits
	becauseAddress   = "same_address"    // the house
	becauseAccount   = "same_account"    // the bank account
	becauseAward     = "award_in_period" // within the programme's repeat rule
	becauseAid       = "aid_in_period"   // partner-delivered, within the repeat rule
	becauseOldAid    = "aid_before"      // partner-delivered, outside of it
)

// maxHits is how many hits a case can have: nobody reads more.
const maxHits = 100

// judge turns meetings into hits, at most one for each way in which another
// case can be help for the same person, household, house or account.
func judge(c *Case, def *programme.Definition, own map[int]namedPerson, met []meeting, now time.Time) []Hit {
	others := map[string]*ties{}
	for i := range met {
		m := &met[i]
		t := others[m.Owner]
		if t == nil {
			t = &ties{m: m}
			others[m.Owner] = t
		}
		t.tie(own, m)
	}
	hits := []Hit{}
	for _, t := range others {
		for _, h := range t.hits(c, def, now) {
			h.Effect = t.effect(def.HitEffect(h.Kind), h)
			if h.Effect != programme.EffectIgnore {
				hits = append(hits, h)
			}
		}
	}
	slices.SortFunc(hits, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(grave(a.Effect), grave(b.Effect)), cmp.Compare(kindOrder(a.Kind), kindOrder(b.Kind)), cmp.Compare(b.Score, a.Score), cmp.Compare(a.About, b.About))
	})
	return hits[:min(len(hits), maxHits)]
}

func grave(e programme.Effect) int {
	return slices.Index([]programme.Effect{programme.EffectFinal, programme.EffectBlock, programme.EffectHint, programme.EffectIgnore}, e)
}

func kindOrder(kind string) int { return slices.Index(programme.HitKinds(), kind) }

// ties is everything that ties the case to one other.
type ties struct {
	m *meeting // any of the meetings: what is known of the other case

	person, household, otherName, alike tie
	address, account                    bool
	score                               int
}

// tie is a way of belonging together: whose of the other case, and why.
type tie struct {
	who     string
	because []string
}

func (t *tie) add(who, because string) {
	if t.who == "" || who == WhoApplicant {
		t.who = who
	}
	if !slices.Contains(t.because, because) {
		t.because = append(t.because, because)
	}
}

func (t tie) there() bool { return t.who != "" }

// tie takes in one meeting.
func (t *ties) tie(own map[int]namedPerson, m *meeting) {
	switch m.Kind {
	case byPerson:
		if !m.SameRow && !m.Different {
			t.person.add(WhoApplicant, becauseMerged)
		}
		if m.SameRow && own[0].NationalID == "" { // no number by which they could meet
			t.person.add(WhoApplicant, becauseMerged)
		}
	case byHousehold, keyHousehold:
		t.household.add(WhoHousehold, becauseHousehold)
	case byMemberNumber:
		t.household.add(whoIs(m.Other), becauseRegister)
	case bySelfNumber:
		if !m.Different {
			t.sameNumber(m, true, false)
		}
	case keyNationalID:
		t.sameNumber(m, m.N == 0, match.OtherName(own[m.N].Name, m.person.Name))
	case keyAddress:
		t.address = true
	case keyAccount:
		t.account = true
	case keyName, keyBlock, keyPhone:
		t.compare(own[m.N], m)
	}
}

// sameNumber takes in an id number that both cases name.
func (t *ties) sameNumber(m *meeting, applicant, otherName bool) {
	switch {
	case applicant && m.Other == 0 && m.Different: // a person has told them apart
	case otherName:
		t.otherName.add(whoIs(m.Other), becauseNumber)
	case applicant && m.Other == 0:
		t.person.add(WhoApplicant, becauseNumber)
	default:
		t.household.add(whoIs(m.Other), becauseMember)
	}
}

// compare takes in two people who may be one by name and birth.
func (t *ties) compare(mine namedPerson, m *meeting) {
	if m.Different && m.N == 0 && m.Other == 0 {
		return
	}
	if mine.NationalID != "" && mine.NationalID == m.person.NationalID {
		return // the number says more
	}
	score, alike := match.Alike(born(mine), born(m.person))
	if !alike {
		return
	}
	t.score = max(t.score, score)
	why := becauseBirthYear
	switch {
	case m.Kind == keyPhone:
		why = becausePhone
	case mine.Born == m.person.Born:
		why = becauseBirthDate
	}
	t.alike.add(whoIs(m.Other), why)
}

// born fills in the year that only the number tells.
func born(p namedPerson) match.Person {
	if year := p.year(); p.Born == "" && year != 0 {
		p.Born = time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
	}
	return p.Person
}

func whoIs(n int) string {
	if n == 0 {
		return WhoApplicant
	}
	return WhoMember
}

// hits gives what the ties come to. People who are known to belong together
// are one hit, and the most telling one; what a family shares anyway, its
// house and its account, is none besides.
func (t *ties) hits(c *Case, def *programme.Definition, now time.Time) []Hit {
	var out []Hit
	add := func(kind string, by tie, because ...string) {
		m := t.m
		h := Hit{Kind: kind, Because: append(slices.Clone(by.because), because...), About: m.Owner, Reference: m.Reference, Programme: m.Programme,
			Area: m.Area, Status: string(m.Status), At: m.At, Who: by.who, Person: m.Person}
		if kind == programme.HitSimilarName || kind == programme.HitPartnerAid && !t.person.there() && !t.household.there() {
			h.Score = t.score
		}
		out = append(out, h)
	}
	known := t.person
	if !known.there() {
		known = t.household
	}
	if t.otherName.there() {
		add(programme.HitIDOtherName, t.otherName)
	}
	if t.aid() {
		if !known.there() {
			known = t.alike
		}
		if known.there() {
			add(programme.HitPartnerAid, known, t.period(def, now)...)
		}
		return out
	}
	switch {
	case known.there() && t.repeats(def, now):
		add(programme.HitSameNeed, known, becauseAward)
	case known.there() && t.m.Programme != c.Programme:
		if t.m.PaidAt != nil || t.m.Status.Open() {
			add(programme.HitOtherProgramme, known)
		}
	case t.person.there():
		add(programme.HitSamePerson, known)
	case t.household.there() && !t.otherName.there(): // whose number it is, is the question
		add(programme.HitHouseholdMember, known)
	}
	family := t.household.there() && t.alike.who == WhoMember // who is alike is a member of one household
	if t.alike.there() && !t.person.there() && !family {
		add(programme.HitSimilarName, t.alike)
	}
	if t.address && !known.there() {
		add(programme.HitSameAddress, tie{WhoHousehold, []string{becauseAddress}})
	}
	if t.account && !known.there() {
		add(programme.HitSameAccount, tie{WhoPayee, []string{becauseAccount}})
	}
	return out
}

// aid tells whether the other is partner-delivered aid and no case.
func (t *ties) aid() bool { return t.m.Status == "" }

// period says whether partner-delivered aid is within the repeat rule, or was
// before; nothing when no rule speaks of it.
func (t *ties) period(def *programme.Definition, now time.Time) []string {
	if t.repeats(def, now) {
		return []string{becauseAid}
	}
	if slices.ContainsFunc(def.Repeat, func(r programme.RepeatRule) bool { return slices.Contains(r.Of, t.m.Programme) }) {
		return []string{becauseOldAid}
	}
	return nil
}

// repeats tells whether the other case is aid that the repeat rule counts:
// granted and not yet paid, or paid less than the rule's time ago.
func (t *ties) repeats(def *programme.Definition, now time.Time) bool {
	granted := slices.Contains([]aid.Status{aid.Approved, aid.WaitingFunds, aid.Paying, aid.Paid, aid.FollowingUp}, t.m.Status)
	return slices.ContainsFunc(def.Repeat, func(r programme.RepeatRule) bool {
		ofPerson := t.person.there() || t.aid() && t.alike.who == WhoApplicant
		if !slices.Contains(r.Of, t.m.Programme) || r.Who == "person" && !ofPerson {
			return false
		}
		return granted || t.m.PaidAt != nil && now.Before(r.After.AddTo(*t.m.PaidAt, def.Location()))
	})
}

// effect weakens what the programme says of a kind to a hint when the other
// case came to nothing, and when it has ended and nothing contradicts. Aid
// within the repeat rule is never weakened.
func (t *ties) effect(of programme.Effect, h Hit) programme.Effect {
	weak, kind := slices.Contains(h.Because, becauseOldAid), h.Kind
	switch t.m.Status {
	case aid.Rejected, aid.Withdrawn:
		weak = kind != programme.HitSameNeed
	case aid.Closed:
		weak = !slices.Contains([]string{programme.HitSameNeed, programme.HitIDOtherName, programme.HitSameAccount}, kind)
	}
	if weak && grave(of) < grave(programme.EffectHint) {
		return programme.EffectHint
	}
	return of
}
