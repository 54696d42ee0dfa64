package pdf

import "github.com/aidflow/aidflow/papers"

// head draws the block at the top: the organisation on the left, the motto on
// the right, each underlined, below them number and place; and then the title.
func (w *pen) head() {
	h := w.paper.Head
	half, gap := width*0.44, width*0.04
	w.font("B", textSize-1)
	onLeft := w.centred(h.Organisation, left, half)
	onRight := w.centred(h.Motto, left+half+gap, width-half-gap)
	y := max(onLeft, onRight) + 2
	w.font("", textSize-1)
	if h.Number != "" {
		w.put(left, y, half, h.Number, "C")
	}
	w.font("I", textSize-1)
	for _, line := range w.wrap(h.PlaceDate, width-half-gap) {
		w.put(left+half+gap, y, width-half-gap, line, "C")
		y += lineHeight
	}
	y += 6
	w.font("B", textSize+3)
	y = w.title(w.paper.Title, y, 7)
	w.font("B", textSize)
	if w.paper.Subtitle != "" {
		y = w.title(w.paper.Subtitle, y, lineHeight)
	}
	w.SetXY(left, y+3)
}

func (w *pen) title(text string, y, high float64) float64 {
	for _, line := range w.balanced(text, width) {
		w.put(left, y, width, line, "C")
		y += high
	}
	return y
}

// centred writes lines under each other with a rule below the last, and gives
// where it ends.
func (w *pen) centred(texts []string, x, wide float64) float64 {
	y, last := top, 0.0
	for _, text := range texts {
		for _, line := range w.balanced(text, wide) {
			w.put(x, y, wide, line, "C")
			last = w.GetStringWidth(line)
			y += lineHeight - 0.6
		}
	}
	if last > 0 {
		w.SetLineWidth(0.25)
		w.Line(x+wide/2-last/4, y+0.8, x+wide/2+last/4, y+0.8)
		y += 1.6
	}
	return y
}

// keep begins a new page where a heading would stand alone at the end of one,
// or where signatures would.
func (w *pen) keep(i int) {
	switch w.paper.Blocks[i].(type) {
	case papers.Heading:
		w.room(4*lineHeight + 4)
	case papers.Signatures:
		w.room(signatureHeight)
	}
}

// balanced breaks a text into as few lines as wrap, of about equal length.
func (w *pen) balanced(text string, wide float64) []string {
	best := w.wrap(text, wide)
	for narrow := wide - 3; narrow > 20; narrow -= 3 {
		lines := w.wrap(text, narrow)
		if len(lines) > len(best) {
			break
		}
		best = lines
	}
	return best
}
