// Package programmes ships the programme definitions and the working calendar
// that an installation starts with. Administrators publish later versions;
// these files are never read again for a case that is pinned to a version.
package programmes

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

//go:embed *.yaml calendars/*.json means/*.yaml golden/*.yaml
var files embed.FS

// All gives the shipped definitions, sorted by code.
func All() ([]*programme.Definition, error) {
	return load(files)
}

// Load gives the definitions of a folder (every *.yaml), sorted by code. The
// error names the file (params.file) and lists its faults; two files with one
// code are refused (programme_repeated).
func Load(dir string) ([]*programme.Definition, error) {
	return load(os.DirFS(dir))
}

// Sources gives the text of the shipped definitions by code.
func Sources() (map[string][]byte, error) {
	return byName("*.yaml")
}

// byName gives the shipped files of a pattern by their names without .yaml.
func byName(pattern string) (map[string][]byte, error) {
	names, err := fs.Glob(files, pattern)
	if err != nil {
		return nil, err
	}
	sources := make(map[string][]byte, len(names))
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sources[strings.TrimSuffix(path.Base(name), ".yaml")] = data
	}
	return sources, nil
}

// Calendars gives the shipped working calendars.
func Calendars() ([]*worktime.Calendar, error) {
	names, err := fs.Glob(files, "calendars/*.json")
	if err != nil {
		return nil, err
	}
	var calendars []*worktime.Calendar
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		calendar, err := worktime.Parse(data)
		if err != nil {
			return nil, inFile(name, err)
		}
		calendars = append(calendars, calendar)
	}
	return calendars, nil
}

// MeansVN is the code of the means test of Vietnam.
const MeansVN = "vn"

// Means gives the shipped means tests, by code.
func Means() (map[string]*means.Rules, error) {
	names, err := fs.Glob(files, "means/*.yaml")
	if err != nil {
		return nil, err
	}
	all := map[string]*means.Rules{}
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		rules, err := means.Parse(data)
		if err != nil {
			return nil, inFile(name, err)
		}
		all[rules.Code] = rules
	}
	return all, nil
}

func load(folder fs.FS) ([]*programme.Definition, error) {
	names, err := fs.Glob(folder, "*.yaml")
	if err != nil {
		return nil, err
	}
	var definitions []*programme.Definition
	for _, name := range names {
		data, err := fs.ReadFile(folder, name)
		if err != nil {
			return nil, err
		}
		definition, err := programme.Parse(data)
		if err != nil {
			return nil, inFile(name, err)
		}
		definitions = append(definitions, definition)
	}
	return sorted(definitions)
}

func sorted(definitions []*programme.Definition) ([]*programme.Definition, error) {
	slices.SortFunc(definitions, func(a, b *programme.Definition) int { return strings.Compare(a.Code, b.Code) })
	for i := 1; i < len(definitions); i++ {
		if definitions[i-1].Code == definitions[i].Code {
			return nil, aid.Refuse(aid.Invalid, "programme_repeated", "programme", definitions[i].Code)
		}
	}
	return definitions, nil
}

// inFile keeps kind, code and faults of a refusal and names the file.
func inFile(name string, err error) error {
	var refusal *aid.Error
	if !errors.As(err, &refusal) {
		return err
	}
	named := *refusal
	named.Params = map[string]string{"file": path.Base(name)}
	return &named
}
