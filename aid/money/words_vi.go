package money

import "strings"

var vietnameseOnes = strings.Fields("không một hai ba bốn năm sáu bảy tám chín")

// vietnamese says what is below a billion, and above it how many billions
// there are: 1,200,000,000,000 is "một nghìn hai trăm tỷ".
func vietnamese(groups []int) string {
	scales := []string{"", "nghìn", "triệu"}
	below := scaled(groups[:min(3, len(groups))], scales, func(n int, first bool) string {
		return vietnameseGroup(n, first && len(groups) <= 3)
	})
	if len(groups) <= 3 {
		return below
	}
	return strings.TrimSpace(vietnamese(groups[3:]) + " tỷ " + below)
}

// vietnameseGroup says one to 999. Behind another group the hundreds are said
// even when there are none (không trăm), and a single unit behind hundreds
// takes linh: 1,005 is "một nghìn không trăm linh năm".
func vietnameseGroup(n int, first bool) string {
	hundreds, tens, ones := n/100, n/10%10, n%10
	var parts []string
	if hundreds > 0 || !first {
		parts = append(parts, vietnameseOnes[hundreds], "trăm")
	}
	switch {
	case tens == 0 && ones > 0 && len(parts) > 0:
		parts = append(parts, "linh")
	case tens == 1:
		parts = append(parts, "mười")
	case tens > 1:
		parts = append(parts, vietnameseOnes[tens], "mươi")
	}
	if ones > 0 {
		parts = append(parts, vietnameseOne(tens, ones))
	}
	return strings.Join(parts, " ")
}

// vietnameseOne says the units, which sound otherwise behind tens: mười lăm,
// hai mươi mốt, hai mươi tư, hai mươi lăm.
func vietnameseOne(tens, ones int) string {
	switch {
	case ones == 1 && tens > 1:
		return "mốt"
	case ones == 4 && tens > 1:
		return "tư"
	case ones == 5 && tens > 0:
		return "lăm"
	}
	return vietnameseOnes[ones]
}
