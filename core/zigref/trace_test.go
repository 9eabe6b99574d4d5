package zigref_test

import (
	"embed"
	"errors"
	"fmt"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
)

// The traces tell what Zig's own allocators did, compiled to wasm32 and run in a guest: a line for each call, with its
// result and the size of the memory behind the equals sign. The integration module writes them and compares much longer
// streams; these are for those who have only core at hand.
//
//	memory pages maxPages                a new memory, and a new allocator
//	alloc n log2Align = addr pages       addr is 0 if there was no memory
//	free addr n log2Align = freed pages
//	resize addr n log2Align newN = bool pages
//	grow pages = grown|refused pages     somebody else grows the memory
//
//go:embed testdata/*.trace
var traces embed.FS

func TestTraces(t *testing.T) {
	for name, open := range map[string]func(linmem.Memory) zigFunctions{
		"allocator": func(m linmem.Memory) zigFunctions { return zigref.NewAllocator(m) },
		"page-allocator": func(m linmem.Memory) zigFunctions {
			return pageFunctions{zigref.NewPageAllocator(m)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := traces.ReadFile("testdata/" + name + ".trace")
			if err != nil {
				t.Fatal(err)
			}
			var m *flatMemory
			var a zigFunctions
			steps := 0
			for i, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
				if sizes := [2]uint64{}; scan(line, "memory %d %d", &sizes[0], &sizes[1]) {
					m = newFlatMemory(sizes[0], sizes[1])
					a = open(m)
					continue
				}
				did, want, _ := strings.Cut(line, " = ")
				got := fmt.Sprintf("%s %d", replay(t, a, m, did), m.NumPages())
				if got != want {
					t.Fatalf("line %d, %s: got %s, and Zig %s", i+1, did, got, want)
				}
				steps++
			}
			if steps < 1000 {
				t.Errorf("the trace has %d steps: it was longer", steps)
			}
		})
	}
}

// replay does what a line of a trace says, and returns the result in the trace's words.
func replay(t *testing.T, a zigFunctions, m linmem.Memory, did string) string {
	var addr, n, newN uint64
	var log2Align uint8
	switch {
	case scan(did, "alloc %d %d", &n, &log2Align):
		addr, err := a.Alloc(n, log2Align)
		if err != nil && !errors.Is(err, linmem.ErrOutOfMemory) {
			return err.Error()
		}
		return fmt.Sprint(addr)
	case scan(did, "free %d %d %d", &addr, &n, &log2Align):
		if err := a.Free(addr, n, log2Align); err != nil {
			return err.Error()
		}
		return "freed"
	case scan(did, "resize %d %d %d %d", &addr, &n, &log2Align, &newN):
		return fmt.Sprint(a.Resize(addr, n, log2Align, newN))
	case scan(did, "grow %d", &n):
		if _, err := m.Grow(n); err != nil {
			return "refused"
		}
		return "grown"
	}
	t.Fatalf("what does %q mean?", did)
	return ""
}

// scan reports whether the line has the format, and reads it.
func scan(line, format string, values ...any) bool {
	n, err := fmt.Sscanf(line, format, values...)
	return err == nil && n == len(values)
}
