package area_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
)

func day(s string) time.Time {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return at
}

const header = "code,name,level,parent,valid_from,valid_to,urban,predecessors\n"

func faults(err error) []string {
	var e *aid.Error
	if !errors.As(err, &e) {
		return nil
	}
	return said(e.Faults)
}

func said(faults []aid.Fault) []string {
	out := []string{}
	for _, f := range faults {
		s := f.Pointer + " " + f.Code
		for _, name := range []string{"code", "child", "path"} {
			if v := f.Params[name]; v != "" {
				s += " " + v
			}
		}
		out = append(out, s)
	}
	return out
}

func TestReadCSV(t *testing.T) {
	t.Parallel()
	want := []area.Row{
		{Place: "/rows/2", Code: "51", Period: area.Period{From: day("1900-01-01"), Name: "Quảng Ngãi", Level: "province"}},
		{Place: "/rows/3", Code: "51001", Period: area.Period{From: day("2025-07-01"), To: day("2030-01-01"), Name: "Cẩm, Thành", Level: "commune", Parent: "51", Urban: true},
			Predecessors: []area.Predecessor{{Code: "51002"}, {Code: "51003", Takes: true}}},
	}
	plain := header + "51,Quảng Ngãi,province,,1900-01-01,,,\n" + `51001,"Cẩm, Thành",commune,51,2025-07-01,2030-01-01,TRUE,51002  51003*` + "\n"
	for name, file := range map[string]string{
		"commas": plain, "BOM": "\ufeff" + plain, "CRLF": strings.ReplaceAll(plain, "\n", "\r\n"), "no last line end": strings.TrimSuffix(plain, "\n"),
		"semicolons": "code;name;level;parent;valid_from;valid_to;urban;predecessors\n51;Quảng Ngãi;province;;1900-01-01;;false;\n" +
			"51001;Cẩm, Thành;commune;51;2025-07-01;2030-01-01;true;51002 51003*\n",
		"other order": "Name, Code ,parent,level,urban,predecessors,valid_from,valid_to\nQuảng Ngãi,51,,province,,,1900-01-01,\n" +
			`"Cẩm, Thành",51001,51,commune,true,51002 51003*,2025-07-01,2030-01-01` + "\n",
	} {
		rows, err := area.ReadCSV(iotest.OneByteReader(strings.NewReader(file)))
		require.NoError(t, err, name)
		require.Equal(t, want, rows, name)
	}
}

func TestReadCSVRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, want string }{
		"nothing":        {"", "/rows/1 empty_file"},
		"header only":    {header, "/rows/1 empty_file"},
		"column missing": {"code,name,level,parent,valid_from,valid_to,urban\n", "/rows/1 wrong_header"},
		"column twice":   {"code,code,name,level,parent,valid_from,valid_to,urban\n", "/rows/1 wrong_header"},
		"one too many":   {"id," + header, "/rows/1 wrong_header"},
		"UTF-16":         {"\xff\xfec\x00o\x00", "/rows/1 not_utf8"},
		"a spreadsheet":  {"PK\x03\x04\x00", "/rows/1 wrong_header"},
		"too many rows":  {header + strings.Repeat("1,a,b,,2020-01-01,,,\n", 100_001), "/rows/1 too_many_rows"},
		"quotes in head": {`co"de,name` + "\n1,2\n", "/rows/1 wrong_header"},
	} {
		_, err := area.ReadCSV(strings.NewReader(tc.file))
		require.Equal(t, []string{tc.want}, faults(err), name)
	}
	_, err := area.ReadCSV(iotest.ErrReader(io.ErrUnexpectedEOF))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
}

// A row that is written wrong names its line and columns, and the others are
// read.
func TestRowsNameTheirFaults(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		row  string
		want []string
	}{
		"dates":          {"1,a,b,,01/07/2025,2025-02-30,,", []string{"/rows/2/valid_from bad_date", "/rows/2/valid_to bad_date"}},
		"urban":          {"1,a,b,,2025-07-01,,yes,", []string{"/rows/2/urban bad_boolean"}},
		"formulas":       {`=1+1,@a,"+b",-51,2025-07-01,,,`, []string{"/rows/2/code formula", "/rows/2/name formula", "/rows/2/level formula", "/rows/2/parent formula"}},
		"Windows-1258":   {"1,Qu\xe3ng,b,,2025-07-01,,,", []string{"/rows/2/name not_utf8"}},
		"fields":         {"1,a,b", []string{"/rows/2 wrong_number_of_fields"}},
		"quotes":         {`1,"a"b,c,,2025-07-01,,,`, []string{"/rows/2 bad_quotes"}},
		"everything":     {",,,,,,,", []string{"/rows/2/code required", "/rows/2/name required", "/rows/2/level required", "/rows/2/valid_from required"}},
		"code":           {"a b,a,b,,2025-07-01,,,", []string{"/rows/2/code bad_code"}},
		"ends too early": {"1,a,b,,2025-07-01,2025-07-01,,", []string{"/rows/2/valid_to ends_before_it_begins"}},
		"too long":       {"1," + strings.Repeat("ư", 201) + ",b,,2025-07-01,,,", []string{"/rows/2/name too_long"}},
	} {
		rows, err := area.ReadCSV(strings.NewReader(header + tc.row + "\nsound,Sound,commune,,2025-07-01,,,\n"))
		require.NoError(t, err, name)
		_, got := (&area.Tree{}).Plan(rows, day("2026-01-01"))
		require.Equal(t, tc.want, said(got), name)
	}
}

func TestLinesAreCountedAsAnEditorDoes(t *testing.T) {
	t.Parallel()
	rows, err := area.ReadCSV(strings.NewReader(header + "1,\"two\nlines\",b,,2025-07-01,,,\n\n2,a,b,,x,,,\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"/rows/5/valid_from bad_date"}, said(rows[1].Faults))
}
