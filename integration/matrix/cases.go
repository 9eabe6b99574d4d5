package matrix

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/guests"
)

var cases = []struct {
	name string
	run  func(*fixture)
}{
	{"trace", replaysTrace},
	{"host-writes-guest-reads", hostWritesGuestReads},
	{"guest-writes-host-reads", guestWritesHostReads},
	{"guest-grows-in-between", guestGrowsInBetween},
	{"to-the-maximum-and-back", toTheMaximumAndBack},
	{"frozen", frozen},
	{"after-a-trap", afterATrap},
	{"heap-trace", heapReplaysTrace},
	{"heap-put-call-free", heapPutCallFree},
	{"heap-traces", heapReplaysPrograms},
	{"heap-relay", heapRelay},
	{"heap-shared", heapShared},
	{"heap-refused", heapRefused},
	{"while-the-guest-runs", whileTheGuestRuns},
	{"while-the-guest-grows", whileTheGuestGrows},
	{"pool", reusesInstances},
}

// sizes are lengths of buffers at which something changes: nothing, a byte, around a page, many pages.
var sizes = []uint64{0, 1, 63, 4096, linmem.PageSize - 1, linmem.PageSize, linmem.PageSize + 1, 1 << 20}

func pagesFor(nBytes uint64) uint64 {
	return max(1, (nBytes+linmem.PageSize-1)/linmem.PageSize)
}

func hostWritesGuestReads(f *fixture) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range sizes {
		data := make([]byte, size)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		r := f.alloc(pagesFor(size))
		copy(f.view(r.Addr(), size), data)
		h := fnv.New64a()
		h.Write(data)
		if got, want := f.call("fnv1a", r.Addr(), size)[0], h.Sum64(); got != want {
			f.Errorf("the guest hashes %d bytes to %#x, the host to %#x", size, got, want)
		}
		if size%2 == 0 {
			f.free(r) // the others push the next one up
		}
	}
}

func guestWritesHostReads(f *fixture) {
	for i, size := range sizes {
		r := f.alloc(pagesFor(size))
		f.fill(r.Addr(), size, byte(i))
		want := slices.Clone(f.view(r.Addr(), size))
		slices.Reverse(want)
		f.call("reverse", r.Addr(), size)
		if !slices.Equal(f.view(r.Addr(), size), want) {
			f.Errorf("the host does not read %d bytes as the guest wrote them", size)
		}
	}
}

// guestGrowsInBetween holds that pages which the guest adds are never handed out, wherever they come.
func guestGrowsInBetween(f *fixture) {
	type block struct {
		linmem.Range
		seed byte
	}
	var blocks []block
	keep := func(r linmem.Range) {
		seed := byte(len(blocks) + 1)
		f.fill(r.Addr(), r.Bytes(), seed)
		blocks = append(blocks, block{r, seed})
	}
	guestGrows := func(n uint64) {
		r, ok := f.guestGrow(n)
		if !ok {
			f.Fatal("the guest cannot grow its memory")
		}
		keep(r)
	}
	guestGrows(3)
	keep(f.alloc(2))
	tail := f.alloc(5)
	f.free(tail) // free pages at the end, which the guest cuts off from it
	guestGrows(1)
	keep(f.alloc(7))
	keep(f.alloc(5))
	guestGrows(2)
	r := f.alloc(1)
	if r, err := f.pages.Resize(r, 4); err != nil {
		f.Error(err)
	} else {
		keep(r)
	}
	for i, a := range blocks {
		f.holds(a.Addr(), a.Bytes(), a.seed)
		for _, b := range blocks[:i] {
			if a.Start < b.End() && b.Start < a.End() {
				f.Errorf("%v and %v overlap", a.Range, b.Range)
			}
		}
	}
	if got, want := f.pages.Stats().Foreign, uint64(guests.BytesPages+3+1+2); got != want {
		f.Errorf("%d pages are foreign, want %d", got, want)
	}
}

func toTheMaximumAndBack(f *fixture) {
	var runs []linmem.Range
	for {
		r, err := f.pages.Alloc(uint64(len(runs))%5 + 1)
		if errors.Is(err, linmem.ErrOutOfMemory) {
			break
		}
		if err != nil {
			f.Fatal(err)
		}
		binary.LittleEndian.PutUint64(f.view(r.Addr(), 8), r.Addr())
		runs = append(runs, r)
	}
	for r, err := f.pages.Alloc(1); err == nil; r, err = f.pages.Alloc(1) {
		runs = append(runs, r)
		binary.LittleEndian.PutUint64(f.view(r.Addr(), 8), r.Addr())
	}
	if got := f.mem.NumPages(); got != guests.BytesMaxPages {
		f.Errorf("the memory has %d pages, and stopped growing short of %d", got, guests.BytesMaxPages)
	}
	for _, r := range runs {
		if got := binary.LittleEndian.Uint64(f.view(r.Addr(), 8)); got != r.Addr() {
			f.Errorf("the page at %#x was written over with %#x", r.Addr(), got)
		}
		f.free(r)
	}
	const all = guests.BytesMaxPages - guests.BytesPages
	if r := f.alloc(all); r.Start != guests.BytesPages {
		f.Errorf("all pages are %v, want them to start at %d", r, guests.BytesPages)
	}
}

// frozen holds that a frozen allocator hands out what was reserved, at addresses that views of before still show.
func frozen(f *fixture) {
	const n = 16
	if err := f.pages.Reserve(n); err != nil {
		f.Fatal(err)
	}
	f.pages.Freeze(true)
	size := f.mem.NumPages()
	start := linmem.Page(guests.BytesPages)
	before := f.view(start.Addr(), n*linmem.PageSize)
	for i := range byte(n) {
		r := f.alloc(1)
		f.fill(r.Addr(), r.Bytes(), i)
	}
	if _, err := f.pages.Alloc(1); !errors.Is(err, linmem.ErrOutOfMemory) {
		f.Errorf("Alloc while frozen: %v, want ErrOutOfMemory", err)
	}
	if got := f.mem.NumPages(); got != size {
		f.Errorf("the memory grew from %d to %d pages while frozen", size, got)
	}
	if !slices.Equal(before, f.view(start.Addr(), n*linmem.PageSize)) {
		f.Error("a view of before shows other bytes, though the memory did not grow")
	}
	f.pages.Freeze(false)
	f.alloc(1)
}

func afterATrap(f *fixture) {
	r := f.alloc(2)
	f.fill(r.Addr(), r.Bytes(), 0x5a)
	if _, err := f.inst.Call(context.Background(), "trap", 0, 0); err == nil {
		f.Fatal("the guest did not trap")
	}
	if _, err := f.inst.Call(context.Background(), "fnv1a", f.mem.NumPages()*linmem.PageSize-1, 2); err == nil {
		f.Error("the guest reads past the end of its memory")
	}
	f.holds(r.Addr(), r.Bytes(), 0x5a)
	f.free(r)
	if again := f.alloc(2); again != r {
		f.Errorf("the pages after a trap are %v, want %v", again, r)
	}
}
