package programme

import "strings"

// Lines gives a function that finds the line of a place of a text that Parse
// has read: of its JSON pointer, or of the nearest place around it.
func Lines(text string) func(pointer string) int {
	lines := read([]byte(text)).lines
	return func(pointer string) int {
		line, ok := lines[pointer]
		for !ok && pointer != "" {
			pointer = pointer[:max(strings.LastIndexByte(pointer, '/'), 0)]
			line, ok = lines[pointer]
		}
		return max(line, 1)
	}
}
