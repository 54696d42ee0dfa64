package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// takeAreas imports rows of areas, and gives the report and the faults.
func takeAreas(t testing.TB, db *pgtest.DB, by postgres.AreaChange, rows ...string) (postgres.AreaReport, []string) {
	t.Helper()
	list, err := area.ReadCSV(strings.NewReader("code,name,level,parent,valid_from,valid_to,urban,predecessors\n" + strings.Join(rows, "\n") + "\n"))
	require.NoError(t, err)
	if by.Actor == "" {
		by.Actor = "admin1"
	}
	report, err := db.ImportAreas(context.Background(), list, by)
	var refused *aid.Error
	if !errors.As(err, &refused) {
		require.NoError(t, err)
	}
	var faults []string
	if refused != nil {
		for _, f := range refused.Faults {
			faults = append(faults, f.Pointer+" "+f.Code)
		}
		require.NotEmpty(t, faults, refused.Code)
	}
	return report, faults
}

// changeAreas imports rows that are in order.
func changeAreas(t testing.TB, db *pgtest.DB, rows ...string) postgres.AreaReport {
	t.Helper()
	report, faults := takeAreas(t, db, postgres.AreaChange{}, rows...)
	require.Empty(t, faults)
	return report
}

// The reforms of these tests. The clock stands at 2 March 2026.
var (
	merge = []string{"51002,Nghĩa Lộ,commune,51,1900-01-01,2026-03-01,,", "51001,Cẩm Thành,commune,51,1900-01-01,2026-03-01,,",
		"51001,Cẩm Thành mới,commune,51,2026-03-01,,true,51002"}
	split = []string{"51003,Sơn Tịnh,commune,51,1900-01-01,2026-03-01,,", "51031,Sơn Tịnh Đông,commune,51,2026-03-01,,,51003",
		"51032,Sơn Tịnh Tây,commune,51,2026-03-01,,,51003"}
)

func date(s string) time.Time {
	at, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return at
}

func codes(rows []postgres.AreaRow) []string {
	out := []string{}
	for _, r := range rows {
		out = append(out, r.Code)
	}
	return out
}

// The tree as of any day: three tiers in the past, two now.
func TestAreasOfTwoDays(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	rows := []string{"62,Kon Tum,province,,1900-01-01,2025-07-01,,", "62D,Huyện mẫu,district,62,1900-01-01,2025-07-01,,",
		"62001,Xã mẫu một,commune,62D,1900-01-01,2025-07-01,,", "62002,Xã mẫu hai,commune,62D,1900-01-01,2025-07-01,,",
		"62001,Xã mẫu,commune,51,2025-07-01,,false,62002", "51,Quảng Ngãi,province,,1900-01-01,2025-07-01,,", "51,Quảng Ngãi,province,,2025-07-01,,,62"}
	before := db.Staff(t, "manager1").CaseAreas()
	dry, faults := takeAreas(t, db, postgres.AreaChange{DryRun: true}, rows...)
	require.Empty(t, faults)
	require.Equal(t, postgres.AreaReport{Rows: 7, Begun: 6, Changed: 1, Links: 2, Moved: dry.Moved}, dry)
	require.Equal(t, before, db.Staff(t, "manager1").CaseAreas(), "a dry run changes nothing")

	report := changeAreas(t, db, rows...)
	require.Equal(t, dry, report)
	for _, tc := range []struct {
		level, parent, at, want string
	}{
		{"district", "62", "2025-06-30", "62D"}, {"district", "62", "2025-07-01", ""}, {"commune", "62D", "2025-06-30", "62001 62002"},
		{"province", "", "2025-06-30", "48 51 62"}, {"province", "", "2025-07-01", "48 51"}, {"commune", "51", "2025-07-01", "51001 51002 51003 51004 51005 62001"},
	} {
		got := must(db.Areas(ctx, postgres.AreaFilter{Level: tc.level, Parent: tc.parent, At: date(tc.at).Add(5 * time.Hour)}, postgres.Page{}))(t)
		require.Equal(t, strings.Fields(tc.want), codes(got), "%+v", tc)
	}
	require.Equal(t, "Xã mẫu một", must(db.Areas(ctx, postgres.AreaFilter{Parent: "62D", At: date("2020-01-01")}, postgres.Page{}))(t)[0].Name)

	// Today all of it belongs to the province that took it over.
	now := db.Staff(t, "manager1").CaseAreas()
	require.Subset(t, now, []string{"62", "62D", "62001", "62002"})
	h := must(db.AreaHistory(ctx, "62001"))(t)
	require.Len(t, h.Periods, 2)
	require.Equal(t, []postgres.AreaLink{{Code: "62002", Name: "Xã mẫu hai", At: h.Predecessors[0].At, Kind: area.Merged, Takes: true}}, h.Predecessors)
	require.Equal(t, "62001", must(db.AreaHistory(ctx, "62002"))(t).Successors[0].Code)
	gone := must(db.Area(ctx, "62002"))(t)
	require.True(t, gone.Gone && *gone.Successor == "62001" && *gone.Parent == "62001", "%+v", gone)

	again := changeAreas(t, db, rows...)
	require.Equal(t, postgres.AreaReport{Rows: 7, Same: 7}, again, "twice is once")
	_, err := db.Area(ctx, "none")
	wantCode(t, err, "area_not_found")
}

