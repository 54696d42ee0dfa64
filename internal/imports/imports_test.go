package imports_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/imports"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/internal/sheet"
	"github.com/aidflow/aidflow/programmes"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// office is a manager with files, and the worker that runs them.
type office struct {
	t      testing.TB
	db     *pgtest.DB
	caller *postgres.Caller
	runner *imports.Runner
}

func open(t testing.TB) *office {
	t.Helper()
	rules, err := programmes.Means()
	if err != nil {
		t.Fatal(err)
	}
	db := pgtest.New(t)
	return &office{t: t, db: db, caller: db.Staff(t, "manager1"),
		runner: &imports.Runner{Store: db.Store, Rules: rules[programmes.MeansVN], Log: slog.New(slog.DiscardHandler)}}
}

func (o *office) upload(what string, year int, follows, file string) (*postgres.ImportRow, error) {
	o.t.Helper()
	return o.db.Upload(context.Background(), o.caller, postgres.NewImport{ID: postgres.NewID(aid.ImportID), What: what, Year: year, Follows: follows},
		strings.NewReader(file), sheet.Format)
}

// bring uploads a file, runs it, and gives how it ended.
func (o *office) bring(what string, year int, follows, file string) *postgres.ImportRow {
	o.t.Helper()
	row, err := o.upload(what, year, follows, file)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := o.runner.Once(context.Background()); err != nil {
		o.t.Fatal(err)
	}
	if row, err = o.db.Import(context.Background(), o.caller, row.ID); err != nil || row.FinishedAt == nil {
		o.t.Fatalf("%+v, %v", row, err)
	}
	return row
}

// inEarnest brings a file as a dry run and then in earnest; both have to say
// the same.
func (o *office) inEarnest(what string, year int, file string) *postgres.ImportRow {
	o.t.Helper()
	dry := o.bring(what, year, "", file)
	row := o.bring(what, year, dry.ID, file)
	if figures(dry) != figures(row) {
		o.t.Errorf("the dry run says %s, the import %s", figures(dry), figures(row))
	}
	return row
}

func figures(r *postgres.ImportRow) string {
	return fmt.Sprintf("%s%s: %d applied, %d unchanged, %d faulty, %d warned of %d", r.State, r.Reason, r.Applied, r.Unchanged, r.Faulty, r.Warned, r.Position)
}

// faults gives "row column code" of each; warnings have a question mark.
func (o *office) faults(id string) (out []string) {
	o.t.Helper()
	all, err := o.db.ImportFaults(context.Background(), o.caller, id, postgres.ImportFault{}, 10_000)
	if err != nil {
		o.t.Fatal(err)
	}
	for _, f := range all {
		mark := ""
		if f.Warning {
			mark = "?"
		}
		out = append(out, fmt.Sprintf("%d %s %s%s", f.Row, f.Column, f.Code, mark))
	}
	return out
}

func (o *office) count(query string, args ...any) (n int) {
	o.t.Helper()
	if err := o.db.SQL(o.t).QueryRow(query, args...).Scan(&n); err != nil {
		o.t.Fatal(err)
	}
	return n
}

const header = "household_code,area_code,head,full_name,id_number,birth_date,sex,phone,score_a,score_b,income_per_head,indicators,classification\n"

