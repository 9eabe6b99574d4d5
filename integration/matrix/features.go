package matrix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
)

// featuresGolden has the table of features by backend as the README shows it: a column for each Engine.Backend, which all
// engines of that name are held to.
const featuresGolden = "features.md"

// backends are the columns, in their order.
var backends = []string{"wazero", "wazero, `StableMemories`", "wasmtime-go", "wasmer-go", "native"}

// What a feature is said to be, if it is there or not.
const (
	yes  = "yes"
	none = "–"
)

// features are the lines. Each is tried out, and its answer is what came of it.
var features = []feature{
	{"needs", func(f *featureFixture) string { return f.engine.Needs }},
	{"growth moves the memory", growthMoves},
	{"views while the guest runs, on a `Pinned` memory", viewsWhilePinned},
	{"views while the guest grows its memory", viewsAnytime},
	{"growth can be limited, and frozen, while the guest runs", limitsGrowth},
	{"free pages go back to the system (`Discard`, `Trim`)", givesPagesBack},
	{"largest memory of 32 bits that a guest can use, pages", largestMemory},
	{"several memories in a module", severalMemories},
	{"memories of 64 bits, past 4 GiB", memory64},
	{"shared memories (threads)", sharedMemory},
	{"guests that import `malloc`", servesImports},
	{"a closed owner is", closedOwner},
}

type feature struct {
	name string
	find func(*featureFixture) string
}

// featureFixture is a subtest of a line.
type featureFixture struct {
	*testing.T
	engine engines.Engine
}

// open opens a module until the end, or returns nil if the engine does not have what it needs, and says so.
func (f *featureFixture) open(wasm []byte) guest.Instance {
	f.Helper()
	inst, stop, err := f.engine.Open(f.Context(), wasm)
	if errors.Is(err, linmem.ErrUnsupported) {
		f.Logf("%s: %v", f.engine.Name, err)
		return nil
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(stop)
	return inst
}

// openModule is open for what takes a module, which a memory without a runtime does not.
func (f *featureFixture) openModule(wasm []byte) guest.Instance {
	f.Helper()
	if f.engine.GoGuest {
		return nil
	}
	return f.open(wasm)
}

func (f *featureFixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *featureFixture) call(inst guest.Instance, name string, args ...uint64) uint64 {
	f.Helper()
	results, err := inst.Call(context.Background(), name, args...)
	f.must(err)
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// hasFeatures holds an engine to the column of its backend, or writes that with -update.
func hasFeatures(t *testing.T, e engines.Engine) {
	if runtime.GOOS != "linux" {
		t.Skip("the table of features is Linux's")
	}
	column := slices.Index(backends, e.Backend)
	if column < 0 {
		t.Fatalf("there is no column %q", e.Backend)
	}
	golden := readFeatures(t)
	for _, feature := range features {
		cells := golden[feature.name]
		if cells == nil {
			cells = slices.Repeat([]string{"?"}, len(backends))
			golden[feature.name] = cells
		}
		t.Run(feature.name, func(t *testing.T) {
			got := feature.find(&featureFixture{t, e})
			if got == "" {
				return // another engine of the backend is meant
			}
			if *update {
				cells[column] = got
			}
			if cells[column] != got {
				t.Errorf("%s: %q, and the table says %q. If that is meant: make readme", feature.name, got, cells[column])
			}
		})
	}
	if *update {
		writeFeatures(t, golden)
	} else if len(golden) != len(features) {
		t.Errorf("the table has %d features, want %d: make readme", len(golden), len(features))
	}
}

// readFeatures returns the cells of each line. With -update they are those on disk, where engines before this one have
// written theirs.
func readFeatures(t *testing.T) map[string][]string {
	t.Helper()
	b := readTestdata(t, featuresGolden)
	if *update {
		var err error
		if b, err = os.ReadFile(testdataPath(featuresGolden)); err != nil {
			t.Fatal(err)
		}
	}
	golden := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		if slices.ContainsFunc(features, func(f feature) bool { return f.name == cells[0] }) {
			golden[cells[0]] = cells[1:]
		}
	}
	return golden
}

func writeFeatures(t *testing.T, golden map[string][]string) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s |\n|---%s|\n", strings.Join(backends, " | "), strings.Repeat("|---", len(backends)))
	for _, feature := range features {
		fmt.Fprintf(&b, "| %s | %s |\n", feature.name, strings.Join(golden[feature.name], " | "))
	}
	writeTestdata(t, featuresGolden, []byte(b.String()))
}
