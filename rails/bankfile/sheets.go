package bankfile

import (
	"bytes"
	"encoding/csv"

	"github.com/xuri/excelize/v2"

	"github.com/aidflow/aidflow/rails"
)

// mark tells Excel that a CSV file is UTF-8.
const mark = "\ufeff"

func (r *Rail) writeCSV(b rails.Batch) (rails.File, error) {
	var out bytes.Buffer
	out.WriteString(mark)
	w := csv.NewWriter(&out)
	w.Comma, w.UseCRLF = r.set.Delimiter, true
	if err := w.WriteAll(r.table(b)); err != nil {
		return rails.File{}, err
	}
	return rails.File{Name: fileName(b, ".csv"), Type: "text/csv; charset=utf-8", Bytes: out.Bytes()}, nil
}

// writeXLSX writes amounts as numbers and everything else as text, so that
// account numbers keep their zeros.
func (r *Rail) writeXLSX(b rails.Batch) (rails.File, error) {
	book := excelize.NewFile()
	defer book.Close()
	const sheet = "Sheet1"
	amounts := r.amountColumn()
	for i, row := range r.table(b) {
		for j, text := range row {
			cell, err := excelize.CoordinatesToCellName(j+1, i+1)
			if err != nil {
				return rails.File{}, err
			}
			set := book.SetCellStr
			if i > 0 && j == amounts {
				set = book.SetCellDefault
			}
			if err := set(sheet, cell, text); err != nil {
				return rails.File{}, err
			}
		}
	}
	out, err := book.WriteToBuffer()
	if err != nil {
		return rails.File{}, err
	}
	const kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	return rails.File{Name: fileName(b, ".xlsx"), Type: kind, Bytes: out.Bytes()}, nil
}