// Every kind of fault in one file, each in a row of its own, named by row and
// column; the good rows are taken.
func TestFaultsOfRows(t *testing.T) {
	t.Parallel()
	o := open(t)
	file := header +
		"H1,51001,yes,Nguyễn Văn An,051084000001,1984-03-02,male,0905000001,120,30,,,poor\n" + // 2: good
		"H1,51001,no,Nguyễn Thị Bé,,2024-05-01,female,,,,,,\n" + // 3: good, without a number
		"H2,51002,yes,Lê Thị Cúc,051184000002,1984-03-02,female,,150,30,,,poor\n" + // 4: computed other
		"H3,51002,yes,Trần Văn Dũng,051084000003,1990-01-01,female,,100,10,9000000,1,\n" + // 5: contradicting number, doubt
		"H4,51002,yes,A,05108400000,1984-03-02,male,,100,30,,,\n" + // 6
		"H5,51002,yes,B,051084000005,02/03/1984,male,,100,30,,,\n" + // 7
		"H6,51002,maybe,C,051084000006,1984-02-30,other,,100,30,,,\n" + // 8
		"H7,48001,yes,D,051084000007,,,,100,30,,,\n" + // 9: another manager's area
		"H8,51,yes,E,051084000008,,,,100,30,,,\n" + // 10: a province
		",,yes,,,,,,100,30,,,\n" + // 11
		"H9,51001,yes,F,051084000009,,,,,,,,\n" + // 12: nothing counted
		"H10,51001,yes,G,051084000010,,,,100,25,,,\n" + // 13
		"H11,51001,yes,H,051084000011,,,,100,30,,2,\n" + // 14
		"H12,51001,yes,=1+1,051084000012,,,,100,30,,,\n" + // 15
		"H1,51001,no,Nguyễn Văn Anh,051084000001,,,,,,,,\n" + // 16: the number of row 2
		"H1,51003,no,I,,,,,,,,,\n" + // 17: another area
		"H1,51001,yes,K,,,,,100,30,,,\n" + // 18: a second head
		"H1,51001,no,Nguyễn Thị Bé,,2024-05-01,female,,,,,,\n" + // 19: row 3 again
		"H13,51001,no,L,123456789,,,,,,,,\n" + // 20: old number, household without head
		"H14,51001,yes,M,,2099-01-01,,,100,30,,,\n" + // 21
		"H15,51001,yes,N,,,,,1e3,x,-5,,rich\n" + // 22
		"H16,51001,yes,O,,,,,100,30,,,,,more\n" + // 23
		"H17,51001,yes,\"P,,,,100,30,,,\n" // 24: never closed
	row := o.inEarnest(postgres.ImportRegister, 2026, file)
	if got := figures(row); got != "done: 5 applied, 0 unchanged, 18 faulty, 3 warned of 23" {
		t.Error(got)
	}
	want := []string{"4 classification classification_differs?", "5 id_number id_contradicts_birth_date?", "5 id_number id_contradicts_sex?", "5 income_per_head income_contradicts_score?",
		"6 id_number id_format", "7 birth_date date_format", "8 birth_date date_format", "8 head not_allowed", "8 sex not_allowed", "9 area_code unknown_area", "10 area_code area_too_wide",
		"11 area_code required", "11 full_name required", "11 household_code required", "12 income_per_head means_incomplete", "12 score_b means_incomplete", "13 score_b means_score_b",
		"14 indicators means_contradiction", "15 full_name formula", "16 id_number duplicate_id_number", "17 area_code household_differs", "18 head second_head",
		"19 full_name duplicate_row", "20 head no_head?", "20 id_number id_old_number?", "21 birth_date in_future", "22 classification not_allowed", "22 income_per_head too_small",
		"22 score_a not_a_number", "22 score_b not_a_number", "23  column_without_name", "24  quotes_broken"}
	got := o.faults(row.ID)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("faults\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if n := o.count(`SELECT count(*) FROM import_faults WHERE params::text LIKE '%Nguy%' OR col LIKE '%Nguy%'`); n != 0 {
		t.Error("a fault holds a value")
	}
	if n := o.count(`SELECT count(*) FROM household_reviews r JOIN households h ON h.id = r.household_id WHERE h.code = 'H2' AND r.classification = 'other' AND r.declared = 'poor' AND r.rules = 'vn/2022-01-01'`); n != 1 {
		t.Error("the computed classification is not kept beside the declared one")
	}
}

