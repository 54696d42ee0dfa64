package match

import "cmp"
import "slices"

// common are words that so many names share that they say little: the weight
// of any other word is 1.
var common = map[string]float64{
	"nguyen": 0.5, "thi": 0.3, "van": 0.3, "tran": 0.6, "le": 0.6, "pham": 0.6, "huynh": 0.6, "hoang": 0.7, "phan": 0.7, "vu": 0.7,
	"vo": 0.7, "dang": 0.7, "bui": 0.7, "do": 0.7, "ho": 0.7, "ngo": 0.7, "duong": 0.7, "dinh": 0.7, "ngoc": 0.7, "thanh": 0.7,
	"kim": 0.7, "duc": 0.7, "huu": 0.6, "minh": 0.8,
}

const (
	initialWeight = 0.4  // of a word that is one letter
	initialFits   = 0.85 // N. for Nguyễn
	otherTone     = 0.85 // Hồng, Hổng: both typed with their marks
	otherShape    = 0.75 // Hùng, Hưng
)

// NameScore compares two names and gives 0 (nothing in common) to 1 (the same
// but for accents, word order and notation). A name without any mark is taken
// as typed without accents and compared without them; two names with marks
// are compared with them.
func NameScore(a, b string) float64 {
	wa, wb := words(a), words(b)
	total := weigh(wa) + weigh(wb)
	if len(wa) == 0 || len(wb) == 0 {
		return 0
	}
	type pair struct {
		i, j  int
		sim   float64
		worth float64
	}
	marks := anyMarked(wa) && anyMarked(wb)
	var pairs []pair
	for i, x := range wa {
		for j, y := range wb {
			if sim := wordScore(x, y, marks); sim > 0 {
				pairs = append(pairs, pair{i, j, sim, weight(x) + weight(y)})
			}
		}
	}
	slices.SortStableFunc(pairs, func(p, q pair) int { return cmp.Or(cmp.Compare(q.sim, p.sim), cmp.Compare(q.worth, p.worth)) })
	usedA, usedB := make([]bool, len(wa)), make([]bool, len(wb))
	found := 0.0
	for _, p := range pairs {
		if !usedA[p.i] && !usedB[p.j] {
			usedA[p.i], usedB[p.j] = true, true
			found += p.sim * p.worth
		}
	}
	return min(found/total, 1) // sums of fractions may be a hair above
}

func weight(w word) float64 {
	if len(w.plain) == 1 {
		return initialWeight
	}
	if known, ok := common[w.plain]; ok {
		return known
	}
	return 1
}

func weigh(ws []word) float64 {
	sum := 0.0
	for _, w := range ws {
		sum += weight(w)
	}
	return sum
}

func anyMarked(ws []word) bool { return slices.ContainsFunc(ws, word.marked) }

// wordScore compares two words: 1 for the same, 0 for words that no typing
// error explains.
func wordScore(x, y word, marks bool) float64 {
	px, py := likeI(x.plain), likeI(y.plain)
	if px == py {
		switch {
		case !marks || likeI(x.shaped) == likeI(y.shaped) && x.tone == y.tone:
			return 1
		case likeI(x.shaped) == likeI(y.shaped):
			return otherTone
		}
		return otherShape
	}
	if len(px) == 1 || len(py) == 1 {
		if px[0] == py[0] {
			return initialFits
		}
		return 0
	}
	longer := max(len(px), len(py))
	errors := Distance(px, py)
	if errors > 2 || errors > longer/3 { // one error in three letters, two in six
		return 0
	}
	return 1 - float64(errors)/float64(longer)
}

// Distance counts the typing errors that lead from one text to the other: a
// letter too much, too few, another one, or two neighbours exchanged.
func Distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(y)]
}
