package matrix

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/traces"
)

// fewPages is the peak of the traces that short runs replay: memory that is copied at each growth is copied seldom then.
const fewPages = 30

// heapReplaysPrograms holds that a heap serves what real programs asked of malloc, with every block's bytes its own. The
// largest, clang, takes 163 of the memory's 256 pages.
func heapReplaysPrograms(f *fixture) {
	short := f.engine.Slow || testing.Short()
	if short {
		f.Logf("only the traces of %d pages at most: the engine is slow, or -short says so", fewPages)
	}
	replayed := 0
	for _, name := range traces.Names() {
		trace, err := traces.Load(name)
		if err != nil {
			f.Fatal(err)
		}
		peak := trace.Stats().PeakPages()
		if short && peak > fewPages {
			f.Logf("%s is left out, with a peak of %d pages", name, peak)
			continue
		}
		replayed++
		f.Run(name, func(t *testing.T) {
			f := open(t, f.engine)
			heap, err := linmem.NewHeap(f.mem)
			if err != nil {
				t.Fatal(err)
			}
			if err := trace.Check(heap); err != nil {
				t.Error(err)
			}
			if err := heap.Check(); err != nil {
				t.Error(err)
			}
			if n := heap.Stats().Allocs; n != 0 {
				t.Errorf("%d allocations are left", n)
			}
			t.Logf("%d operations, peak of %d pages asked for, memory of %d", len(trace.Ops), peak, f.mem.NumPages())
		})
	}
	if replayed < 4 {
		f.Errorf("only %d traces were replayed", replayed)
	}
}
