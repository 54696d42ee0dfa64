package httpregister

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"

	"github.com/aidflow/aidflow/registers"
)

// wirePerson is a person on the wire: the body of a question. It is the only
// place where one is written out.
type wirePerson struct {
	NationalID string `json:"national_id"`
	FullName   string `json:"full_name,omitempty"`
	BirthDate  string `json:"birth_date,omitempty"`
	Sex        string `json:"sex,omitempty"`
}

func person(p registers.Person) wirePerson { return wirePerson(p) }

// wireEntry is an answer.
type wireEntry struct {
	Found *bool `json:"found"`
	wirePerson
}

var datePattern = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)

// read takes an answer. Members that are not known are passed over: a register
// may tell more than is asked, and it is not kept.
func read(body []byte) (registers.Entry, error) {
	malformed := &registers.Error{Code: registers.CodeMalformedAnswer}
	if len(body) > maxAnswer {
		return registers.Entry{}, malformed
	}
	var w wireEntry
	d := json.NewDecoder(bytes.NewReader(body))
	if d.Decode(&w) != nil || w.Found == nil {
		return registers.Entry{}, malformed
	}
	if _, err := d.Token(); err != io.EOF { //nolint:errorlint // Token gives io.EOF itself
		return registers.Entry{}, malformed
	}
	if (w.BirthDate != "" && !datePattern.MatchString(w.BirthDate)) || (w.Sex != "" && w.Sex != "female" && w.Sex != "male") {
		return registers.Entry{}, malformed
	}
	return registers.Entry{Found: *w.Found, Person: registers.Person(w.wirePerson)}, nil
}
