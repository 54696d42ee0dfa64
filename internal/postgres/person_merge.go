package postgres

import (
	"context"
	"slices"
	"strconv"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// The kinds of decisions about who is who.
const (
	personMerge     = "merge"
	personSplit     = "split"
	personDifferent = "different"
)

// MergePersons decides that two persons are one: what one of them asks for
// or was given is from now on the other's too. Two id numbers in one person
// are allowed. Cases keep the person that they name, so that a split undoes
// it. Decision is the id that the decision gets; the same one again gives what
// was decided.
//
// Errors: NotFound person_not_found (of person or into; a verifier or manager
// sees a case of both); Conflict one_person.
func (s *Store) MergePersons(ctx context.Context, caller *Caller, decision, person, into, reason string) (*PersonDecision, error) {
	return s.decidePersons(ctx, caller, decision, func(tx *Tx) (*PersonDecision, error) {
		a, b, err := tx.twoPersons(caller, person, into)
		if err != nil {
			return nil, err
		}
		if _, err := tx.exec(`DELETE FROM person_differences WHERE person_id = ANY($1) AND other_id = ANY($2) OR person_id = ANY($2) AND other_id = ANY($1)`,
			pq.Array(a.people), pq.Array(b.people)); err != nil {
			return nil, err
		}
		if _, err := tx.exec(`UPDATE persons SET same_as = $2 WHERE id = ANY($1)`, pq.Array(a.people), b.root); err != nil {
			return nil, err
		}
		made, err := tx.addPersonDecision(caller, decision, PersonDecision{Kind: personMerge, Person: a.root, Other: b.root, Reason: reason})
		if err != nil {
			return nil, err
		}
		related, err := tx.conflictedCasesOf(append(a.people, b.people...))
		if err != nil {
			return nil, err
		}
		return made, tx.lookAtCases(related)
	})
}

// conflictedCasesOf gives the cases of persons in which somebody of the staff
// may not act, in the order in which cases are locked.
func (tx *Tx) conflictedCasesOf(people []string) (ids []string, err error) {
	return ids, tx.list(&ids, `SELECT c.id FROM cases c WHERE c.person_id = ANY($1) AND EXISTS (SELECT 1 FROM conflicts k WHERE k.case_id = c.id) ORDER BY c.id`, pq.Array(people))
}

// DifferPersons remembers that two persons are two, though they look alike:
// the duplicate check no longer takes one for the other.
//
// Errors: as MergePersons.
func (s *Store) DifferPersons(ctx context.Context, caller *Caller, decision, person, other, reason string) (*PersonDecision, error) {
	return s.decidePersons(ctx, caller, decision, func(tx *Tx) (*PersonDecision, error) {
		a, b, err := tx.twoPersons(caller, person, other)
		if err != nil {
			return nil, err
		}
		made, err := tx.addPersonDecision(caller, decision, PersonDecision{Kind: personDifferent, Person: a.root, Other: b.root, Reason: reason})
		if err != nil {
			return nil, err
		}
		return made, tx.addDifference(a.root, b.root, decision)
	})
}

// SplitPerson gives cases of a person to another one: back to those who were
// merged in when all their cases are named, else to a new person. The two are
// known to be different from then on, whatever numbers they state.
//
// Errors: NotFound person_not_found; Invalid unknown_case at /cases/N for what
// is not a case of this person that the caller sees; Invalid all_cases at
// /cases when nothing would be left.
func (s *Store) SplitPerson(ctx context.Context, caller *Caller, decision, person string, cases []string, reason string) (*PersonDecision, error) {
	return s.decidePersons(ctx, caller, decision, func(tx *Tx) (*PersonDecision, error) {
		areas := caller.identityAreas(false)
		p, err := tx.lockPerson(areas, person)
		if err != nil {
			return nil, err
		}
		off, err := tx.namedCases(p, areas, cases)
		if err != nil {
			return nil, err
		}
		related, err := tx.conflictedCasesOf(p.people) // some of them may be free afterwards
		if err != nil {
			return nil, err
		}
		gone, stay, err := tx.part(p, off)
		if err != nil {
			return nil, err
		}
		if err := tx.regroup(stay); err != nil {
			return nil, err
		}
		if err := tx.regroup(gone); err != nil {
			return nil, err
		}
		made, err := tx.addPersonDecision(caller, decision, PersonDecision{Kind: personSplit, Person: stay[0], Other: gone[0], Cases: off, Reason: reason})
		if err != nil {
			return nil, err
		}
		if err := tx.addDifference(stay[0], gone[0], decision); err != nil {
			return nil, err
		}
		return made, tx.lookAtCases(related)
	})
}

// decidePersons runs one decision, or gives the one that its id stands for.
func (s *Store) decidePersons(ctx context.Context, caller *Caller, decision string, decide func(*Tx) (*PersonDecision, error)) (*PersonDecision, error) {
	var made *PersonDecision
	err := s.Write(ctx, func(tx *Tx) (err error) {
		var there PersonDecision
		err = tx.get(&there, `SELECT id, kind, person_id, other_id, cases, reason, actor, at FROM person_decisions WHERE id = $1 AND actor = $2`, decision, caller.Actor())
		if err == nil {
			made = &there
			return nil
		}
		if !notFound(err) {
			return err
		}
		made, err = decide(tx)
		return err
	})
	return made, err
}

// lockedPerson is a person with everybody merged with it, the root first.
type lockedPerson struct {
	root   string
	people []string
}

// lockPerson locks a person with everybody merged with it. The root is locked
// first: as long as it is held nobody joins or leaves. A root that was merged
// into another while this waited for it is looked up again.
func (tx *Tx) lockPerson(areas []string, id string) (*lockedPerson, error) {
	for range 10 {
		var p lockedPerson
		err := tx.get(&p.root, rootQuery, pq.Array(areas), id)
		if notFound(err) {
			return nil, aid.Refuse(aid.NotFound, "person_not_found")
		}
		if err != nil {
			return nil, err
		}
		var merged bool
		if err := tx.get(&merged, `SELECT same_as IS NOT NULL FROM persons WHERE id = $1 FOR NO KEY UPDATE`, p.root); err != nil {
			return nil, err
		}
		if !merged {
			err := tx.list(&p.people, `SELECT id FROM persons WHERE id = $1 OR same_as = $1 ORDER BY id FOR NO KEY UPDATE`, p.root)
			return &p, err
		}
	}
	return nil, aid.Refuse(aid.Unavailable, "database_busy")
}

// twoPersons locks two persons. Whoever merges them at the same time waits; a
// circle of waits is broken by the database and tried again.
func (tx *Tx) twoPersons(caller *Caller, one, other string) (a, b *lockedPerson, err error) {
	areas := caller.identityAreas(false)
	if a, err = tx.lockPerson(areas, one); err != nil {
		return nil, nil, err
	}
	if b, err = tx.lockPerson(areas, other); err != nil {
		return nil, nil, err
	}
	if a.root == b.root {
		return nil, nil, aid.Refuse(aid.Conflict, "one_person")
	}
	return a, b, nil
}

// namedCases gives the ids of the cases that the caller names by id or
// reference.
func (tx *Tx) namedCases(p *lockedPerson, areas, named []string) ([]string, error) {
	var rows []struct {
		ID        string `db:"id"`
		Reference string `db:"reference"`
	}
	err := tx.list(&rows, `SELECT id, reference FROM cases WHERE person_id = ANY($1) AND area = ANY($2) AND submitted_at IS NOT NULL AND reference IS NOT NULL ORDER BY id`,
		pq.Array(p.people), pq.Array(areas))
	if err != nil {
		return nil, err
	}
	ids, faults := []string{}, []aid.Fault{}
	for i, name := range named {
		at := -1
		for n, row := range rows {
			if row.ID == name || row.Reference == name {
				at = n
			}
		}
		if at < 0 {
			faults = append(faults, aid.Fault{Pointer: "/cases/" + strconv.Itoa(i), Code: "unknown_case"})
		} else if !slices.Contains(ids, rows[at].ID) {
			ids = append(ids, rows[at].ID)
		}
	}
	return ids, aid.RefuseAll(faults)
}

// part divides the people of a person: gone are those whose every case goes
// off, and a new one for the other cases that do.
func (tx *Tx) part(p *lockedPerson, off []string) (gone, stay []string, err error) {
	var rows []struct {
		ID     string `db:"id"`
		Person string `db:"person_id"`
		Goes   bool   `db:"goes"`
	}
	if err := tx.list(&rows, `SELECT id, person_id, id = ANY($2) AS goes FROM cases WHERE person_id = ANY($1) ORDER BY id`, pq.Array(p.people), pq.Array(off)); err != nil {
		return nil, nil, err
	}
	keeps := map[string]bool{} // people with a case that does not go
	cases := map[string]bool{}
	for _, row := range rows {
		cases[row.Person] = true
		keeps[row.Person] = keeps[row.Person] || !row.Goes
	}
	for _, id := range p.people {
		if cases[id] && !keeps[id] {
			gone = append(gone, id)
		} else {
			stay = append(stay, id)
		}
	}
	if !slices.ContainsFunc(stay, func(id string) bool { return keeps[id] }) {
		return nil, nil, aid.RefuseAll([]aid.Fault{{Pointer: "/cases", Code: "all_cases"}})
	}
	var move []string
	for _, row := range rows {
		if row.Goes && keeps[row.Person] {
			move = append(move, row.ID)
		}
	}
	if len(move) == 0 {
		return gone, stay, nil
	}
	id, err := tx.newPerson(move[0])
	if err != nil {
		return nil, nil, err
	}
	_, err = tx.exec(`UPDATE cases SET person_id = $2 WHERE id = ANY($1)`, pq.Array(move), id)
	return append(gone, id), stay, err
}

// newPerson makes a person of what a case says of its applicant. It has no
// number of its own: the number stays with the person who was there before.
func (tx *Tx) newPerson(caseID string) (string, error) {
	content, err := tx.sealedOf(caseID)
	if err != nil {
		return "", err
	}
	id := NewID(aid.PersonID)
	sealed, err := tx.seal("persons", "sealed", id, content.Applicant)
	if err != nil {
		return "", err
	}
	return id, tx.one(`INSERT INTO persons (id, sealed, created_at) VALUES ($1, $2, $3)`, id, sealed, tx.Wall)
}

// regroup makes people one person; the first of them is the root.
func (tx *Tx) regroup(people []string) error {
	_, err := tx.exec(`UPDATE persons SET same_as = CASE WHEN id = $2::text THEN NULL ELSE $2::text END WHERE id = ANY($1)`, pq.Array(people), people[0])
	return err
}

func (tx *Tx) addDifference(a, b, decision string) error {
	_, err := tx.exec(`INSERT INTO person_differences (person_id, other_id, decision_id) VALUES (least($1::text, $2::text), greatest($1::text, $2::text), $3) ON CONFLICT DO NOTHING`,
		a, b, decision)
	return err
}

// addPersonDecision writes the decision down, in the history and in the audit.
func (tx *Tx) addPersonDecision(caller *Caller, id string, d PersonDecision) (*PersonDecision, error) {
	d.ID, d.Actor, d.At = id, caller.Actor(), tx.Wall
	if d.Cases == nil {
		d.Cases = []string{}
	}
	err := tx.one(`INSERT INTO person_decisions (id, kind, person_id, other_id, cases, reason, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		d.ID, d.Kind, d.Person, d.Other, d.Cases, d.Reason, d.Actor, d.At)
	if err != nil {
		return nil, err
	}
	return &d, tx.AddAudit(caller.Actor(), "person_"+d.Kind, d.Person, "done", "")
}
