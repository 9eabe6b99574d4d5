package bench_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/bench"
)

// pageRun is a live allocation.
type pageRun struct{ start, n uint64 }

// tenants are the runs that are live in a memory that grows as needed.
type tenants struct {
	*testing.B
	a          bench.Allocator
	r          *rand.Rand
	live       []pageRun // of length 0 where there is room for another
	used, peak uint64    // pages

	maxRun       uint64 // pages
	maxLog2Align uint32
}

// come allocates a run of a random length, and reports whether there was room.
func (t *tenants) come() (run pageRun, ok bool) {
	n := 1 + t.r.Uint64N(t.maxRun)
	start, err := t.a.Alloc(n, uint8(t.r.Uint32N(t.maxLog2Align+1)))
	if errors.Is(err, linmem.ErrOutOfMemory) {
		return pageRun{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.used += n
	t.peak = max(t.peak, t.used)
	return pageRun{start, n}, true
}

// fill allocates until so many pages are used, or no more runs come.
func (t *tenants) fill(usedPages uint64) {
	for t.used < usedPages {
		run, ok := t.come()
		if !ok {
			break
		}
		t.live = append(t.live, run)
	}
}

// leave frees a run, if it is one.
func (t *tenants) leave(run pageRun) {
	if run.n == 0 {
		return
	}
	if err := t.a.Free(run.start, run.n); err != nil {
		t.Fatal(err)
	}
	t.used -= run.n
}

// spare makes room for more runs, since a turn only ever replaces one.
func (t *tenants) spare() { t.live = append(t.live, make([]pageRun, 4+len(t.live)/4)...) }

// turn has a random run leave, and another come in its place if fewer pages than that are used.
func (t *tenants) turn(usedPages uint64) {
	i := t.r.IntN(len(t.live))
	t.leave(t.live[i])
	t.live[i] = pageRun{}
	if t.used < usedPages {
		t.live[i], _ = t.come()
	}
}

// growingPages has runs, aligned to up to 1<<maxLog2Align pages, in a memory that grows as needed. It reports how many
// pages of memory there are for each that was in use at the peak, after 20 turns for each run: the mean of 32 such
// workloads, since one alone depends on its seed.
func growingPages(b *testing.B, k bench.Kind, usedPages, maxRun uint64, maxLog2Align uint32) {
	const seeds, pages = 32, 8192
	var t tenants
	perPage := 0.0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 2))
		a := openPages(b, k, pages)
		t = tenants{B: b, a: a, r: r, maxRun: maxRun, maxLog2Align: maxLog2Align}
		t.fill(usedPages)
		t.spare()
		for range 20 * len(t.live) {
			t.turn(usedPages)
		}
		perPage += float64(a.Memory.NumPages()) / float64(t.peak) / seeds
	}
	b.ReportAllocs()
	for b.Loop() {
		t.turn(usedPages)
	}
	b.ReportMetric(perPage, "memory/peak")
}
