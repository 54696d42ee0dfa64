package api

import (
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// isoDuration writes a duration in hours, minutes and whole seconds: days of
// working time are not days of the calendar.
func isoDuration(d time.Duration) string {
	d = d.Round(time.Second)
	if d <= 0 {
		return "PT0S"
	}
	out := "PT"
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"H", time.Hour}, {"M", time.Minute}, {"S", time.Second}} {
		if n := d / unit.length; n > 0 {
			out += strconv.FormatInt(int64(n), 10) + unit.letter
			d -= n * unit.length
		}
	}
	return out
}

// maxAdvance bounds what a case's clock may be moved at once: ten years.
const maxAdvance = 3660 * 24 * time.Hour

// parseDuration reads weeks, days, hours, minutes and seconds of ISO 8601; the
// document has checked the form.
//
// Errors: Invalid with a fault at /duration when it is nothing or too long.
func parseDuration(s string) (time.Duration, error) {
	units := map[byte]time.Duration{'W': 7 * 24 * time.Hour, 'D': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute, 'S': time.Second}
	var total time.Duration
	digits := ""
	for _, b := range []byte(strings.TrimPrefix(s, "P")) {
		switch {
		case b >= '0' && b <= '9':
			digits += string(b)
		case b == 'T':
		default:
			n, _ := strconv.Atoi(digits) // at most seven digits
			total += time.Duration(n) * units[b]
			digits = ""
		}
	}
	if total <= 0 || total > maxAdvance {
		return 0, aid.RefuseAll([]aid.Fault{{Pointer: "/duration", Code: "duration_out_of_range"}})
	}
	return total, nil
}
