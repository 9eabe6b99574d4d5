// Package bench_test compares page allocators with each other, and byte allocators, on the same work in the same run. The
// base line is Zig's, ported to the host by package zigref.
//
// Every benchmark ends in allocator=NAME, so benchstat can put them side by side:
//
//	go test -run '^$' -bench . -count 6 ./integration/bench | tee new.txt
//	benchstat -col /allocator new.txt
package bench_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"

	nativemem "github.com/linmem/linmem/backends/native"
)

// maxPages is a full 32-bit memory.
const maxPages = 1 << 16

// newMemory returns a native memory of one page, which can grow to max.
func newMemory(b *testing.B, max uint64) linmem.Memory {
	b.Helper()
	m, err := nativemem.New(1, max)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Close() })
	return m
}

// pageAllocator is what the workloads need of one. A run is named by the page at which it starts, and its length.
type pageAllocator interface {
	alloc(n uint64, log2Align uint8) (start uint64, err error) // of 1<<log2Align pages
	free(start, n uint64) error
	memory() linmem.Memory
}

var pageAllocators = []struct {
	name string
	open func(*testing.B, linmem.Memory) pageAllocator
}{
	{"zigref", func(_ *testing.B, m linmem.Memory) pageAllocator { return zigPages{zigref.NewPageAllocator(m), m} }},
	{"linmem", func(b *testing.B, m linmem.Memory) pageAllocator {
		b.Helper()
		p, err := linmem.NewPages(m)
		if err != nil {
			b.Fatal(err)
		}
		return hostPages{p, m}
	}},
}

type hostPages struct {
	*linmem.Pages
	m linmem.Memory
}

func (a hostPages) alloc(n uint64, log2Align uint8) (uint64, error) {
	r, err := a.AllocAligned(n, 1<<log2Align)
	return uint64(r.Start), err
}

func (a hostPages) free(start, n uint64) error {
	return a.Free(linmem.Range{Start: linmem.Page(start), Len: n})
}

func (a hostPages) memory() linmem.Memory { return a.m }

type zigPages struct {
	*zigref.PageAllocator
	m linmem.Memory
}

func (a zigPages) alloc(n uint64, log2Align uint8) (uint64, error) {
	const log2PageSize = 16
	addr, err := a.Alloc(n*linmem.PageSize, log2PageSize+log2Align)
	return addr / linmem.PageSize, err
}

func (a zigPages) free(start, n uint64) error {
	return a.Free(start*linmem.PageSize, n*linmem.PageSize)
}
func (a zigPages) memory() linmem.Memory { return a.m }

// pageRun is a live allocation.
type pageRun struct{ start, n uint64 }

func BenchmarkPages(b *testing.B) {
	b.Run("Empty", func(b *testing.B) { eachPageAllocator(b, pageEmpty) })
	b.Run("50PercentFull", func(b *testing.B) { eachPageAllocator(b, steadyPages(50, 64)) })
	b.Run("75PercentFull", func(b *testing.B) { eachPageAllocator(b, steadyPages(75, 1000)) })
	b.Run("95PercentFull", func(b *testing.B) { eachPageAllocator(b, steadyPages(95, 8)) })
	b.Run("Unaligned", func(b *testing.B) { eachPageAllocator(b, growingPages(8000, 64, 0)) })
	b.Run("LongRuns", func(b *testing.B) { eachPageAllocator(b, growingPages(4000, 1000, 0)) })
	b.Run("Aligned", func(b *testing.B) { eachPageAllocator(b, growingPages(8000, 64, 5)) })
	b.Run("CombNeverFits", func(b *testing.B) { eachPageAllocator(b, combNeverFits) })
	b.Run("CombLastPairFits", func(b *testing.B) { eachPageAllocator(b, combLastPairFits) })
	b.Run("CombFirstPageFits", func(b *testing.B) { eachPageAllocator(b, combFirstPageFits) })
}

func eachPageAllocator(b *testing.B, run func(*testing.B, pageAllocator)) {
	b.Helper()
	for _, a := range pageAllocators {
		b.Run("allocator="+a.name, func(b *testing.B) {
			b.ReportAllocs()
			run(b, a.open(b, newMemory(b, maxPages)))
		})
	}
}

// pageEmpty is the least that a pair of calls can cost.
func pageEmpty(b *testing.B, a pageAllocator) {
	allocAndFreePages(b, a, 1) // the memory grows
	for b.Loop() {
		allocAndFreePages(b, a, 1)
	}
}

