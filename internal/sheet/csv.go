package sheet

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// csv reads text with commas, semicolons or tabs, whichever stands most often
// in the first line. A quoted field may hold the delimiter, doubled quotes and
// line ends. What is broken ends with its line: the rows after it are read.
type csv struct {
	in        *bufio.Reader
	delimiter byte
	n         int
}

func newCSV(file io.Reader) (*csv, error) {
	in := bufio.NewReaderSize(file, maxRow)
	if mark, _ := in.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = in.Discard(3)
	}
	first, err := in.Peek(maxRow)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return &csv{in: in, delimiter: delimiterOf(first)}, nil
}

// delimiterOf counts what may part the fields of the first record, outside of
// quotes.
func delimiterOf(first []byte) byte {
	count, quoted := map[byte]int{}, false
	for _, b := range first {
		quoted = quoted != (b == '"')
		if b == '\n' && !quoted {
			break
		}
		if !quoted {
			count[b]++
		}
	}
	delimiter := byte(',')
	for _, d := range []byte{';', '\t'} {
		if count[d] > count[delimiter] {
			delimiter = d
		}
	}
	return delimiter
}

// Next reads one record, which may have several lines.
func (c *csv) Next() (Row, error) {
	c.n++
	row := Row{N: c.n}
	var field []byte
	quoted, was, size := false, false, 0
	end := func() {
		row.Cells = append(row.Cells, textCell(string(field)))
		field, was = field[:0], false
	}
	for {
		b, err := c.in.ReadByte()
		if errors.Is(err, io.EOF) {
			if size == 0 {
				return row, io.EOF
			}
			if quoted {
				row.Fault = "quotes_broken"
			}
			end()
			return row, nil
		}
		if err != nil {
			return row, err
		}
		if size++; size > maxRow {
			row.Cells, row.Fault = nil, "row_too_long"
			return row, c.skipLine(b)
		}
		switch {
		case quoted && b == '"':
			if next, _ := c.in.Peek(1); len(next) == 1 && next[0] == '"' {
				_, _ = c.in.ReadByte()
				field = append(field, '"')
			} else {
				quoted = false
			}
		case quoted:
			field = append(field, b)
		case b == '"' && len(field) == 0 && !was:
			quoted, was = true, true
		case b == '"':
			row.Fault = "quotes_broken"
		case b == c.delimiter:
			end()
			if len(row.Cells) >= maxColumns {
				row.Cells, row.Fault = nil, "too_many_columns"
				return row, c.skipLine(b)
			}
		case b == '\n':
			end()
			return row, nil
		case b == '\r':
		case was: // text behind a closing quote
			row.Fault = "quotes_broken"
		default:
			field = append(field, b)
		}
	}
}

// skipLine reads to the end of the line in which a record was given up.
func (c *csv) skipLine(b byte) (err error) {
	for err == nil && b != '\n' {
		b, err = c.in.ReadByte()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// textCell makes a cell of a text. One that a spreadsheet would run as a
// formula is told; a plain signed number is none.
func textCell(text string) Cell {
	text = strings.TrimSpace(text)
	c := Cell{Text: text}
	if len(text) > 1 && strings.IndexByte("=@+-", text[0]) >= 0 {
		_, err := strconv.ParseFloat(strings.NewReplacer(" ", "", ".", "").Replace(text), 64)
		c.Formula = err != nil || text[0] == '=' || text[0] == '@'
	}
	return c
}
