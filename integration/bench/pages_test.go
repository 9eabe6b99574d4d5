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
	b.Run("Empty", eachPageAllocator(maxPages, pageEmpty))
	b.Run("50PercentFull", eachPageAllocator(maxPages, steadyPages(50, 64)))
	b.Run("75PercentFull", eachPageAllocator(maxPages, steadyPages(75, 1000)))
	b.Run("95PercentFull", eachPageAllocator(maxPages, steadyPages(95, 8)))
	b.Run("4096Pages", eachPageAllocator(4096, steadyPages(50, 1000)))
	b.Run("Growing", eachPageAllocator(8192, growingPages(1000, 200, 0)))
	b.Run("GrowingAligned", eachPageAllocator(8192, growingPages(1000, 200, 5)))
	b.Run("CombNeverFits", eachPageAllocator(maxPages, combNeverFits))
	b.Run("CombLastPairFits", eachPageAllocator(maxPages, combLastPairFits))
	b.Run("CombFirstPageFits", eachPageAllocator(maxPages, combFirstPageFits))
	b.Run("GuestWritesOnes", eachPageAllocator(maxPages, guestWritesOnes))
}

// eachPageAllocator returns a benchmark that runs a workload on each allocator. What it opens is an allocator on a memory of
// its own, which can grow to a number of pages.
func eachPageAllocator(pages uint64, run func(b *testing.B, open func() pageAllocator)) func(*testing.B) {
	return func(b *testing.B) {
		for _, a := range pageAllocators {
			b.Run("allocator="+a.name, func(b *testing.B) {
				b.ReportAllocs()
				run(b, func() pageAllocator { return a.open(b, newMemory(b, pages)) })
			})
		}
	}
}

// pageEmpty is the least that a pair of calls can cost.
func pageEmpty(b *testing.B, open func() pageAllocator) {
	a := open()
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
	a          pageAllocator
	r          *rand.Rand
	live       []pageRun // of length 0 where there is room for another
	used, peak uint64    // pages

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
	if err := t.a.free(run.start, run.n); err != nil {
		t.Fatal(err)
	}
	t.used -= run.n
}

// spare makes room for more runs, since a turn only ever replaces one.
func (t *tenants) spare() { t.live = append(t.live, make([]pageRun, 4+len(t.live)/4)...) }

// turn has a random run leave, and another come in its place if fewer pages than that are used. It reports whether it asked
// for one, and whether there was no room.
func (t *tenants) turn(usedPages uint64) (asked, refused bool) {
	i := t.r.IntN(len(t.live))
	t.leave(t.live[i])
	t.live[i] = pageRun{}
	if t.used >= usedPages {
		return false, false
	}
	run, ok := t.come()
	t.live[i] = run
	return true, !ok
}

// steadyPages returns a workload in a whole memory of which a share stays in use by runs of up to maxRun pages, all over
// it: in each turn, one leaves and another comes. It reports what share of the requests found no room, and what share of the
// memory was in use on average.
func steadyPages(percent, maxRun uint64) func(*testing.B, func() pageAllocator) {
	return func(b *testing.B, open func() pageAllocator) {
		t := tenants{B: b, a: open(), r: rand.New(rand.NewPCG(1, 2)), maxRun: maxRun}
		t.fill(maxPages)
		t.r.Shuffle(len(t.live), func(i, j int) { t.live[i], t.live[j] = t.live[j], t.live[i] })
		pages := t.a.memory().NumPages()
		usedPages := percent * pages / 100
		for ; t.used > usedPages; t.live = t.live[:len(t.live)-1] {
			t.leave(t.live[len(t.live)-1])
		}
		t.spare()
		asked, refused, used := 0, 0, uint64(0)
		for b.Loop() {
			a, r := t.turn(usedPages)
			if a {
				asked++
			}
			if r {
				refused++
			}
			used += t.used
		}
		b.ReportMetric(100*float64(refused)/float64(max(1, asked)), "%refused")
		b.ReportMetric(100*float64(used)/float64(b.N)/float64(pages), "%used")
	}
}

// growingPages returns a workload of runs, aligned to up to 1<<maxLog2Align pages, in a memory that grows as needed. It
// reports how many pages of memory there are for each that was in use at the peak, after 20 turns for each run: the mean of
// 32 such workloads, since one alone depends on its seed.
func growingPages(usedPages, maxRun uint64, maxLog2Align uint32) func(*testing.B, func() pageAllocator) {
	return func(b *testing.B, open func() pageAllocator) {
		const seeds = 32
		var t tenants
		perPage := 0.0
		for seed := range uint64(seeds) {
			r := rand.New(rand.NewPCG(seed, 2))
			t = tenants{B: b, a: open(), r: r, maxRun: maxRun, maxLog2Align: maxLog2Align}
			t.fill(usedPages)
			t.spare()
			for range 20 * len(t.live) {
				t.turn(usedPages)
			}
			perPage += float64(t.a.memory().NumPages()) / float64(t.peak) / seeds
		}
		for b.Loop() {
			t.turn(usedPages)
		}
		b.ReportMetric(perPage, "memory/peak")
	}
}

// guestWritesOnes has the guest fill what was freed, and so Zig's bitmap, with long runs of ones, and asks for a run that is
// longer.
func guestWritesOnes(b *testing.B, open func() pageAllocator) {
	const n = 10
	a := open()
	if _, err := a.alloc(2048, 0); err != nil {
		b.Fatal(err)
	}
	allocAndFreePages(b, a, n)
	view, err := a.memory().View((a.memory().NumPages()-n)*linmem.PageSize, n*linmem.PageSize)
	if err != nil {
		b.Fatal(err)
	}
	for i := range view {
		view[i] = 0xff
		if i%(maxPages/8) == 0 {
			view[i] = 0xfc // leaves 65,534 ones in a row
		}
	}
	for b.Loop() {
		if _, err := a.alloc(maxPages-1, 0); err == nil {
			b.Fatal("a run of all pages fits")
		}
	}
}

// comb fills the memory with runs of one page, and frees every second one, so that 2 pages fit nowhere. Zig's allocator
// then has its bitmap in page 2,049.
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
func combNeverFits(b *testing.B, open func() pageAllocator) {
	a := open()
	comb(b, a)
	for b.Loop() {
		if _, err := a.alloc(2, 0); err == nil {
			b.Fatal("2 pages fit")
		}
	}
}

// combLastPairFits is the worst case of a search that ends well.
func combLastPairFits(b *testing.B, open func() pageAllocator) {
	a := open()
	comb(b, a)
	if err := a.free(maxPages-2, 1); err != nil { // joins the last two free pages
		b.Fatal(err)
	}
	for b.Loop() {
		allocAndFreePages(b, a, 2)
	}
}

func combFirstPageFits(b *testing.B, open func() pageAllocator) {
	a := open()
	comb(b, a)
	for b.Loop() {
		allocAndFreePages(b, a, 1)
	}
}
