package pdf

import (
	"github.com/aidflow/aidflow/papers"
	"github.com/aidflow/aidflow/papers/qr"
)

// signatureHeight is the room that people need to sign.
const signatureHeight = 44.0

func (w *pen) block(block papers.Block) {
	switch b := block.(type) {
	case papers.Heading:
		w.font("B", textSize)
		w.SetY(w.GetY() + 2)
		w.text(b.Text, left, width)
	case papers.Paragraph:
		w.font(map[bool]string{true: "B"}[b.Strong], textSize)
		w.text(b.Text, left, width)
		w.SetY(w.GetY() + 1.2)
	case papers.Fields:
		for _, f := range b.Rows {
			w.field(f)
		}
		w.SetY(w.GetY() + 1.2)
	case papers.Table:
		w.table(b)
	case papers.List:
		for _, item := range b.Items {
			w.item(item)
		}
		w.SetY(w.GetY() + 1.2)
	case papers.Code:
		w.code(b)
	case papers.Signatures:
		w.signatures(b)
	}
}

// text writes lines from where the pen is, over as many pages as it takes.
func (w *pen) text(text string, x, wide float64) {
	for _, line := range w.wrap(text, wide) {
		w.room(lineHeight)
		y := w.GetY()
		w.put(x, y, wide, line, "L")
		w.SetXY(x, y+lineHeight)
	}
}

// field writes the name of a fact on the left and the fact beside it.
func (w *pen) field(f papers.Field) {
	const label = width * 0.36
	w.font("", textSize)
	names, values := w.wrap(f.Label+":", label), w.wrap(f.Value, width-label)
	for i := range max(len(names), len(values)) {
		w.room(lineHeight)
		y := w.GetY()
		if i < len(names) {
			w.put(left, y, label, names[i], "L")
		}
		if i < len(values) {
			w.put(left+label, y, width-label, values[i], "L")
		}
		w.SetXY(left, y+lineHeight)
	}
}

// codeSide is how large a QR code is printed, its border included: a telephone
// reads it from the table.
const codeSide = 26.0

// code draws a QR code, with its words beside it.
func (w *pen) code(c papers.Code) {
	drawn, err := qr.Of(c.Text)
	if err != nil {
		w.SetError(err)
		return
	}
	w.room(codeSide)
	y := w.GetY()
	square := codeSide / float64(drawn.Size()+2*qr.Quiet)
	w.SetFillColor(0, 0, 0)
	drawn.Runs(func(column, row, length int) {
		w.Rect(left+float64(column+qr.Quiet)*square, y+float64(row+qr.Quiet)*square, float64(length)*square, square, "F")
	})
	w.SetXY(left, y+codeSide)
	w.font("", textSize)
	w.text(c.Caption, left, width)
	w.SetY(w.GetY() + 1.2)
}

func (w *pen) item(text string) {
	const indent = 6.0
	w.font("", textSize)
	w.room(lineHeight)
	w.put(left+1, w.GetY(), indent, "–", "L")
	w.SetXY(left, w.GetY())
	w.text(text, left+indent, width-indent)
}

// signatures stand side by side; who has none below writes by hand.
func (w *pen) signatures(s papers.Signatures) {
	const perRow = 3
	for len(s.Places) > 0 {
		row := s.Places[:min(perRow, len(s.Places))]
		s.Places = s.Places[len(row):]
		w.room(signatureHeight)
		y := w.GetY() + 6
		wide := width / float64(len(row))
		for i, place := range row {
			w.signature(place, left+float64(i)*wide, y, wide)
		}
		w.SetXY(left, y+signatureHeight-6)
	}
}

func (w *pen) signature(s papers.Signature, x, y, wide float64) {
	w.font("B", textSize)
	for _, line := range w.wrap(s.Role, wide) {
		w.put(x, y, wide, line, "C")
		y += lineHeight
	}
	w.font("I", textSize-1.5)
	for _, line := range w.wrap(s.Hint, wide) {
		w.put(x, y, wide, line, "C")
		y += lineHeight
	}
	w.font("", textSize)
	y += 14
	for _, line := range w.wrap(s.Name, wide) {
		w.put(x, y, wide, line, "C")
		y += lineHeight
	}
}
