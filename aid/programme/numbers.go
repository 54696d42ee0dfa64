package programme

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
)

// The longest number that a form meets. The schema library computes exactly,
// with all digits: 1e999999 costs a tenth of a second and a larger exponent
// ends in a nil pointer, so such numbers never reach it.
const (
	maxDigits   = 40
	maxExponent = 40
)

// extremeNumbers gives a fault (number_too_long) for each number that is too
// long, in the order of the names.
func extremeNumbers(faults []aid.Fault, value any, location []string) []aid.Fault {
	switch v := value.(type) {
	case json.Number:
		if !handy(v.String()) {
			faults = append(faults, aid.Fault{Pointer: pointerTo(location), Code: "number_too_long"})
		}
	case []any:
		for i, item := range v {
			faults = extremeNumbers(faults, item, append(slices.Clip(location), strconv.Itoa(i)))
		}
	case map[string]any:
		for _, name := range sortedKeys(v) {
			faults = extremeNumbers(faults, v[name], append(slices.Clip(location), name))
		}
	}
	return faults
}

func handy(number string) bool {
	digits, exponent := number, "0"
	if cut := strings.IndexAny(number, "eE"); cut >= 0 {
		digits, exponent = number[:cut], number[cut+1:]
	}
	n, err := strconv.Atoi(exponent)
	return err == nil && len(digits) <= maxDigits && n <= maxExponent && n >= -maxExponent
}
