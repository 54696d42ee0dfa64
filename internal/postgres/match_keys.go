package postgres

import (
	"strconv"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid/identity"
	"github.com/aidflow/aidflow/aid/match"
)

// The kinds of keys under which people of different cases meet.
const (
	keyNationalID = "national_id"
	keyName       = "name"
	keyBlock      = "block"
	keyAddress    = "address"
	keyAccount    = "account"
	keyPhone      = "phone"
	keyHousehold  = "household"
)

// KeyOwner is where people are named: a case, or partner-delivered aid. One of
// the two is set.
type KeyOwner struct {
	Case       string
	PartnerAid string
}

func (o KeyOwner) id() string { return o.Case + o.PartnerAid }

// KeySource is what the duplicate check has to know of a case or of
// partner-delivered aid, in clear text. What is unknown stays empty.
type KeySource struct {
	Area          string // commune, as of then
	Applicant     Applicant
	Members       []Member
	HouseholdCode string
	Payee         *Payee
}

// KeyEntry is one owner with what it says.
type KeyEntry struct {
	KeyOwner
	KeySource
}

// SaveKeys keeps the people of a case or of partner-delivered aid for the
// duplicate check, in place of those that were kept before. It is called
// wherever their content is written.
func (tx *Tx) SaveKeys(owner KeyOwner, in KeySource) error {
	return tx.SaveAllKeys([]KeyEntry{{owner, in}})
}

// SaveAllKeys is SaveKeys for many owners, in two statements.
func (tx *Tx) SaveAllKeys(entries []KeyEntry) error {
	var rows keyRows
	for _, e := range entries {
		if err := rows.add(tx, e); err != nil {
			return err
		}
	}
	if _, err := tx.exec(`DELETE FROM match_people WHERE owner = ANY($1)`, pq.Array(rows.owners)); err != nil {
		return err
	}
	_, err := tx.exec(`
		WITH people AS (
			INSERT INTO match_people (case_id, partner_aid_id, n, role, sealed)
			SELECT nullif(c, ''), nullif(a, ''), n, CASE n WHEN 0 THEN 'applicant' ELSE 'member' END, s
			FROM unnest($1::text[], $2::text[], $3::integer[], $4::bytea[]) AS p (c, a, n, s))
		INSERT INTO match_keys (kind, hash, owner, n)
		SELECT k, h, o, n FROM unnest($5::text[], $6::bytea[], $7::text[], $8::integer[]) AS k (k, h, o, n) ON CONFLICT DO NOTHING`,
		pq.Array(rows.cases), pq.Array(rows.aids), pq.Array(rows.ns), pq.ByteaArray(rows.sealed),
		pq.Array(rows.kinds), pq.ByteaArray(rows.hashes), pq.Array(rows.keyOwners), pq.Array(rows.keyNs))
	return err
}

// refreshKeys makes the keys of a case anew from what it holds.
func (tx *Tx) refreshKeys(c *Case) error {
	sealed, err := tx.sealedOf(c.ID)
	if err != nil {
		return err
	}
	in := KeySource{Area: c.Area, Applicant: sealed.Applicant, Members: sealed.Members}
	if in.Payee, err = tx.openPayee(c.PayeeAccountID); err != nil {
		return err
	}
	if in.HouseholdCode, err = tx.householdCode(c.HouseholdID); err != nil {
		return err
	}
	return tx.SaveKeys(KeyOwner{Case: c.ID}, in)
}

// namedPerson is what the row of a person in match_people keeps sealed.
type namedPerson struct {
	match.Person
	Address string `json:"address,omitempty"`
}

// year gives the year of birth, also when only the id number says it; 0 when
// nobody knows.
func (p namedPerson) year() int {
	if len(p.Born) >= 4 {
		year, _ := strconv.Atoi(p.Born[:4]) // 0 for anything else
		return year
	}
	year, _ := identity.BirthYear(p.NationalID)
	return year
}

