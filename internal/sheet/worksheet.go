package sheet

import (
	"encoding/xml"
	"errors"
	"io"
	"strconv"
	"strings"
)

// maxRowXML is how much XML one row may have: far more than maxColumns short
// texts take.
const maxRowXML = 4 << 20

// worksheet gives the rows of a sheet as its XML streams by.
type worksheet struct {
	in      *limited
	xml     *xml.Decoder
	strings []string
	n       int // number of the last row
	blanks  int // rows without a trace between the last one and next
	next    *Row
}

// Next gives the next row. Rows that the file leaves out are blank ones.
func (w *worksheet) Next() (Row, error) {
	if w.blanks > 0 {
		w.blanks--
		w.n++
		return Row{N: w.n}, nil
	}
	if w.next != nil {
		row := *w.next
		w.n, w.next = row.N, nil
		return row, nil
	}
	w.in.row = maxRowXML
	for {
		token, err := w.xml.RawToken()
		if err != nil {
			return Row{}, badSheet(err)
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "row" {
			continue
		}
		row, err := w.row(start)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return Row{}, badSheet(err)
		}
		if w.blanks = row.N - w.n - 1; w.blanks < 0 || w.blanks > 1<<20 {
			return Row{}, refuse("not_a_workbook") // rows out of order
		}
		w.next = &row
		return w.Next()
	}
}

func (w *worksheet) row(start xml.StartElement) (Row, error) {
	row := Row{N: w.n + 1}
	if n, err := strconv.Atoi(attribute(start, "r")); err == nil {
		row.N = n
	}
	for {
		token, err := w.xml.RawToken()
		if err != nil {
			return row, err
		}
		switch t := token.(type) {
		case xml.EndElement:
			if t.Name.Local == "row" {
				return row, nil
			}
		case xml.StartElement:
			if t.Name.Local != "c" {
				continue
			}
			if err := w.cell(&row, t); err != nil {
				return row, err
			}
		}
	}
}

// cell reads a cell to its place in the row.
func (w *worksheet) cell(row *Row, start xml.StartElement) error {
	column := len(row.Cells)
	if reference := attribute(start, "r"); reference != "" {
		column = columnOf(reference)
	}
	c, err := w.content(attribute(start, "t"))
	if err != nil {
		return err
	}
	if column < 0 || column >= maxColumns {
		if c.Text != "" || c.Formula {
			row.Fault = "too_many_columns"
		}
		return nil
	}
	for len(row.Cells) <= column {
		row.Cells = append(row.Cells, Cell{})
	}
	row.Cells[column] = c
	return nil
}

func (w *worksheet) content(kind string) (Cell, error) {
	var c Cell
	var text strings.Builder
	inside := ""
	for {
		token, err := w.xml.RawToken()
		if err != nil {
			return c, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			inside = t.Name.Local
			c.Formula = c.Formula || inside == "f"
		case xml.CharData:
			if inside == "v" || inside == "t" {
				text.Write(t)
			}
		case xml.EndElement:
			inside = ""
			if t.Name.Local == "c" {
				return w.finish(c, kind, text.String())
			}
		}
	}
}

// finish turns what stands in a cell into its text.
func (w *worksheet) finish(c Cell, kind, text string) (Cell, error) {
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || i < 0 || i >= len(w.strings) {
			return c, refuse("not_a_workbook")
		}
		text = w.strings[i]
	case "", "n":
		c.Number = text != ""
	case "b":
		text = map[string]string{"1": "true", "0": "false"}[text]
	case "e": // #REF! and the like come from formulas
		c.Formula = true
	}
	if told := textCell(text); !c.Number {
		c.Text, c.Formula = told.Text, c.Formula || told.Formula
		return c, nil
	}
	c.Text = text
	return c, nil
}

func attribute(start xml.StartElement, name string) string {
	for _, a := range start.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

// columnOf reads the letters of a reference such as AB12: 27.
func columnOf(reference string) int {
	column := 0
	for _, r := range reference {
		if r < 'A' || r > 'Z' || column > maxColumns {
			break
		}
		column = column*26 + int(r-'A') + 1
	}
	return column - 1
}
