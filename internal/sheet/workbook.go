package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// The limits of a workbook, unpacked: what is beyond them is no list of
// households but an attack.
const (
	maxUnpacked = 1 << 30
	maxStrings  = 96 << 20 // of text that cells share
	maxEntries  = 500
)

// openWorkbook opens the one sheet of an XLSX file. It reads the file twice:
// merged cells stand behind the rows, and a file that has them is refused
// before a row is given.
func openWorkbook(file io.ReaderAt, size int64) (Reader, int, error) {
	archive, err := zip.NewReader(file, size)
	if err != nil || len(archive.File) > maxEntries {
		return nil, 0, refuse("not_a_workbook")
	}
	w := &workbook{parts: map[string]*zip.File{}}
	for _, f := range archive.File {
		w.parts[strings.TrimPrefix(f.Name, "/")] = f
	}
	name, err := w.onlySheet()
	if err != nil {
		return nil, 0, err
	}
	rows, err := w.look(name)
	if err != nil {
		return nil, 0, err
	}
	if w.strings, err = w.sharedStrings(); err != nil {
		return nil, 0, err
	}
	in, err := w.open(name)
	if err != nil {
		return nil, 0, err
	}
	return &worksheet{in: in, xml: decoder(in), strings: w.strings}, rows, nil
}

type workbook struct {
	parts   map[string]*zip.File
	strings []string
}

// open gives the unpacked content of a part, up to the limit.
func (w *workbook) open(name string) (*limited, error) {
	part, ok := w.parts[name]
	if !ok {
		return nil, refuse("not_a_workbook")
	}
	in, err := part.Open()
	if err != nil {
		return nil, refuse("not_a_workbook")
	}
	return &limited{in: in, total: maxUnpacked, row: maxUnpacked}, nil
}

// limited refuses to unpack more than a whole part may have, and more than one
// row may have.
type limited struct {
	in         io.Reader
	total, row int64
}

// Read reads within the limits.
func (l *limited) Read(b []byte) (int, error) {
	n, err := l.in.Read(b)
	l.total -= int64(n)
	l.row -= int64(n)
	if l.total < 0 || l.row < 0 {
		return 0, refuse("list_too_large")
	}
	return n, err
}

func decoder(in io.Reader) *xml.Decoder {
	d := xml.NewDecoder(bufio.NewReaderSize(in, 64<<10))
	d.Strict = true
	return d
}

// onlySheet gives the name of the part of the workbook's only sheet.
func (w *workbook) onlySheet() (string, error) {
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			ID string `xml:"http://schemas.openxmlformats.org/officeDocument/2006/relationships id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	if err := errors.Join(w.decode("xl/workbook.xml", &book), w.decode("xl/_rels/workbook.xml.rels", &links)); err != nil {
		return "", refuse("not_a_workbook")
	}
	switch {
	case len(book.Sheets) > 1:
		return "", refuse("several_sheets")
	case len(book.Sheets) == 0:
		return "", refuse("not_a_workbook")
	case book.Properties.Date1904 == "1" || book.Properties.Date1904 == "true":
		return "", refuse("date_system_1904")
	}
	for _, l := range links.All {
		if l.ID == book.Sheets[0].ID {
			if strings.HasPrefix(l.Target, "/") {
				return strings.TrimPrefix(path.Clean(l.Target), "/"), nil
			}
			return path.Join("xl", l.Target), nil
		}
	}
	return "", refuse("not_a_workbook")
}

func (w *workbook) decode(name string, to any) error {
	in, err := w.open(name)
	if err != nil {
		return err
	}
	in.total = 4 << 20
	return decoder(in).Decode(to)
}

// look counts the rows of a sheet and refuses merged cells, without taking the
// XML apart.
func (w *workbook) look(name string) (rows int, err error) {
	in, err := w.open(name)
	if err != nil {
		return 0, err
	}
	buffer, kept := make([]byte, 256<<10), 0
	for {
		n, err := in.Read(buffer[kept:])
		part := buffer[:kept+n]
		if bytes.Contains(part, []byte("<mergeCell ")) || bytes.Contains(part, []byte(":mergeCell ")) {
			return 0, refuse("merged_cells")
		}
		rows += rowMarks(part) - rowMarks(part[:kept])
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return 0, badSheet(err)
		}
		kept = copy(buffer, part[max(0, len(part)-16):]) // a word may go on in the next part
	}
}

func rowMarks(part []byte) int {
	return bytes.Count(part, []byte("<row")) + bytes.Count(part, []byte(":row "))
}

// badSheet tells a limit from a file that cannot be unpacked or read.
func badSheet(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	if strings.Contains(err.Error(), "list_too_large") {
		return refuse("list_too_large")
	}
	return refuse("not_a_workbook")
}

// sharedStrings reads the texts that cells refer to by number.
func (w *workbook) sharedStrings() ([]string, error) {
	const name = "xl/sharedStrings.xml"
	if _, there := w.parts[name]; !there {
		return nil, nil
	}
	in, err := w.open(name)
	if err != nil {
		return nil, err
	}
	d, all, size := decoder(in), []string{}, 0
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, badSheet(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "si" {
			text, err := textOf(d, "si")
			if err != nil {
				return nil, badSheet(err)
			}
			if size += len(text) + 16; size > maxStrings {
				return nil, refuse("list_too_large")
			}
			all = append(all, text)
		}
	}
}

// textOf joins the texts of an element to its end; how it is read aloud is not
// part of it.
func textOf(d *xml.Decoder, element string) (string, error) {
	var text strings.Builder
	in, aloud := false, false
	for {
		token, err := d.RawToken()
		if err != nil {
			return "", errors.Join(io.ErrUnexpectedEOF, err)
		}
		switch t := token.(type) {
		case xml.StartElement:
			in = t.Name.Local == "t"
			aloud = aloud || t.Name.Local == "rPh"
		case xml.EndElement:
			in = false
			aloud = aloud && t.Name.Local != "rPh"
			if t.Name.Local == element {
				return text.String(), nil
			}
		case xml.CharData:
			if in && !aloud {
				text.Write(t)
			}
		}
	}
}
