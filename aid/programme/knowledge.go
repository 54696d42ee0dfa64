package programme

import "maps"

// knowledge is what is certain at one place of a rule, from the conditions
// around it. It never changes: what is learned makes a new one.
type knowledge struct {
	present map[string]bool       // optional fields that are there, by path
	ranges  map[string]interval   // narrower values of numbers, by path
	nonzero map[string]bool       // numbers that are not zero, by path
	locals  map[string]*valueType // variables of all and exists
}

func (k knowledge) withPresent(paths ...string) knowledge {
	k.present = maps.Clone(k.present)
	if k.present == nil {
		k.present = map[string]bool{}
	}
	for _, path := range paths {
		k.present[path] = true
	}
	return k
}

// withRange narrows a number. What contradicts the rest is a place that is
// never reached; then the wider values stay.
func (k knowledge) withRange(path string, now, bound interval) knowledge {
	both, ok := now.meet(bound)
	if path == "" || !ok {
		return k
	}
	k.ranges = maps.Clone(k.ranges)
	if k.ranges == nil {
		k.ranges = map[string]interval{}
	}
	k.ranges[path] = both
	return k
}

func (k knowledge) withNonzero(path string) knowledge {
	if path == "" {
		return k
	}
	k.nonzero = maps.Clone(k.nonzero)
	if k.nonzero == nil {
		k.nonzero = map[string]bool{}
	}
	k.nonzero[path] = true
	return k
}

func (k knowledge) withLocal(name string, t *valueType) knowledge {
	k.locals = maps.Clone(k.locals)
	if k.locals == nil {
		k.locals = map[string]*valueType{}
	}
	k.locals[name] = t
	return k
}
