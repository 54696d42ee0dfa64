package demo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// teller prints the story. When quiet it prints results only.
type teller struct {
	out   io.Writer
	words map[string]string // English text or code -> the language of the run
	quiet bool
}

func newTeller(o Options) (*teller, error) {
	texts, err := words(o.Lang)
	return &teller{out: o.Out, words: texts, quiet: o.Quiet}, err
}

// say gives an English text in the language of the run, filled in. A text that
// is not translated stays English.
func (t *teller) say(english string, values ...any) string {
	text, ok := t.words[english]
	if !ok {
		text = english
	}
	if len(values) == 0 {
		return text
	}
	return fmt.Sprintf(text, values...)
}

// word puts a code of the API into words; a code that is not known here (enums
// are open) stays as it is.
func (t *teller) word(kind, code string) string {
	if text, ok := t.words[kind+":"+code]; ok {
		return text
	}
	return code
}

// line prints a line, unless the teller is quiet.
func (t *teller) line(format string, values ...any) {
	if !t.quiet {
		fmt.Fprintf(t.out, format+"\n", values...)
	}
}

func (t *teller) heading(english string) { t.line("\n%s", strings.ToUpper(t.say(english))) }

func (t *teller) chapter(n int, title, amount string) {
	t.line("\n%d  %s, %s", n, strings.ToUpper(title), amount)
}

// scene tells who did what, at the time of the case's clock.
func (t *teller) scene(at time.Time, who, what string) {
	t.line("   %s  %s %s", moment(at), pad(who, 11), what)
}

// pause tells how much time has passed, when it is worth telling.
func (t *teller) pause(d time.Duration) {
	if d >= 20*time.Hour {
		t.line("   %s", t.say("... %s later", t.length(d)))
	}
}

// result tells how a story ended, in one line; also when the teller is quiet.
func (t *teller) result(reference, title, amount string, took time.Duration) {
	fmt.Fprintf(t.out, "   ✓ %s %s: %s (%.1f s)\n", reference, title, t.say("%s paid, case closed", amount), took.Seconds())
}

// length writes a length of time for people.
func (t *teller) length(d time.Duration) string {
	if d < time.Minute {
		return t.say("%d s", int(d.Round(time.Second).Seconds()))
	}
	d = d.Round(time.Minute)
	days, hours, minutes := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60
	switch {
	case days >= 10:
		return t.say("%d days", days)
	case days > 0:
		return t.say("%d d %d h", days, hours)
	case hours > 0:
		return t.say("%d h %02d min", hours, minutes)
	default:
		return t.say("%d min", minutes)
	}
}

// hours writes working time: days of work are not days of the calendar.
func (t *teller) hours(d time.Duration) string {
	return t.say("%s h of working time", strconv.FormatFloat(d.Hours(), 'f', 1, 64))
}

// moment writes an instant as the clock on the office's wall.
func moment(at time.Time) string {
	if at.IsZero() {
		return pad("-", 16)
	}
	return at.In(vietnam()).Format("2006-01-02 15:04")
}

// pad fills a text with spaces up to a width in letters.
func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

// left fills a text with spaces before it.
func left(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}
