package programmes

import (
	"embed"

	"github.com/aidflow/aidflow/aid"
)

//go:embed examples/*.yaml
var examples embed.FS

// Example gives the text of a definition that no deployment starts with: it
// is there to be proposed, reviewed and published like any other.
//
// Errors: NotFound unknown_example.
func Example(code string) ([]byte, error) {
	text, err := examples.ReadFile("examples/" + code + ".yaml")
	if err != nil {
		return nil, aid.Refuse(aid.NotFound, "unknown_example")
	}
	return text, nil
}
