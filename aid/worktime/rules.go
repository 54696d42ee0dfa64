package worktime

import (
	"fmt"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Rules is a working calendar as data, the form in which it is stored and
// edited. Week has the keys mon to sun; a day that is missing or empty is a
// day off. Each shift is a pair of local clock times, "07:30" and "11:30";
// "24:00" ends a day.
type Rules struct {
	Code     string                `json:"code"`
	Zone     string                `json:"zone"` // IANA name
	Week     map[string][][]string `json:"week"`
	Holidays []Holiday             `json:"holidays"`
}

// Holiday is a local date without work.
type Holiday struct {
	Date string `json:"date"` // 2026-02-17
	Name string `json:"name"`
}

// dayKeys are in the order of time.Weekday.
var dayKeys = [7]string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// Validate gives every fault, in a stable order. Codes: required,
// zone_unknown, day_unknown, shift_pair, clock_time, shift_order, week_empty,
// date_format, date_repeated.
func (r Rules) Validate() []aid.Fault {
	var faults []aid.Fault
	add := func(pointer, code string) {
		faults = append(faults, aid.Fault{Pointer: pointer, Code: code})
	}
	if r.Code == "" {
		add("/code", "required")
	}
	if !zoneKnown(r.Zone) {
		add("/zone", "zone_unknown")
	}
	r.validateWeek(add)
	r.validateHolidays(add)
	return faults
}

// zoneKnown refuses "Local": the machine's own zone is no data.
func zoneKnown(name string) bool {
	if name == "" || name == "Local" {
		return false
	}
	_, err := time.LoadLocation(name)
	return err == nil
}

func (r Rules) validateWeek(add func(pointer, code string)) {
	days := make([]string, 0, len(r.Week))
	for day := range r.Week {
		days = append(days, day)
	}
	slices.Sort(days)
	empty := true
	for _, day := range days {
		if !slices.Contains(dayKeys[:], day) {
			// The key itself is not repeated: it is somebody's input.
			add("/week", "day_unknown")
			continue
		}
		previous := 0
		for i, pair := range r.Week[day] {
			pointer := fmt.Sprintf("/week/%s/%d", day, i)
			previous = validateShift(pointer, pair, previous, add)
			empty = false
		}
	}
	if empty {
		add("/week", "week_empty")
	}
}

// validateShift gives the minute at which the shift ends, before which the
// next one must not start.
func validateShift(pointer string, pair []string, previous int, add func(pointer, code string)) int {
	if len(pair) != 2 {
		add(pointer, "shift_pair")
		return previous
	}
	start, okStart := parseClock(pair[0])
	end, okEnd := parseClock(pair[1])
	if !okStart {
		add(pointer+"/0", "clock_time")
	}
	if !okEnd {
		add(pointer+"/1", "clock_time")
	}
	if !okStart || !okEnd {
		return previous
	}
	if start < previous || end <= start {
		add(pointer, "shift_order")
	}
	return end
}

func (r Rules) validateHolidays(add func(pointer, code string)) {
	seen := map[string]bool{}
	for i, holiday := range r.Holidays {
		pointer := fmt.Sprintf("/holidays/%d", i)
		if _, err := time.Parse(time.DateOnly, holiday.Date); err != nil {
			add(pointer+"/date", "date_format")
		} else if seen[holiday.Date] {
			add(pointer+"/date", "date_repeated")
		}
		seen[holiday.Date] = true
		if holiday.Name == "" {
			add(pointer+"/name", "required")
		}
	}
}

// parseClock reads "07:30" as minutes after midnight, up to "24:00".
func parseClock(text string) (minute int, ok bool) {
	if text == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", text)
	if err != nil || len(text) != 5 {
		return 0, false
	}
	return t.Hour()*60 + t.Minute(), true
}
