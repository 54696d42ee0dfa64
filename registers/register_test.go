package registers_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/registers"
)

// said is a register that says one thing.
type said struct {
	entry registers.Entry
	err   error
}

func (s said) Look(context.Context, registers.Person) (registers.Entry, error) { return s.entry, s.err }

func person() registers.Person {
	return registers.Person{NationalID: "051084001234", FullName: "Đặng Thị Canary", BirthDate: "1984-03-02", Sex: "female"}
}

func TestAsk(t *testing.T) {
	held := func(change func(*registers.Person)) said {
		p := person()
		change(&p)
		return said{entry: registers.Entry{Found: true, Person: p}}
	}
	tests := []struct {
		name     string
		register said
		want     string // codes, or the error's
	}{
		{"the same", held(func(*registers.Person) {}), ""},
		{"in capitals, without accents, in another order", held(func(p *registers.Person) { p.FullName = "CANARY  DANG THI" }), ""},
		{"decomposed", held(func(p *registers.Person) { p.FullName = "Đặng Thị Canary" }), ""},
		{"a register that knows only names", held(func(p *registers.Person) { p.BirthDate, p.Sex = "", "" }), ""},
		{"a register that knows only numbers", held(func(p *registers.Person) { *p = registers.Person{NationalID: p.NationalID} }), ""},
		{"another birth date", held(func(p *registers.Person) { p.BirthDate = "1984-02-03" }), "differs birth_date_differs"},
		{"another name", held(func(p *registers.Person) { p.FullName = "Dang Thi Kanary" }), "differs full_name_differs"},
		{"another sex", held(func(p *registers.Person) { p.Sex = "male" }), "differs sex_differs"},
		{"somebody else", held(func(p *registers.Person) { p.FullName, p.BirthDate = "Lê Văn B", "1990-01-01" }), "no_match birth_date_differs full_name_differs"},
		{"nobody", said{entry: registers.Entry{Person: registers.Person{NationalID: person().NationalID}}}, "not_found"},
		{"another number", held(func(p *registers.Person) { p.NationalID = "051084001235" }), "mismatch"},
		{"no number", held(func(p *registers.Person) { p.NationalID = "" }), "mismatch"},
		{"nobody, of another number", said{}, "mismatch"},
		{"away", said{err: &registers.Error{Code: registers.CodeUnreachable}}, "unreachable"},
		{"a foreign error", said{err: errors.New("canary")}, "not_understood"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			answer, err := registers.Ask(t.Context(), tt.register, person())
			got := strings.Join(answer.Codes(), " ")
			var fault *registers.Error
			if err != nil {
				got = registers.CodeOf(err)
			}
			if got != tt.want || (err != nil && !errors.As(err, &fault)) {
				t.Errorf("%q %v, want %q", got, err, tt.want)
			}
		})
	}
	if registers.CodeOf(errors.New("x")) != registers.CodeNotUnderstood {
		t.Error("an error of no register has a code")
	}
}

// Whatever order and accents the words of a name have, it is the same name;
// with one more word it is another.
func TestNamesAreComparedByTheirWords(t *testing.T) {
	accents := strings.NewReplacer("a", "ạ", "e", "ể", "o", "ộ", "u", "ữ", "i", "ĩ", "d", "đ")
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOfN(rapid.StringMatching(`[a-z]{1,7}`), 1, 5).Draw(t, "words")
		other := rapid.Permutation(words).Draw(t, "order")
		asked, held := person(), person()
		asked.FullName, held.FullName = strings.Join(words, " "), strings.ToUpper(accents.Replace(strings.Join(other, ", ")))
		answer, err := registers.Ask(t.Context(), said{entry: registers.Entry{Found: true, Person: held}}, asked)
		if err != nil || answer.Result != registers.Match {
			t.Fatalf("%q beside %q: %v %v", asked.FullName, held.FullName, answer, err)
		}
		held.FullName += " x"
		answer, err = registers.Ask(t.Context(), said{entry: registers.Entry{Found: true, Person: held}}, asked)
		if err != nil || !slices.Equal(answer.Fields, []string{registers.FieldName}) {
			t.Fatalf("one more word: %v %v", answer, err)
		}
	})
}

// A person leaves this room through adapters only.
func TestAPersonIsNotPrinted(t *testing.T) {
	p := person()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "person", p, "entry", registers.Entry{Person: p})
	encoded, err := json.Marshal(registers.Entry{Person: p})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(p, &p) + fmt.Sprintf("%+v %#v %q %x %v", p, p, p, p, registers.Entry{Person: p}) + log.String() + string(encoded) + p.String() + p.GoString()
	for _, part := range []string{"Canary", p.NationalID, p.BirthDate} {
		if strings.Contains(text, part) {
			t.Errorf("%s is printed: %s", part, text)
		}
	}
	if gob.NewEncoder(&log).Encode(p) == nil || json.Unmarshal(encoded, &registers.Entry{}) == nil || new(registers.Person).GobDecode(nil) == nil {
		t.Error("a person is encoded or decoded")
	}
}
