package programme

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// limits gives what the form wanted, for the message to a person: always from
// the form, never from the answer.
func limits(k jsonschema.ErrorKind) map[string]string {
	switch k := k.(type) {
	case *kind.Type:
		return want(strings.Join(k.Want, ", "))
	case *kind.Format:
		return want(k.Want)
	case *kind.Minimum:
		return want(number(k.Want))
	case *kind.Maximum:
		return want(number(k.Want))
	case *kind.ExclusiveMinimum:
		return want(number(k.Want))
	case *kind.ExclusiveMaximum:
		return want(number(k.Want))
	case *kind.MinLength:
		return want(strconv.Itoa(k.Want))
	case *kind.MaxLength:
		return want(strconv.Itoa(k.Want))
	case *kind.MinItems:
		return want(strconv.Itoa(k.Want))
	case *kind.MaxItems:
		return want(strconv.Itoa(k.Want))
	}
	return nil
}

func want(text string) map[string]string { return map[string]string{"want": text} }

func number(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return r.FloatString(2)
}
