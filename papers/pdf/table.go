package pdf

import "github.com/aidflow/aidflow/papers"

// tableSize is the size of letters in tables.
const (
	tableSize = textSize - 1
	rowLine   = 5.0
	padding   = 1.0
)

// table draws a table with its titles repeated on every page.
func (w *pen) table(t papers.Table) {
	titles := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		titles[i] = c.Title
	}
	w.SetY(w.GetY() + 1.5)
	w.row(t, titles, "B", nil)
	again := func() { w.row(t, titles, "B", nil) }
	for _, row := range t.Rows {
		w.row(t, row, "", again)
	}
	if t.Total != nil {
		w.row(t, t.Total, "B", again)
	}
	w.SetXY(left, w.GetY()+2.5)
}

// row draws one row; when it does not fit, onto a new page, after what again
// draws there. A row that no page could hold is cut over pages line by line.
func (w *pen) row(t papers.Table, cells []string, style string, again func()) {
	w.font(style, tableSize)
	lines, high := make([][]string, len(cells)), 1
	for i, cell := range cells {
		lines[i] = w.wrap(cell, w.share(t, i))
		high = max(high, len(lines[i]))
	}
	const most = 40 // lines of a row on one page
	for from := 0; from < high; from += most {
		part := min(most, high-from)
		if w.room(float64(part)*rowLine+2*padding) && again != nil {
			again()
			w.font(style, tableSize)
		}
		w.cells(t, lines, from, part)
	}
}

// cells draws lines from..from+n of a row's cells in their boxes.
func (w *pen) cells(t papers.Table, lines [][]string, from, n int) {
	x, y, high := left, w.GetY(), float64(n)*rowLine+2*padding
	w.SetLineWidth(0.2)
	for i := range lines {
		wide := w.share(t, i)
		w.Rect(x, y, wide, high, "D")
		align := "L"
		if t.Columns[i].Right {
			align = "R"
		}
		for j := from; j < min(from+n, len(lines[i])); j++ {
			w.SetXY(x, y+padding+float64(j-from)*rowLine)
			w.CellFormat(wide, rowLine, lines[i][j], "", 0, align+"M", false, 0, "")
		}
		x += wide
	}
	w.SetXY(left, y+high)
}

func (w *pen) share(t papers.Table, i int) float64 { return width * float64(t.Columns[i].Share) / 100 }