// keyRows gathers the columns of both tables.
type keyRows struct {
	owners           []string
	cases, aids      []string
	ns               []int64
	sealed           [][]byte
	kinds, keyOwners []string
	hashes           [][]byte
	keyNs            []int64
}

func (r *keyRows) add(tx *Tx, e KeyEntry) error {
	r.owners = append(r.owners, e.id())
	for n, p := range e.people() {
		keys := tx.keysOf(e.Area, p)
		if n == 0 {
			keys = append(keys, tx.keysOfAll(e.KeySource)...)
		} else if len(keys) == 0 {
			continue // nothing by which this member could be found
		}
		sealed, err := tx.seal("match_people", "sealed", personRow(e.id(), n), p)
		if err != nil {
			return err
		}
		r.cases, r.aids = append(r.cases, e.Case), append(r.aids, e.PartnerAid)
		r.ns, r.sealed = append(r.ns, int64(n)), append(r.sealed, sealed)
		for _, k := range keys {
			r.kinds, r.hashes = append(r.kinds, k.kind), append(r.hashes, k.hash)
			r.keyOwners, r.keyNs = append(r.keyOwners, e.id()), append(r.keyNs, int64(n))
		}
	}
	return nil
}

func personRow(owner string, n int) string { return owner + "/" + strconv.Itoa(n) }

// people lists the applicant and the members as the check compares them.
func (in KeySource) people() []namedPerson {
	a := in.Applicant
	out := []namedPerson{{match.Person{Name: a.FullName, Born: a.BirthDate, Sex: a.Sex, NationalID: a.NationalID, Phone: a.Phone}, a.Address}}
	for _, m := range in.Members {
		out = append(out, namedPerson{Person: match.Person{Name: m.FullName, Born: m.BirthDate, Sex: m.Sex, NationalID: m.NationalID}})
	}
	return out
}

// key is a kind and a keyed hash.
type key struct {
	kind string
	hash []byte
}

// keysOf gives the keys of one person.
func (tx *Tx) keysOf(area string, p namedPerson) []key {
	var keys []key
	if p.NationalID != "" {
		keys = append(keys, key{keyNationalID, tx.nationalIDHash(p.NationalID)})
	}
	name := match.NameKey(p.Name)
	if name != "" && p.Born != "" {
		keys = append(keys, key{keyName, tx.vault.Hash("match-name", name+"|"+p.Born)})
	}
	if year := p.year(); year != 0 && name != "" {
		keys = append(keys, tx.blockKey(area, year))
	}
	if phone := match.PhoneKey(p.Phone); phone != "" {
		keys = append(keys, key{keyPhone, tx.vault.Hash("match-phone", phone)})
	}
	return keys
}

// keysOfAll gives the keys of the case as a whole. The account of a hospital,
// a school or a supplier is expected in many cases and has none.
func (tx *Tx) keysOfAll(in KeySource) []key {
	var keys []key
	if k, ok := tx.addressKey(in.Area, in.Applicant.Address); ok {
		keys = append(keys, k)
	}
	if p := in.Payee; p != nil && match.Personal(p.Kind) && match.Digits(p.AccountNumber) != "" {
		keys = append(keys, key{keyAccount, tx.accountKey(p.BankBIN, p.AccountNumber)})
	}
	if in.HouseholdCode != "" {
		keys = append(keys, key{keyHousehold, tx.vault.Hash("match-household", in.HouseholdCode)})
	}
	return keys
}

func (tx *Tx) accountKey(bin, number string) []byte {
	return tx.vault.Hash("match-account", bin+"|"+match.Digits(number))
}

func (tx *Tx) blockKey(area string, year int) key {
	return key{keyBlock, tx.vault.Hash("match-block", strconv.Itoa(year)+"|"+area)}
}

func (tx *Tx) addressKey(area, address string) (key, bool) {
	house := match.Address(address)
	return key{keyAddress, tx.vault.Hash("match-address", house+"|"+area)}, house != ""
}
