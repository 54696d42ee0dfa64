package bankfile_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares bytes with a file that people have looked at.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what is written now; -update writes it anew, and then AIDFLOW_XSD should be set:\n%s", name, got)
	}
}

func TestWhatIsWritten(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]bankfile.Settings{
		"run.pain.001.001.09.xml": {},
		"run.pain.001.001.03.xml": {Version: "03"},
		"run.pain.001.001.11.xml": {Version: "11"},
		"run.csv":                 {Format: bankfile.CSV},
		"run.form.csv": {Format: bankfile.CSV, Delimiter: ',', WithoutTotal: true, Columns: []bankfile.Column{
			{Field: "account_number", Title: "Số tài khoản"}, {Field: "account_name", Title: "Tên người hưởng"},
			{Field: "bank_bin", Title: "Ngân hàng"}, {Field: "amount", Title: "Số tiền"}, {Field: "end_to_end", Title: "Nội dung"}}},
	} {
		f, err := rail(t, set).Write(batch(3))
		if err != nil {
			t.Fatal(err)
		}
		golden(t, name, f.Bytes)
	}
}

// What the bank of the tests answers, so that a reader sees such files.
func TestWhatTheBankAnswers(t *testing.T) {
	t.Parallel()
	f, err := rail(t, bankfile.Settings{}).Write(batch(4))
	if err != nil {
		t.Fatal(err)
	}
	d := day("VND")
	d.Faults = banktest.Faults{Refused: 1, Returned: 1, Foreign: 1}
	b := pay(t, f.Bytes, d)
	golden(t, "answer.pain.002.001.10.xml", b.Status())
	golden(t, "statement.camt.053.001.08.xml", b.Statement())
	golden(t, "statement.csv", b.CSV())
	d.Old, d.Batch = true, true
	b = pay(t, f.Bytes, d)
	golden(t, "answer.pain.002.001.03.xml", b.Status())
	golden(t, "statement.camt.053.001.02.xml", b.Statement())
}
