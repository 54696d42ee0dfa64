// Package pdf draws papers as PDF on A4: embedded fonts with every Vietnamese
// letter, text that can be searched and copied, and the same bytes for the
// same paper.
package pdf

import (
	"bytes"
	"strconv"
	"strings"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-fonts/dejavu/dejavuserifcondensed"
	"github.com/go-fonts/dejavu/dejavuserifcondensedbold"
	"github.com/go-fonts/dejavu/dejavuserifcondenseditalic"

	"github.com/aidflow/aidflow/papers"
)

// The page, in millimetres, and the sizes of its letters, in points.
const (
	left, right, top, bottom = 24.0, 18.0, 16.0, 20.0
	width                    = 210 - left - right
	textSize, smallSize      = 11.0, 8.5
	lineHeight               = 5.6 // of text
)

const family = "serif"

// pen draws one paper.
type pen struct {
	*fpdf.Fpdf
	paper papers.Paper
}

// Render draws a paper.
//
// Errors: of the library, which a paper that papers made does not cause.
func Render(p papers.Paper) ([]byte, error) {
	f := fpdf.New("P", "mm", "A4", "")
	f.AddUTF8FontFromBytes(family, "", dejavuserifcondensed.TTF)
	f.AddUTF8FontFromBytes(family, "B", dejavuserifcondensedbold.TTF)
	f.AddUTF8FontFromBytes(family, "I", dejavuserifcondenseditalic.TTF)
	f.SetMargins(left, top, right)
	f.SetAutoPageBreak(false, bottom)
	f.SetCatalogSort(true)
	f.SetCreationDate(p.Date.UTC())
	f.SetModificationDate(p.Date.UTC())
	f.SetProducer("Aidflow", true)
	f.SetTitle(strings.TrimSpace(p.Title+" "+p.Foot.Reference), true)
	f.SetLang(p.Lang)
	w := &pen{Fpdf: f, paper: p}
	f.AddPage()
	w.head()
	for i, block := range p.Blocks {
		w.keep(i)
		w.block(block)
	}
	for n := range f.PageCount() {
		w.foot(n+1, f.PageCount())
	}
	var out bytes.Buffer
	if err := f.Output(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// foot draws what stands at the end of a page, once it is known how many
// there are. (The library's own way is to put a mark into every page and to
// replace its bytes, which may be those of a name.)
func (w *pen) foot(page, pages int) {
	w.SetPage(page)
	w.font("B", 1) // another page had the font last
	w.SetTextColor(80, 80, 80)
	y := 297 - bottom + 4
	if w.paper.Foot.Note != "" {
		w.font("I", smallSize)
		for _, line := range w.wrap(w.paper.Foot.Note, width) {
			w.put(left, y, width, line, "L")
			y += 3.8
		}
	}
	w.font("", smallSize)
	count := strings.NewReplacer("{n}", strconv.Itoa(page), "{m}", strconv.Itoa(pages)).Replace(w.paper.Foot.Page)
	w.put(left, y, width, w.paper.Foot.Reference, "L")
	w.put(left, y, width, count, "R")
	w.SetTextColor(0, 0, 0)
}

func (w *pen) font(style string, size float64) { w.SetFont(family, style, size) }

// put writes one line into a box at a place, without moving.
func (w *pen) put(x, y, wide float64, text, align string) {
	w.SetXY(x, y)
	w.CellFormat(wide, lineHeight, text, "", 0, align+"M", false, 0, "")
}

// room begins a new page unless so many millimetres are left.
func (w *pen) room(high float64) bool {
	if w.GetY()+high <= 297-bottom {
		return false
	}
	w.AddPage()
	w.SetXY(left, top)
	return true
}

// wrap breaks a text into lines of at most a width, between words, and inside
// a word only when it is longer than a line.
func (w *pen) wrap(text string, wide float64) []string {
	wide -= 2 * w.GetCellMargin()
	var out []string
	line := ""
	for _, word := range strings.Split(text, " ") {
		longer := strings.TrimPrefix(line+" "+word, " ")
		if w.GetStringWidth(longer) <= wide {
			line = longer
			continue
		}
		if line != "" {
			out = append(out, line)
		}
		for line = word; w.GetStringWidth(line) > wide; {
			cut := w.fitting(line, wide)
			out, line = append(out, line[:cut]), line[cut:]
		}
	}
	return append(out, line)
}

// fitting gives how many bytes of a word fit, at least one character.
func (w *pen) fitting(word string, wide float64) int {
	fits := 0
	for i, r := range word {
		end := i + utf8.RuneLen(r)
		if fits > 0 && w.GetStringWidth(word[:end]) > wide {
			break
		}
		fits = end
	}
	return fits
}