func TestFilesThatAreRefused(t *testing.T) {
	t.Parallel()
	o := open(t)
	for name, c := range map[string]struct {
		what, file, reason string
		faults             []string
	}{
		"wrong header": {postgres.ImportRegister, "household_code,ma_vung,ho_ten_nguoi,head,head,Nguyễn Thị A\n", "header_wrong",
			[]string{"1  column_unknown", "1 area_code column_missing", "1 full_name column_missing", "1 head column_twice", "1 ho_ten_nguoi column_unknown", "1 ma_vung column_unknown"}},
		"ethnicity":       {postgres.ImportRegister, strings.TrimSpace(header) + ",ethnicity\n", "header_wrong", []string{"1 ethnicity column_unknown"}},
		"another list":    {postgres.ImportTotals, header, "header_wrong", nil},
		"Windows-1258":    {postgres.ImportRegister, header + "H,51001,yes,Nguy\xea\xden,,,,,1,10,,,\n", "encoding_windows_1258", []string{"0  encoding_windows_1258"}},
		"UTF-16":          {postgres.ImportRegister, "\xff\xfeh\x00o\x00", "encoding_utf16", []string{"0  encoding_utf16"}},
		"a formula above": {postgres.ImportTotals, "area_code,=households\n", "header_wrong", nil},
	} {
		row := o.bring(c.what, 2026, "", c.file)
		if row.State != "failed" || row.Reason != c.reason {
			t.Errorf("%s: %s", name, figures(row))
		}
		if got := o.faults(row.ID); c.faults != nil {
			if slices.Sort(got); !slices.Equal(got, c.faults) {
				t.Errorf("%s: %q, want %q", name, got, c.faults)
			}
		}
		if n := o.count(`SELECT count(*) FROM import_chunks WHERE import_id = $1`, row.ID); n != 0 {
			t.Errorf("%s: the file is kept", name)
		}
	}
	old := o.bring(postgres.ImportRegister, 2021, "", header+"H,51001,yes,A,,,,,100,30,,,\n")
	if got := o.faults(old.ID); old.Faulty != 1 || !slices.Equal(got, []string{"2 review_year means_no_rules"}) {
		t.Errorf("before the rules: %s %q", figures(old), got)
	}
}

// content is the register as it is, for comparing.
func (o *office) content() (out string) {
	o.t.Helper()
	err := o.db.SQL(o.t).QueryRow(`SELECT coalesce(string_agg(x, E'\n' ORDER BY x), '') FROM (
		SELECT h.code || ' ' || h.area || ' ' || h.classification || ' ' || r.year || ' ' || r.classification || ' ' || r.rules AS x
		FROM households h JOIN household_reviews r ON r.household_id = h.id
		UNION ALL SELECT h.code || ' ' || encode(m.member_key, 'hex') || m.head || coalesce(m.last_year, 0) FROM household_members m JOIN households h ON h.id = m.household_id
		UNION ALL SELECT h.code || ' ' || l.year || encode(l.member_key, 'hex') || encode(l.content, 'hex') FROM household_review_members l JOIN households h ON h.id = l.household_id
		UNION ALL SELECT area || year || households FROM household_totals
		UNION ALL SELECT external_id || amount FROM cases WHERE imported UNION ALL SELECT source || reference || amount FROM partner_aid) x`).Scan(&out)
	if err != nil {
		o.t.Fatal(err)
	}
	return out
}

func list(from, to int) string {
	var file strings.Builder
	file.WriteString(header)
	for i := from; i < to; i++ {
		fmt.Fprintf(&file, "L%06d,5100%d,%s,Người %d,0510840%05d,1984-03-02,male,,%s,,,\n", i/2, 1+i/2%5, []string{"yes", "no"}[i%2], i, i, []string{"100,30", ","}[i%2])
	}
	return file.String()
}

func TestTwiceIsOnce(t *testing.T) {
	t.Parallel()
	o := open(t)
	before := o.content()
	dry := o.bring(postgres.ImportRegister, 2026, "", list(0, 2500))
	if o.content() != before {
		t.Fatal("a dry run has left something")
	}
	first := o.bring(postgres.ImportRegister, 2026, dry.ID, list(0, 2500))
	once := o.content()
	if figures(first) != "done: 2500 applied, 0 unchanged, 0 faulty, 0 warned of 2500" || figures(dry) != figures(first) || once == before {
		t.Fatal(figures(dry), figures(first))
	}
	if again := o.inEarnest(postgres.ImportRegister, 2026, list(0, 2500)); figures(again) != "done: 0 applied, 2500 unchanged, 0 faulty, 0 warned of 2500" {
		t.Error(figures(again))
	}
	if more := o.inEarnest(postgres.ImportRegister, 2026, list(2490, 2510)); figures(more) != "done: 10 applied, 10 unchanged, 0 faulty, 0 warned of 20" {
		t.Error(figures(more))
	}
	// An older list adds its reviews and takes nothing back.
	older := strings.ReplaceAll(list(0, 10), "100,30", "100,10")
	if row := o.inEarnest(postgres.ImportRegister, 2025, older); row.Applied != 10 {
		t.Error(figures(row))
	}
	if n := o.count(`SELECT count(*) FROM households WHERE code < 'L000005' AND code > 'L' AND classification = 'poor' AND reviewed_year = 2026`); n != 5 {
		t.Errorf("%d of 5 households have kept their newest review", n)
	}
	if n := o.count(`SELECT count(*) FROM household_reviews WHERE year = 2025 AND classification = 'near_poor' AND import_id IS NOT NULL`); n != 5 {
		t.Errorf("%d of 5 older reviews", n)
	}
}

