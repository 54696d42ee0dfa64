package programme

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"go.yaml.in/yaml/v3"
)

// source is a YAML document read once: its values as JSON knows them, the line
// of every place, and the faults found so far.
type source struct {
	root   *yaml.Node
	lines  map[string]int // by JSON pointer
	texts  map[string]int // line in which a text itself begins, by JSON pointer
	faults []aid.Fault
}

// read parses the text and indexes it. It refuses what JSON cannot say or what
// hides something: duplicate keys, anchors, tags, several documents.
func read(data []byte) *source {
	s := &source{lines: map[string]int{}, texts: map[string]int{}}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, second yaml.Node
	if err := decoder.Decode(&document); err != nil {
		s.syntax(err)
		return s
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		s.fault("", "several_documents")
		return s
	}
	s.root = document.Content[0]
	s.index(s.root, "")
	return s
}

var lineOfError = regexp.MustCompile(`line (\d+)`)

// syntax records a fault of the YAML itself. The parser's text is not kept: it
// may repeat the input.
func (s *source) syntax(err error) {
	fault := aid.Fault{Code: "yaml_syntax"}
	if match := lineOfError.FindStringSubmatch(err.Error()); match != nil {
		fault.Params = map[string]string{"line": match[1]}
	}
	s.faults = append(s.faults, fault)
}

// fault records a fault with the line of its place, or of the nearest place
// around it when the place itself is missing.
func (s *source) fault(pointer, code string) {
	s.faultWith(pointer, code, nil)
}

func (s *source) faultWith(pointer, code string, params map[string]string) {
	place := pointer
	line, ok := s.lines[place]
	for !ok && place != "" {
		place = place[:strings.LastIndexByte(place, '/')]
		line, ok = s.lines[place]
	}
	all := map[string]string{"line": strconv.Itoa(max(line, 1))}
	for name, value := range params {
		all[name] = value
	}
	s.faults = append(s.faults, aid.Fault{Pointer: pointer, Code: code, Params: all})
}

func (s *source) index(node *yaml.Node, pointer string) {
	s.lines[pointer] = node.Line
	if node.Kind == yaml.AliasNode || node.Anchor != "" {
		s.fault(pointer, "anchor_refused")
		return
	}
	switch node.Kind {
	case yaml.SequenceNode:
		for i, item := range node.Content {
			s.index(item, pointer+"/"+strconv.Itoa(i))
		}
	case yaml.MappingNode:
		s.indexMapping(node, pointer)
	case yaml.ScalarNode:
		s.texts[pointer] = node.Line
		if node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			s.texts[pointer]++ // below the bar
		}
		if _, err := scalar(node); err != nil {
			s.fault(pointer, "value_refused")
		}
	}
}

func (s *source) indexMapping(node *yaml.Node, pointer string) {
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() == "!!merge" {
			s.fault(pointer, "key_refused")
			continue
		}
		place := pointer + "/" + escape(key.Value)
		if seen[key.Value] {
			s.lines[place] = key.Line
			s.fault(place, "duplicate_field")
			continue
		}
		seen[key.Value] = true
		s.index(value, place)
		s.lines[place] = key.Line
	}
}

// escape makes a name a token of a JSON pointer.
func escape(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
