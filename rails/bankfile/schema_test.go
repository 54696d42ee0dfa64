package bankfile_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

// lint validates a message against a schema.
func lint(t testing.TB, schema string, message []byte) {
	t.Helper()
	cmd := exec.Command("xmllint", "--noout", "--nonet", "--schema", schema, "-")
	cmd.Stdin = bytes.NewReader(message)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(schema), err, out)
	}
}

func needXmllint(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("xmllint"); err == nil {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal("xmllint is needed: Debian has it in libxml2-utils")
	}
	t.Skip("no xmllint")
}

// own writes the project's narrower schema for a version.
func own(t *testing.T, version string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/pain.001.xsd")
	if err != nil {
		t.Fatal(err)
	}
	date := "Dated"
	if version == "03" {
		date = "xs:date"
	}
	schema := strings.NewReplacer("NAMESPACE", "urn:iso:std:iso:20022:tech:xsd:pain.001.001."+version, "DATE", date).Replace(string(text))
	file := filepath.Join(t.TempDir(), "own.xsd")
	if err := os.WriteFile(file, []byte(schema), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// official gives the schema of ISO 20022 for a message from the folder that
// AIDFLOW_XSD names, "" where it is not there.
func official(message string) string {
	folder := os.Getenv("AIDFLOW_XSD")
	file := filepath.Join(folder, message+".xsd")
	if _, err := os.Stat(file); folder == "" || err != nil {
		return ""
	}
	return file
}

// Whatever batch is written, its file is valid: in CI against our own schema,
// and against that of ISO 20022 where AIDFLOW_XSD has it.
func TestWhatIsWrittenIsValid(t *testing.T) {
	t.Parallel()
	needXmllint(t)
	for _, version := range []string{"03", "09", "11"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			schemas := []string{own(t, version)}
			if file := official("pain.001.001." + version); file != "" {
				schemas = append(schemas, file)
			}
			r := rail(t, bankfile.Settings{Version: version})
			// xmllint takes longer to start than a file to be read: the random
			// batches of a run go into a few files.
			var lines []rails.BatchLine
			rapid.Check(t, func(rt *rapid.T) { lines = append(lines, randomBatch(rt, "VND").Lines...) })
			for _, part := range [][]rails.BatchLine{lines[:1], lines} {
				b := batch(0)
				b.Lines = unique(part)
				f, err := r.Write(b)
				if err != nil {
					t.Fatal(err)
				}
				for _, schema := range schemas {
					lint(t, schema, f.Bytes)
				}
			}
		})
	}
}

// unique leaves out lines of a key that is there already.
func unique(lines []rails.BatchLine) []rails.BatchLine {
	seen, out := map[string]bool{}, []rails.BatchLine(nil)
	for _, l := range lines {
		if !seen[l.Key] {
			seen[l.Key] = true
			out = append(out, l)
		}
	}
	return out
}

// The bank of the tests writes what a bank may write.
func TestTheBanksFilesAreValid(t *testing.T) {
	t.Parallel()
	if os.Getenv("AIDFLOW_XSD") == "" {
		t.Skip("AIDFLOW_XSD names no folder with the schemas of ISO 20022")
	}
	needXmllint(t)
	checked := 0
	for _, old := range []bool{false, true} {
		for _, together := range []bool{false, true} {
			d := day("VND")
			d.Old, d.Batch = old, together
			d.Faults = banktest.Faults{Refused: 2, Returned: 2, Lost: 1, WrongAmount: 1, Doubled: 1, Unnamed: 1, Foreign: 3}
			f, err := rail(t, bankfile.Settings{}).Write(batch(20))
			if err != nil {
				t.Fatal(err)
			}
			b := pay(t, f.Bytes, d)
			for message, content := range map[string][]byte{
				"pain.002.001." + map[bool]string{true: "03", false: "10"}[old]: b.Status(),
				"camt.053.001." + map[bool]string{true: "02", false: "08"}[old]: b.Statement(),
				"camt.054.001." + map[bool]string{true: "02", false: "08"}[old]: b.Notices(),
			} {
				if schema := official(message); schema != "" {
					lint(t, schema, content)
					checked++
				}
			}
		}
	}
	t.Logf("%d files are valid", checked)
}