// A worker that is killed between two batches leaves an import that another
// one takes up; both together do what one would have done.
func TestAKilledRunGoesOn(t *testing.T) {
	t.Parallel()
	o := open(t)
	file := list(0, 5000) + "L000000,51001,no,Another,051084000000,,,,,,,,\n" // a fault that needs the first rows to be seen
	dry := o.bring(postgres.ImportRegister, 2026, "", file)
	row, err := o.upload(postgres.ImportRegister, 2026, dry.ID, file)
	if err != nil {
		t.Fatal(err)
	}
	ctx, kill := context.WithCancel(context.Background())
	go func() {
		for o.count(`SELECT position FROM imports WHERE id = $1`, row.ID) == 0 {
			time.Sleep(time.Millisecond)
		}
		kill()
	}()
	if _, err := o.runner.Once(ctx); err == nil {
		t.Log("the run was faster than its end")
	}
	if did, err := o.runner.Once(context.Background()); did || err != nil {
		t.Fatalf("taken from a worker that may live: %v %v", did, err)
	}
	o.db.Clock.Advance(2 * time.Minute)
	if _, err := o.runner.Once(context.Background()); err != nil {
		t.Fatal(err)
	}
	row, err = o.db.Import(context.Background(), o.caller, row.ID)
	if err != nil || figures(row) != figures(dry) || row.Applied != 5000 {
		t.Errorf("%s, the dry run %s, %v", figures(row), figures(dry), err)
	}
	if n := o.count(`SELECT count(*) FROM household_members m JOIN households h ON h.id = m.household_id WHERE h.code LIKE 'L%'`); n != 5000 {
		t.Errorf("%d members", n)
	}
}