func allocAndFreePages(b *testing.B, a pageAllocator, n uint64) {
	start, err := a.alloc(n, 0)
	if err == nil {
		err = a.free(start, n)
	}
	if err != nil {
		b.Fatal(err)
	}
}

// tenants are the runs that are live in a workload.
type tenants struct {
	*testing.B
	a    pageAllocator
	r    *rand.Rand
	live []pageRun
	used uint64 // pages

	maxRun       uint64 // pages
	maxLog2Align uint32
}

// come allocates a run of a random length, and reports whether there was room.
func (t *tenants) come() (run pageRun, ok bool) {
	n := 1 + t.r.Uint64N(t.maxRun)
	start, err := t.a.alloc(n, uint8(t.r.Uint32N(t.maxLog2Align+1)))
	if errors.Is(err, linmem.ErrOutOfMemory) {
		return pageRun{}, false
	}
	if err != nil {
		t.Fatal(err)
	}
	t.used += n
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

// leave frees a run; the place of one that found no room has none.
func (t *tenants) leave(run pageRun) {
	if run.n == 0 {
		return
	}
	if err := t.a.free(run.start, run.n); err != nil {
		t.Fatal(err)
	}
	t.used -= run.n
}

// turn has a random run leave and another come in its place, if fewer pages than that are used. It returns how many runs
// found no room.
func (t *tenants) turn(usedPages uint64) (refused int) {
	i := t.r.IntN(len(t.live))
	t.leave(t.live[i])
	run, ok := pageRun{}, true
	if t.used < usedPages {
		run, ok = t.come()
	}
	t.live[i] = run
	if !ok {
		return 1
	}
	return 0
}

// steadyPages returns a workload in a whole memory of which a share stays in use by runs of up to maxRun pages, all over
// it: in each turn, one leaves and another comes. It reports how many found no room.
func steadyPages(percent, maxRun uint64) func(*testing.B, pageAllocator) {
	return func(b *testing.B, a pageAllocator) {
		t := tenants{B: b, a: a, r: rand.New(rand.NewPCG(1, 2)), maxRun: maxRun}
		t.fill(maxPages)
		t.r.Shuffle(len(t.live), func(i, j int) { t.live[i], t.live[j] = t.live[j], t.live[i] })
		usedPages := percent * (maxPages - 1) / 100
		for ; t.used > usedPages; t.live = t.live[:len(t.live)-1] {
			t.leave(t.live[len(t.live)-1])
		}
		refused := 0
		for b.Loop() {
			refused += t.turn(usedPages)
		}
		b.ReportMetric(100*float64(refused)/float64(b.N), "%refused")
	}
}

// growingPages returns a workload of aligned runs in a memory that grows as needed. It reports how many pages of memory
// there are for each page in use, after ten turns for each run.
func growingPages(usedPages, maxRun uint64, maxLog2Align uint32) func(*testing.B, pageAllocator) {
	return func(b *testing.B, a pageAllocator) {
		t := tenants{B: b, a: a, r: rand.New(rand.NewPCG(1, 2)), maxRun: maxRun, maxLog2Align: maxLog2Align}
		t.fill(usedPages)
		for range 10 * len(t.live) {
			t.turn(usedPages)
		}
		perPage := float64(a.memory().NumPages()) / float64(usedPages)
		for b.Loop() {
			t.turn(usedPages)
		}
		b.ReportMetric(perPage, "memory/live")
	}
}

// comb fills the memory with runs of one page, and frees every second one, so that 2 pages fit nowhere.
func comb(b *testing.B, a pageAllocator) {
	b.Helper()
	for range maxPages - 1 {
		if _, err := a.alloc(1, 0); err != nil {
			b.Fatal(err)
		}
	}
	for page := uint64(1); page < maxPages; page += 2 {
		if err := a.free(page, 1); err != nil {
			b.Fatal(err)
		}
	}
}

// combNeverFits is the worst case of a search.
func combNeverFits(b *testing.B, a pageAllocator) {
	comb(b, a)
	for b.Loop() {
		if _, err := a.alloc(2, 0); err == nil {
			b.Fatal("2 pages fit")
		}
	}
}

// combLastPairFits is the worst case of a search that ends well.
func combLastPairFits(b *testing.B, a pageAllocator) {
	comb(b, a)
	if err := a.free(maxPages-4, 1); err != nil { // Zig's may have stolen one of the last two
		b.Fatal(err)
	}
	for b.Loop() {
		allocAndFreePages(b, a, 2)
	}
}

func combFirstPageFits(b *testing.B, a pageAllocator) {
	comb(b, a)
	for b.Loop() {
		allocAndFreePages(b, a, 1)
	}
}
