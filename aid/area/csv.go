package area

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aidflow/aidflow/aid"
)

// Columns are the header of a list of areas, in any order.
func Columns() []string {
	return []string{"code", "name", "level", "parent", "valid_from", "valid_to", "urban", "predecessors"}
}

const maxRows = 100_000

// ReadCSV reads a list of areas: UTF-8 with or without BOM, with commas or
// semicolons. Dates are 2025-07-01, urban is true or false (empty: false),
// predecessors are codes with spaces between them, the one whose open cases
// come here with a star: "51002 51003*". Place is "/rows/N" with the number of
// the line in the file; what a row is written wrong in is in its Faults.
//
// Errors: Invalid with the fault not_utf8, wrong_header (params columns),
// empty_file or too_many_rows; what reading gives.
func ReadCSV(r io.Reader) ([]Row, error) {
	in := bufio.NewReader(r)
	if err := encoding(in); err != nil {
		return nil, err
	}
	lines := csv.NewReader(in)
	lines.Comma, lines.FieldsPerRecord, lines.ReuseRecord = separator(in), -1, true
	header, err := lines.Read()
	if errors.Is(err, io.EOF) {
		return nil, wholeFile("empty_file")
	}
	if err != nil && !badLine(err) {
		return nil, err
	}
	order, ok := columnsOf(header)
	if !ok {
		return nil, wholeFile("wrong_header", "columns", strings.Join(Columns(), ", "))
	}
	var rows []Row
	for {
		fields, err := lines.Read()
		switch {
		case errors.Is(err, io.EOF):
			if len(rows) == 0 {
				return nil, wholeFile("empty_file")
			}
			return rows, nil
		case err != nil && !badLine(err):
			return nil, err
		case len(rows) == maxRows:
			return nil, wholeFile("too_many_rows", "most", strconv.Itoa(maxRows))
		}
		rows = append(rows, read(lineOf(lines, err), order, fields, err))
	}
}

func wholeFile(code string, params ...string) error {
	return aid.RefuseAll([]aid.Fault{{Pointer: "/rows/1", Code: code, Params: aid.Refuse(aid.Invalid, code, params...).Params}})
}

// encoding skips a BOM and refuses a file that says it is something else.
func encoding(in *bufio.Reader) error {
	start, err := in.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(start, []byte("\xef\xbb\xbf")):
		_, err = in.Discard(3)
		return err
	case bytes.HasPrefix(start, []byte("\xff\xfe")), bytes.HasPrefix(start, []byte("\xfe\xff")):
		return wholeFile("not_utf8")
	}
	return nil
}

// separator is what stands most often in the first line.
func separator(in *bufio.Reader) rune {
	start, _ := in.Peek(4096)
	line, _, _ := bytes.Cut(start, []byte("\n"))
	if bytes.Count(line, []byte(";")) > bytes.Count(line, []byte(",")) {
		return ';'
	}
	return ','
}

// columnsOf gives for every column of ours its place in the header.
func columnsOf(header []string) (order []int, ok bool) {
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = strings.ToLower(strings.TrimSpace(h))
	}
	for _, column := range Columns() {
		order = append(order, slices.Index(names, column))
	}
	return order, len(names) == len(order) && !slices.Contains(order, -1)
}

// badLine tells an error of one line from one of reading.
func badLine(err error) bool {
	var parse *csv.ParseError
	return errors.As(err, &parse)
}

func lineOf(lines *csv.Reader, fault error) int {
	var parse *csv.ParseError
	if errors.As(fault, &parse) {
		return parse.StartLine
	}
	line, _ := lines.FieldPos(0)
	return line
}

func read(line int, order []int, fields []string, fault error) Row {
	row := Row{Place: "/rows/" + strconv.Itoa(line)}
	add := func(column, code string) {
		row.Faults = append(row.Faults, aid.Fault{Pointer: row.Place + column, Code: code})
	}
	if fault != nil {
		add("", "bad_quotes")
		return row
	}
	if len(fields) != len(order) {
		add("", "wrong_number_of_fields")
		return row
	}
	value := make([]string, len(order))
	for i, column := range Columns() {
		value[i] = strings.TrimSpace(fields[order[i]])
		switch {
		case !utf8.ValidString(value[i]):
			add("/"+column, "not_utf8")
			value[i] = ""
		case formula(value[i]):
			add("/"+column, "formula")
		}
	}
	row.Code, row.Name, row.Level, row.Parent = value[0], value[1], value[2], value[3]
	row.From = date(value[4], func() { add("/valid_from", "bad_date") })
	row.To = date(value[5], func() { add("/valid_to", "bad_date") })
	switch strings.ToLower(value[6]) {
	case "", "false":
	case "true":
		row.Urban = true
	default:
		add("/urban", "bad_boolean")
	}
	for _, name := range strings.Fields(value[7]) {
		code, takes := strings.CutSuffix(name, "*")
		row.Predecessors = append(row.Predecessors, Predecessor{Code: code, Takes: takes})
	}
	return row
}

func date(s string, bad func()) time.Time {
	if s == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		bad()
	}
	return at
}