func TestWhatAnImportFollows(t *testing.T) {
	t.Parallel()
	o := open(t)
	dry := o.bring(postgres.ImportRegister, 2026, "", list(0, 4))
	for name, c := range map[string]struct {
		what, follows, file, code string
		year                      int
	}{
		"another file":   {postgres.ImportRegister, dry.ID, list(0, 6), "other_file", 2026},
		"another kind":   {postgres.ImportTotals, dry.ID, list(0, 4), "dry_run_needed", 2026},
		"another year":   {postgres.ImportRegister, dry.ID, list(0, 4), "dry_run_needed", 2025},
		"no such import": {postgres.ImportRegister, postgres.NewID(aid.ImportID), list(0, 4), "import_not_found", 2026},
		"nothing":        {postgres.ImportRegister, "", "", "file_empty", 2026},
	} {
		if _, err := o.upload(c.what, c.year, c.follows, c.file); aid.CodeOf(err) != c.code {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	waiting, err := o.upload(postgres.ImportRegister, 2026, "", list(0, 4))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.upload(postgres.ImportRegister, 2026, waiting.ID, list(0, 4)); aid.CodeOf(err) != "dry_run_needed" {
		t.Errorf("after a dry run that has not ended: %v", err)
	}
	other := o.db.Staff(t, "admin1")
	if _, err := o.db.Import(context.Background(), other, dry.ID); aid.CodeOf(err) != "import_not_found" {
		t.Errorf("somebody else's import: %v", err)
	}
	// What nobody follows is forgotten after a week, with its file.
	if _, err := o.runner.Once(context.Background()); err != nil {
		t.Fatal(err)
	}
	o.db.Clock.Advance(8 * 24 * time.Hour)
	if err := o.runner.Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	if n := o.count(`SELECT count(*) FROM import_chunks`); n != 0 {
		t.Errorf("%d chunks are kept", n)
	}
	if _, err := o.upload(postgres.ImportRegister, 2026, dry.ID, list(0, 4)); aid.CodeOf(err) != "dry_run_needed" {
		t.Errorf("after a dry run whose file is gone: %v", err)
	}
}

func TestWorkbooks(t *testing.T) {
	t.Parallel()
	o := open(t)
	book := excelize.NewFile()
	defer book.Close()
	for i, name := range strings.Split(strings.TrimSpace(header), ",") {
		at, _ := excelize.CoordinatesToCellName(i+1, 1)
		_ = book.SetCellStr("Sheet1", at, name)
	}
	set := func(row int, values ...any) {
		_ = book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", row), &values)
	}
	born := time.Date(1984, 3, 2, 0, 0, 0, 0, time.UTC)
	set(2, "X1", "51001", "yes", "Nguyễn Văn An", "051084000001", born, "nam", "0905000001", 120, 30)
	set(3, "X2", 51001, "yes", "Lê Thị Cúc", 51184000002, "1984-03-02", "nữ", 905000001, 120, 30) // a number lost its zero
	set(5, "X3", "51001", "x", "Trần Văn Dũng", "", 1984.5, "", "", 120, 30)
	_ = book.SetCellFormula("Sheet1", "I5", "100+20")
	var data bytes.Buffer
	if err := book.Write(&data); err != nil {
		t.Fatal(err)
	}
	row := o.bring(postgres.ImportRegister, 2026, "", data.String())
	want := []string{"3 id_number number_not_text", "3 phone number_not_text?", "5 birth_date date_format", "5 score_a formula"}
	got := o.faults(row.ID)
	slices.Sort(got)
	slices.Sort(want)
	if row.Format != "xlsx" || figures(row) != "done: 1 applied, 0 unchanged, 2 faulty, 0 warned of 3" || !slices.Equal(got, want) {
		t.Errorf("%s %s\n%q\nwant\n%q", row.Format, figures(row), got, want)
	}
}

func TestTotalsAndPoverty(t *testing.T) {
	t.Parallel()
	o := open(t)
	row := o.inEarnest(postgres.ImportTotals, 2026, "area_code;households\n51001;400\n51002;0\n48001;5\n51001;7\nnone;1\n51003;\n")
	want := []string{"3 households too_small", "4 area_code unknown_area", "5 area_code duplicate_row", "6 area_code unknown_area", "7 households required"}
	if got := o.faults(row.ID); figures(row) != "done: 1 applied, 0 unchanged, 5 faulty, 0 warned of 6" || !slices.Equal(got, want) {
		t.Errorf("%s %q", figures(row), got)
	}
	p, err := o.db.Poverty(context.Background(), o.caller, "51001", 2026)
	if err != nil || p.Total != 400 || p.Poor == 0 || p.NearPoor == 0 {
		t.Errorf("%+v, %v", p, err)
	}
	whole, err := o.db.Poverty(context.Background(), o.caller, "51", 2026)
	if err != nil || whole.Total != 400+4*120 || whole.Poor <= p.Poor || whole.WithoutTotal != 0 {
		t.Errorf("%+v, %v", whole, err)
	}
	if _, err := o.db.SQL(t).Exec(`DELETE FROM household_totals WHERE area = '51002'`); err != nil {
		t.Fatal(err)
	}
	if p, err := o.db.Poverty(context.Background(), o.caller, "51", 2026); err != nil || p.Total != 0 || p.WithoutTotal != 1 {
		t.Errorf("a commune without a total: %+v, %v", p, err)
	}
	o.inEarnest(postgres.ImportTotals, 2026, "area_code;households\n51;900\n")
	if p, err := o.db.Poverty(context.Background(), o.caller, "51", 2026); err != nil || p.Total != 900 {
		t.Errorf("the province's own total: %+v, %v", p, err)
	}
	if _, err := o.db.Poverty(context.Background(), o.caller, "none", 2026); aid.CodeOf(err) != "area_not_found" {
		t.Errorf("no such area: %v", err)
	}
}
