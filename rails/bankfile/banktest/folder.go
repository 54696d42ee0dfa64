package banktest

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Folder is the bank behind two folders: files for it are put into one, and it
// answers into the other. What it has answered it does not answer again, a
// restart included: the answers are its memory.
type Folder struct {
	In, Out string
	Day     Day // Opening is the balance before the first file; On is set by Answer
	paid    map[string]bool
}

// Answer pays every file that has no answer yet, in the order of their names,
// as of the day, and gives the names. A file whose number or sum is wrong, or
// whose message id was paid before, is turned away as a whole. Files that end
// in neither .xml nor .csv are left alone.
//
// Errors: of the disk only.
func (f *Folder) Answer(on time.Time) (answered []string, err error) {
	entries, err := os.ReadDir(f.In)
	if err != nil {
		return nil, err
	}
	if f.paid == nil {
		f.paid = map[string]bool{}
	}
	f.Day.On = on
	for _, e := range entries { // sorted by name
		name := e.Name()
		if e.IsDir() || !slices.Contains([]string{".xml", ".csv"}, filepath.Ext(name)) {
			continue
		}
		file, err := os.ReadFile(filepath.Join(f.In, name))
		if err != nil {
			return answered, err
		}
		id, _, _, _ := read(file, f.Day.Currency)
		if _, err := os.Stat(filepath.Join(f.Out, stem(name)+".pain.002.xml")); err == nil {
			f.paid[id] = true
			continue
		}
		if err := f.answer(stem(name), id, file); err != nil {
			return answered, err
		}
		answered = append(answered, name)
	}
	return answered, nil
}

func stem(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }

// answer writes what the bank says of one file; the pain.002, by which the file
// counts as answered, last.
func (f *Folder) answer(name, id string, file []byte) error {
	b, err := Pay(file, f.Day)
	switch {
	case err != nil:
		if id == "" {
			id = "NOTPROVIDED"
		}
		refused := &Books{Batch: id, day: f.Day}
		return f.write(name+".pain.002.xml", refused.Rejection("AM10")) // the control sum
	case f.paid[id]:
		return f.write(name+".pain.002.xml", b.Rejection("DU01")) // the message id
	}
	f.paid[id] = true
	f.Day.Opening = b.Closing()
	for _, answer := range []struct {
		ending string
		bytes  []byte
	}{{".camt.053.xml", b.Statement()}, {".camt.054.xml", b.Notices()}, {".statement.csv", b.CSV()}, {".pain.002.xml", b.Status()}} {
		if err := f.write(name+answer.ending, answer.bytes); err != nil {
			return err
		}
	}
	return nil
}

// write lets nobody see half a file.
func (f *Folder) write(name string, content []byte) error {
	part := filepath.Join(f.Out, name+".part")
	if err := os.WriteFile(part, content, 0o600); err != nil {
		return err
	}
	return os.Rename(part, filepath.Join(f.Out, name))
}
