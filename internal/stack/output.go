package stack

import (
	"encoding/json"
	"io"
	"os"
	"strings"
)

// watcher copies a child's output to its log and looks for the ready line.
type watcher struct {
	log   io.Writer
	part  []byte // of a line
	ready chan map[string]any
	seen  bool
}

// Write implements io.Writer.
func (w *watcher) Write(p []byte) (int, error) {
	if !w.seen {
		w.part = append(w.part, p...)
		for line := range strings.Lines(string(w.part)) {
			if !strings.HasSuffix(line, "\n") {
				w.part = []byte(line)
				break
			}
			w.part = nil
			var said map[string]any
			if json.Unmarshal([]byte(line), &said) == nil && said["ready"] == true {
				w.seen, w.part = true, nil
				w.ready <- said
				break
			}
		}
	}
	return w.log.Write(p)
}

// lastWords gives the last line that a child wrote, for a one-line error; of a
// JSON line its message.
func lastWords(path string, from int64) string {
	b, err := os.ReadFile(path)
	if err != nil || int(from) > len(b) {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(b[from:])), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	var record struct{ Msg, Error string }
	if json.Unmarshal([]byte(last), &record) == nil && record.Msg != "" {
		return strings.TrimSuffix(record.Msg+": "+record.Error, ": ")
	}
	return last
}
