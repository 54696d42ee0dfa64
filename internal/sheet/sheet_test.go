package sheet_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/sheet"
)

// rows reads a whole file: each row as its number, its fault and its cells; a
// number is written with #, a formula with =.
func rows(t testing.TB, file []byte) (out []string, err error) {
	t.Helper()
	reader, _, err := sheet.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	for {
		row, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		var cells []string
		for _, c := range row.Cells {
			mark := ""
			if c.Number {
				mark = "#"
			}
			if c.Formula {
				mark += "="
			}
			cells = append(cells, mark+c.Text)
		}
		out = append(out, strings.TrimSpace(fmt.Sprintf("%d %s|%s", row.N, row.Fault, strings.Join(cells, "|"))))
	}
}

func TestCSV(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 70_000)
	for name, c := range map[string]struct {
		file string
		want []string
	}{
		"commas":             {"a,b\n1,2\n", []string{"1 |a|b", "2 |1|2"}},
		"semicolons, CRLF":   {"a;b\r\n1,5;2\r\n", []string{"1 |a|b", "2 |1,5|2"}},
		"tabs, mark":         {"\ufeffa\tb\n1\t2", []string{"1 |a|b", "2 |1|2"}},
		"quotes":             {"a,b\n\"x, \"\"y\"\"\",\"two\nlines\"\nlast,1\n", []string{"1 |a|b", "2 |x, \"y\"|two\nlines", "3 |last|1"}},
		"blank rows count":   {"a,b\n\n1,2\n", []string{"1 |a|b", "2 |", "3 |1|2"}},
		"Vietnamese":         {"tên\nNguyễn Thị Đặng\n", []string{"1 |tên", "2 |Nguyễn Thị Đặng"}},
		"quote in a field":   {"a,b\nx\"y,2\n3,4\n", []string{"1 |a|b", "2 quotes_broken|xy|2", "3 |3|4"}},
		"text behind quotes": {"a,b\n\"x\"y,2\n3,4\n", []string{"1 |a|b", "2 quotes_broken|x|2", "3 |3|4"}},
		"never closed":       {"a,b\n\"x,2\n3,4\n", []string{"1 |a|b", "2 quotes_broken|x,2\n3,4"}},
		"too long":           {"a,b\n" + long + ",2\n3,4\n", []string{"1 |a|b", "2 row_too_long|", "3 |3|4"}},
		"too many columns":   {"a,b\n" + strings.Repeat(",", 300) + "\n3,4\n", []string{"1 |a|b", "2 too_many_columns|", "3 |3|4"}},
		"formulas":           {"a,b,c,d,e\n=1+1,@SUM(A1),+cmd|x,-2+3,\"=HYPERLINK(1)\"\n", []string{"1 |a|b|c|d|e", "2 |==1+1|=@SUM(A1)|=+cmd|x|=-2+3|==HYPERLINK(1)"}},
		"signed numbers":     {"a,b,c\n-5,+84 905 004 418,-\n", []string{"1 |a|b|c", "2 |-5|+84 905 004 418|-"}},
	} {
		got, err := rows(t, []byte(c.file))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	utf16 := []byte{0xff, 0xfe}
	for _, r := range "a,b\n1,2\n" {
		utf16 = append(utf16, byte(r), 0)
	}
	several := workbook(t, func(f *excelize.File) { _, _ = f.NewSheet("Other") })
	merged := workbook(t, func(f *excelize.File) { _ = f.MergeCell("Sheet1", "A1", "B1") })
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"empty":                {nil, "file_empty"},
		"UTF-16 with mark":     {utf16, "encoding_utf16"},
		"UTF-16 without":       {utf16[2:], "encoding_utf16"},
		"Windows-1258":         {[]byte("ten\nNguy\xea\xden Thi\xf2 Hu\xea\xec\n"), "encoding_windows_1258"},
		"Latin-1":              {[]byte("name\nJos\xe9 \xa9 \xb5 \xb6\n"), "encoding_not_utf8"},
		"cut in a character":   {[]byte("tên\nNguy\xe1\xbb"), "encoding_not_utf8"},
		"several sheets":       {several, "several_sheets"},
		"merged cells":         {merged, "merged_cells"},
		"no workbook":          {zipped(t, map[string]string{"a.txt": "x"}), "not_a_workbook"},
		"cut workbook":         {several[:len(several)-100], "not_a_workbook"},
		"only the first bytes": {[]byte("PK\x03\x04"), "not_a_workbook"},
		"no such sheet": {zipped(t, map[string]string{"xl/workbook.xml": `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet r:id="x"/></sheets></workbook>`,
			"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="x" Target="worksheets/none.xml"/></Relationships>`}), "not_a_workbook"},
	} {
		if _, err := rows(t, c.file); aid.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
}

func workbook(t testing.TB, change func(*excelize.File)) []byte {
	t.Helper()
	f := excelize.NewFile()
	defer f.Close()
	change(f)
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for name, content := range parts {
		w, err := archive.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// book gives a workbook whose one sheet has this XML.
func book(t testing.TB, rows string) []byte {
	t.Helper()
	return zipped(t, map[string]string{
		"xl/workbook.xml":            `<workbook xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" r:id="x"/></sheets></workbook>`,
		"xl/_rels/workbook.xml.rels": `<Relationships><Relationship Id="x" Target="worksheets/sheet1.xml"/></Relationships>`,
		"xl/sharedStrings.xml":       `<sst><si><t>one</t></si><si><r><t>rich </t></r><r><t>text</t></r><rPh><t>aloud</t></rPh></si></sst>`,
		"xl/worksheets/sheet1.xml":   `<worksheet><sheetData>` + rows + `</sheetData></worksheet>`,
	})
}

func TestWorkbook(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows string
		want []string
	}{
		"kinds of cells": {`<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="inlineStr"><is><t>in line</t></is></c><c r="D1"><v>30750</v></c><c r="E1" t="b"><v>1</v></c></row>`,
			[]string{"1 |one|rich text|in line|#30750|true"}},
		"gaps":            {`<row r="2"><c r="C2" t="s"><v>0</v></c></row><row r="4"><c r="A4"><v>1</v></c></row>`, []string{"1 |", "2 |||one", "3 |", "4 |#1"}},
		"no references":   {`<row><c><v>1</v></c><c t="s"><v>0</v></c></row><row><c><v>2</v></c></row>`, []string{"1 |#1|one", "2 |#2"}},
		"a formula":       {`<row r="1"><c r="A1"><f>1+1</f><v>2</v></c><c r="B1" t="str"><f>"x"</f><v>x</v></c><c r="C1" t="e"><v>#REF!</v></c></row>`, []string{"1 |#=2|=x|=#REF!"}},
		"text as formula": {`<row r="1"><c r="A1" t="inlineStr"><is><t>=cmd</t></is></c></row>`, []string{"1 |==cmd"}},
		"far column":      {`<row r="1"><c r="ZZ1"><v>1</v></c></row>`, []string{"1 too_many_columns|"}},
		"empty cells":     {`<row r="1"><c r="A1" s="3"/><c r="B1"><v>2</v></c></row>`, []string{"1 ||#2"}},
	} {
		got, err := rows(t, book(t, c.rows))
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
	for name, sheet := range map[string]string{
		"no such string": `<row r="1"><c r="A1" t="s"><v>9</v></c></row>`, "broken": `<row r="1"><c r="A1"><v>1</c></row`, "backwards": `<row r="3"></row><row r="1"></row>`,
	} {
		if got, err := rows(t, book(t, sheet)); aid.CodeOf(err) != "not_a_workbook" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	huge := `<row r="1"><c r="A1" t="inlineStr"><is><t>` + strings.Repeat("x", 5<<20) + `</t></is></c></row>`
	if _, err := rows(t, book(t, huge)); aid.CodeOf(err) != "list_too_large" {
		t.Errorf("a row of 5 MB: %v", err)
	}
}

// What a writer of workbooks writes, and what CSV writes, comes back.
func TestWhatWasWrittenComesBack(t *testing.T) {
	t.Parallel()
	word := rapid.StringMatching(`[a-zđ0-9ạ"][ a-zđ;,0-9ạ\n"]{0,8}[a-zđ0-9ạ]`)
	rapid.Check(t, func(rt *rapid.T) {
		table := rapid.SliceOfN(rapid.SliceOfN(word, 3, 3), 1, 8).Draw(rt, "table")
		var text strings.Builder
		var want []string
		data := workbook(t, func(f *excelize.File) {
			for i, row := range table {
				for j, cell := range row {
					at, _ := excelize.CoordinatesToCellName(j+1, i+1)
					_ = f.SetCellStr("Sheet1", at, cell)
					text.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"` + map[bool]string{true: "\n", false: ","}[j == 2])
				}
				want = append(want, fmt.Sprintf("%d |%s", i+1, strings.Join(row, "|")))
			}
		})
		for format, file := range map[string][]byte{"xlsx": data, "csv": []byte(text.String())} {
			if got, err := rows(t, file); err != nil || !slices.Equal(got, want) {
				rt.Fatalf("%s: %q, %v, want %q", format, got, err, want)
			}
		}
	})
}

// Whatever comes, reading ends, with rows or with a code.
func FuzzOpen(f *testing.F) {
	f.Add([]byte("a,b\n\"1\",2\n"))
	f.Add([]byte("a;b\r\n=1;\"\n"))
	f.Add([]byte("PK\x03\x04"))
	f.Add(book(f, `<row r="1"><c r="A1" t="s"><v>0</v></c></row>`))
	f.Fuzz(func(t *testing.T, file []byte) {
		if _, err := rows(t, file); err != nil && aid.CodeOf(err) == "" {
			t.Errorf("an error without a code: %v", err)
		}
	})
}