// A list with a fault leaves nothing behind, whatever else is in it.
func TestAreasAllOrNothing(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	before := count(t, db, `SELECT count(*) FROM area_periods`)
	_, faults := takeAreas(t, db, postgres.AreaChange{}, append([]string{"51999,,commune,51,2026-03-01,,,"}, merge...)...)
	require.Equal(t, []string{"/rows/2/name required"}, faults)
	require.Equal(t, before, count(t, db, `SELECT count(*) FROM area_periods`))
	require.Zero(t, count(t, db, `SELECT count(*) FROM audit WHERE action = 'change_areas'`))
}

// An administrator changes what lies in his own areas.
func TestAreasOfOthers(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	within := postgres.AreaChange{Within: db.Staff(t, "admin1").Areas}
	for name, tc := range map[string]struct {
		rows []string
		want []string
	}{
		"own":                 {[]string{"51900,New,district,51,2026-04-01,,,", "51901,New,commune,51900,2026-04-01,,,51005"}, nil},
		"another's":           {[]string{"48001,Hải Châu II,commune,48,1900-01-01,,,"}, []string{"/rows/2/code wrong_area", "/rows/2/parent wrong_area"}},
		"taken over":          {[]string{"48001,Hải Châu,commune,48,1900-01-01,2026-04-01,,", "48001,Hải Châu,commune,51,2026-04-01,,,"}, []string{"/rows/2/code wrong_area", "/rows/2/parent wrong_area", "/rows/3/code wrong_area"}},
		"in another's":        {[]string{"51910,New,commune,48,2026-04-01,,,"}, []string{"/rows/2/code wrong_area", "/rows/2/parent wrong_area"}},
		"at the top":          {[]string{"99,New,province,,2026-04-01,,,"}, []string{"/rows/2/code wrong_area"}},
		"a part of another's": {[]string{"51911,New,commune,51,2026-04-01,,,48001"}, []string{"/rows/2/predecessors/0 wrong_area"}},
	} {
		_, faults := takeAreas(t, db, within, tc.rows...)
		require.ElementsMatch(t, tc.want, faults, name)
	}
}

// The database alone refuses a cycle, on the day on which there is one, and an
// area that is two things at a time.
func TestTheDatabaseKeepsTheTree(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	breaks(t, db, "area_cycle", `INSERT INTO areas (code, name, level, parent) VALUES ('x', 'x', 'commune', 'x')`)
	breaks(t, db, "area_cycle", `INSERT INTO areas (code, name, level, parent) VALUES ('x', 'x', 'commune', 'y'), ('y', 'y', 'commune', 'x')`)
	breaks(t, db, "area_cycle", `UPDATE areas SET parent = '51001' WHERE code = '51'`)
	period := func(code, from, to, parent string) string {
		return `INSERT INTO area_periods (area, valid_from, valid_to, name, level, parent, urban) VALUES ('` + code + `', '` + from + `', ` + to + `, 'n', 'l', '` + parent + `', false)`
	}
	fresh := `INSERT INTO areas (code, name, level, valid_from, valid_to) VALUES ('x', 'x', 'commune', '2000-01-01', '2010-01-01'), ('y', 'y', 'commune', '2000-01-01', '2005-01-01')`
	breaks(t, db, "area_cycle", fresh, period("x", "2010-01-01", "NULL", "y"), period("y", "2005-01-01", "'2011-01-01'", "x"))
	breaks(t, db, "area_periods_overlap", fresh, period("x", "2009-12-31", "NULL", "51"))
	require.NoError(t, raw(t, db, fresh, period("x", "2010-01-01", "NULL", "y"), period("y", "2005-01-01", "'2010-01-01'", "x")), "never on the same day")
	breaks(t, db, "area_cycle", `UPDATE area_periods SET valid_to = '2010-01-02' WHERE area = 'y' AND valid_from = '2005-01-01'`)
	refusesRole(t, db, `UPDATE area_periods SET valid_from = '1999-01-01' WHERE area = 'x'`)
	refusesRole(t, db, `DELETE FROM area_periods`)
	refusesRole(t, db, `DELETE FROM areas`)
	refusesRole(t, db, `UPDATE areas SET code = 'z' WHERE code = 'x'`)
	refusesRole(t, db, `DELETE FROM area_predecessors`)
	breaks(t, db, "areas_check1", `UPDATE areas SET successor = '51' WHERE code = '51001'`)
}

// Two that change areas at once come one after the other.
func TestTwoChangesOfAreas(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ended := make(chan error, 4)
	for range 4 {
		go func() {
			list, _ := area.ReadCSV(strings.NewReader("code,name,level,parent,valid_from,valid_to,urban,predecessors\n" + strings.Join(merge, "\n") + "\n"))
			_, err := db.ImportAreas(context.Background(), list, postgres.AreaChange{Actor: "admin1"})
			ended <- err
		}()
	}
	for range 4 {
		require.NoError(t, <-ended)
	}
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM area_predecessors`))
	require.Equal(t, 1, count(t, db, `SELECT count(*) FROM areas WHERE gone`))
}
