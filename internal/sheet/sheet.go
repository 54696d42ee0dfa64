// Package sheet reads the rows of a CSV or XLSX file as a stream: a row at a
// time, in bounded memory, and without a copy of the content on any disk. It
// judges the form of a file, not what stands in it, and no error of it repeats
// a value.
package sheet

import (
	"bytes"
	"errors"
	"io"

	"github.com/aidflow/aidflow/aid"
)

// The formats, told by the content.
const (
	CSV  = "csv"
	XLSX = "xlsx"
)

// The limits of one row.
const (
	maxRow     = 64 << 10 // bytes
	maxColumns = 200
)

// Cell is one cell as it stands in the file.
type Cell struct {
	Text    string
	Number  bool // a spreadsheet keeps it as a number, so leading zeros are gone
	Formula bool
}

// Row is one row. Fault is the code of what makes the whole row unreadable,
// "" for none: row_too_long, too_many_columns, quotes_broken.
type Row struct {
	N     int // as a spreadsheet counts: the first is 1
	Cells []Cell
	Fault string
}

// Blank tells whether nothing stands in the row.
func (r Row) Blank() bool {
	for _, c := range r.Cells {
		if c.Text != "" || c.Formula {
			return false
		}
	}
	return r.Fault == ""
}

// Reader gives the rows of one file in order.
type Reader interface {
	// Next gives the next row; io.EOF after the last. Other errors end the file.
	Next() (Row, error)
}

// Format tells what a file is by its first bytes.
func Format(first []byte) string {
	if bytes.HasPrefix(first, []byte("PK\x03\x04")) {
		return XLSX
	}
	return CSV
}

// Open looks the whole file over and gives a reader of its rows, and how many
// rows it has at most.
//
// Errors: Invalid with a code for the whole file: file_empty, encoding_utf16,
// encoding_windows_1258, encoding_not_utf8, not_a_workbook, several_sheets,
// merged_cells, date_system_1904, list_too_large; else those of reading.
func Open(file io.ReaderAt, size int64) (Reader, int, error) {
	first := make([]byte, 8)
	n, err := file.ReadAt(first, 0)
	switch {
	case size == 0:
		return nil, 0, refuse("file_empty")
	case err != nil && !errors.Is(err, io.EOF):
		return nil, 0, err
	case Format(first[:n]) == XLSX:
		return openWorkbook(file, size)
	}
	rows, err := checkText(io.NewSectionReader(file, 0, size))
	if err != nil {
		return nil, 0, err
	}
	reader, err := newCSV(io.NewSectionReader(file, 0, size))
	return reader, rows, err
}

func refuse(code string) error { return aid.Refuse(aid.Invalid, code) }
