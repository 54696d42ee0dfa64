package bankfile_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

// A bank behind folders answers each file once, a restart included, and turns
// away what it has paid before and what does not add up.
func TestABankBehindFolders(t *testing.T) {
	t.Parallel()
	in, out := t.TempDir(), t.TempDir()
	put := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(in, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	start := func() *banktest.Folder {
		return &banktest.Folder{In: in, Out: out, Day: banktest.Day{Currency: "VND", Opening: 900_000_000}}
	}
	answers := func(f *banktest.Folder, want ...string) {
		t.Helper()
		got, err := f.Answer(today())
		if err != nil || !slices.Equal(got, want) {
			t.Fatalf("%v, %v; want %v", got, err, want)
		}
	}
	r := rail(t, bankfile.Settings{})
	file, err := r.Write(batch(3))
	if err != nil {
		t.Fatal(err)
	}
	second := batch(5)
	second.ID, second.Lines = "second", second.Lines[3:]
	next, err := r.Write(second)
	if err != nil {
		t.Fatal(err)
	}
	put("a.xml", file.Bytes)
	put("b.xml", next.Bytes)
	put("notes.txt", []byte("not for the bank"))
	f := start()
	answers(f, "a.xml", "b.xml")
	answers(f)

	f = start() // began anew
	answers(f)
	put("c.xml", file.Bytes)
	put("d.xml", bytes.Replace(next.Bytes, []byte("<CtrlSum>"), []byte("<CtrlSum>1"), 1))
	put("e.csv", []byte("no file of ours"))
	answers(f, "c.xml", "d.xml", "e.csv")

	readBack := func(name string) *rails.Report {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			t.Fatal(err)
		}
		return read(t, bankfile.Settings{}, string(content))
	}
	one, two := readBack("a.camt.053.xml"), readBack("b.camt.053.xml")
	if *one.Closing != *two.Opening || one.Account != fund().Number || len(one.Lines) != 3 || len(two.Lines) != 2 {
		t.Errorf("%+v, then %+v", one, two)
	}
	for name, want := range map[string]string{"c": "DU01", "d": "AM10"} {
		if got := readBack(name + ".pain.002.xml"); got.Rest != rails.Refused || got.RestReason != want {
			t.Errorf("%s: %+v", name, got)
		}
		if _, err := os.Stat(filepath.Join(out, name+".camt.053.xml")); err == nil {
			t.Errorf("%s was paid", name)
		}
	}
	if csv := readBack("a.statement.csv"); len(csv.Lines) != 3 || len(readBack("a.pain.002.xml").Lines) != 3 || len(readBack("a.camt.054.xml").Lines) != 3 {
		t.Errorf("%+v", csv)
	}
	if left, _ := filepath.Glob(filepath.Join(out, "*.part")); left != nil {
		t.Errorf("%v is left", left)
	}
}
