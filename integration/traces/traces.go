package traces

import (
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Trace is what one program asked of malloc. It was checked when it was parsed, and must not be changed.
type Trace struct {
	Name     string   // what Load was asked for; "" after Parse
	Comments []string // without "# "; in a committed trace, the program and its version, then its command line
	Ops      []Op
	MaxLive  uint32 // blocks that are ever live at the same time; every ID is below it
}

//go:embed data/*.trace.gz
var files embed.FS

const suffix = ".trace.gz"

// Names returns the names of the committed traces, in alphabetical order.
func Names() []string {
	paths, err := fs.Glob(files, "data/*"+suffix)
	if err != nil {
		panic(err) // the pattern is wrong
	}
	names := make([]string, len(paths))
	for i, p := range paths {
		names[i] = strings.TrimSuffix(strings.TrimPrefix(p, "data/"), suffix)
	}
	slices.Sort(names)
	return names
}

// Load returns the committed trace of that name. It unpacks and parses it anew each time: some 10 ms for 100,000
// operations.
func Load(name string) (*Trace, error) {
	packed, err := files.Open("data/" + name + suffix)
	if err != nil {
		return nil, fmt.Errorf("traces: there is no trace %q; there are %s", name, strings.Join(Names(), ", "))
	}
	return read(name, packed, true)
}

// ReadFile returns the trace in a file, unpacked if its name ends in .gz. Its name is the file's, without folder and
// endings.
func ReadFile(path string) (*Trace, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	name, packed := strings.CutSuffix(filepath.Base(path), ".gz")
	return read(strings.TrimSuffix(name, ".trace"), f, packed)
}

func read(name string, r io.Reader, packed bool) (*Trace, error) {
	if packed {
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			return nil, fmt.Errorf("traces: %s: %w", name, err)
		}
		r = unpacked
	}
	t, err := parse(r)
	if err != nil {
		return nil, fmt.Errorf("traces: %s: %w", name, err)
	}
	t.Name = name
	return t, nil
}
