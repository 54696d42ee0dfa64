package programmes

import (
	"strconv"

	"github.com/aidflow/aidflow/aid/programme"
	"go.yaml.in/yaml/v3"
)

// Sample is a set of facts to try rules on.
type Sample struct {
	Name  string
	Facts programme.Facts
}

// Samples reads the facts of a table of golden decisions: its base and each row
// of its rules, on top of the examples of the definition.
//
// Errors: of YAML, and facts that no rule knows.
func Samples(d *programme.Definition, table []byte) ([]Sample, error) {
	var want struct {
		Base  map[string]any
		Rules []struct {
			Name  string
			Facts map[string]any
		}
	}
	if err := yaml.Unmarshal(table, &want); err != nil {
		return nil, err
	}
	base := merged(defaultFacts(d), want.Base)
	var out []Sample
	for i, row := range want.Rules {
		facts, err := factsOf(merged(base, row.Facts))
		if err != nil {
			return nil, err
		}
		if row.Name == "" {
			row.Name = "row " + strconv.Itoa(i+1)
		}
		out = append(out, Sample{Name: row.Name, Facts: facts})
	}
	return out, nil
}
