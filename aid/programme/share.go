package programme

import (
	"encoding/json"
	"strconv"

	"github.com/aidflow/aidflow/aid"
)

// Share is the part of an award that a tranche pays: a percentage from 1 to
// 100, or what is left ("remainder", the last tranche only).
type Share struct {
	Percent   int
	Remainder bool
}

// MarshalJSON writes a number, or "remainder".
func (s Share) MarshalJSON() ([]byte, error) {
	if s.Remainder {
		return []byte(`"remainder"`), nil
	}
	return []byte(strconv.Itoa(s.Percent)), nil
}

// UnmarshalJSON reads a number from 1 to 100, or "remainder".
func (s *Share) UnmarshalJSON(data []byte) error {
	if string(data) == `"remainder"` {
		*s = Share{Remainder: true}
		return nil
	}
	var percent int
	if err := json.Unmarshal(data, &percent); err != nil || percent < 1 || percent > 100 {
		return aid.Refuse(aid.Invalid, "share_invalid")
	}
	*s = Share{Percent: percent}
	return nil
}
