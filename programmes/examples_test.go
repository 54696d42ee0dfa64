package programmes_test

import (
	"os"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/programmes"
)

// The example decides as its golden table says, like every shipped programme.
func TestTheExampleDecidesAsWritten(t *testing.T) {
	text, err := programmes.Example("emergency_food")
	if err != nil {
		t.Fatal(err)
	}
	def, err := programme.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile("examples/golden/emergency_food.yaml")
	if err != nil {
		t.Fatal(err)
	}
	n, failures, err := programmes.CheckGolden(def, table)
	if err != nil || n == 0 || len(failures) > 0 {
		t.Fatalf("%d decisions, %v %v", n, failures, err)
	}
	if _, err := programmes.Example("none"); err == nil {
		t.Error("there is an example that is none")
	}
}
