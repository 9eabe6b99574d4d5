package matrix

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
)

// The lines of the table of features, in its order.

// growthMoves grows a memory until it moves, or cannot grow any more.
func growthMoves(f *featureFixture) string {
	mem := f.open(linmemtest.Module(1, 65535)).Memory()
	place := func() *byte {
		view, err := mem.View(0, 1)
		f.must(err)
		return unsafe.SliceData(view)
	}
	before := place()
	for step := mem.NumPages(); step > 0; {
		if _, err := mem.Grow(step); err != nil {
			step /= 2
		} else if place() != before {
			return yes
		}
	}
	return "no"
}

// viewsWhilePinned is held by a case of its own: here is only that it works at all.
func viewsWhilePinned(f *featureFixture) string {
	mem := linmem.NewPinned(f.open(linmemtest.Module(1, 2)).Memory())
	f.must(mem.Pin())
	_, err := mem.View(0, 8)
	f.must(err)
	f.must(mem.Unpin())
	return yes
}

// viewsAnytime is held by a case of its own, too.
func viewsAnytime(f *featureFixture) string {
	if f.engine.ViewsAnytime {
		return yes
	}
	return none
}

func limitsGrowth(f *featureFixture) string {
	one, other := f.open(linmemtest.Module(1, 100)), f.open(linmemtest.Module(1, 100))
	l, ok := one.(guest.Limiter)
	if !ok {
		return none
	}
	switch err := l.LimitPages(4); {
	case errors.Is(err, linmem.ErrUnsupported):
		return none
	case err != nil:
		f.Fatal(err)
	}
	if _, err := one.Memory().Grow(4); !errors.Is(err, linmem.ErrOutOfMemory) {
		f.Errorf("Grow past the limit: %v, want ErrOutOfMemory", err)
	}
	if got := f.call(one, "grow", 4); got != 1<<32-1 {
		f.Errorf("the guest's growth past the limit returns %d, want -1", got)
	}
	_, err := other.Memory().Grow(90)
	f.must(err)
	f.must(l.LimitPages(0))
	if _, err := one.Memory().Grow(1); !errors.Is(err, linmem.ErrOutOfMemory) {
		f.Errorf("Grow of a frozen memory: %v, want ErrOutOfMemory", err)
	}
	return yes
}

func givesPagesBack(f *featureFixture) string {
	mem := f.open(linmemtest.Module(1, 100)).Memory()
	pages, err := linmem.NewPages(mem)
	f.must(err)
	r, err := pages.Alloc(50)
	f.must(err)
	view, err := mem.View(r.Addr(), r.Bytes())
	f.must(err)
	for i := range view {
		view[i] = 1
	}
	f.must(pages.Free(r))
	n, err := pages.Trim()
	if errors.Is(err, linmem.ErrUnsupported) {
		return none
	}
	f.must(err)
	if n != 50 {
		f.Errorf("Trim gave %d pages back, want 50", n)
	}
	view, err = mem.View(r.Addr(), r.Bytes())
	f.must(err)
	for i, b := range view {
		if b != 0 {
			f.Fatalf("byte %d of a discarded range is %d", i, b)
		}
	}
	return yes
}

// largestMemory has the guest store into the last byte. wazero's compiler has room for a page more, and traps then.
func largestMemory(f *featureFixture) string {
	if !f.engine.Lazy && testing.Short() {
		f.Log("-short leaves it out where it may be in a Go slice: the race detector takes four times its 4 GiB")
		return ""
	}
	for _, n := range []uint64{65536, 65535} {
		inst := f.openModule(linmemtest.Module(n, n))
		if inst == nil {
			continue
		}
		last := n*linmem.PageSize - 1
		if _, err := inst.Call(f.Context(), "store", last, 7); err != nil {
			f.Logf("%s: the guest has %d pages: %v", f.engine.Name, n, err)
			continue
		}
		if view, err := inst.Memory().View(last, 1); err != nil || view[0] != 7 {
			f.Errorf("the last byte is %v, %v", view, err)
		}
		if f.engine.Interprets {
			f.Logf("in the interpreter the guest can use %d pages; the table has what it can in the compiler", n)
			return ""
		}
		return fmt.Sprintf("%d,%03d", n/1000, n%1000)
	}
	return none
}

// several is an instance that exports more than one memory.
type several interface {
	// MemoryNamed returns the exported memory of that name.
	MemoryNamed(name string) (linmem.Memory, error)
}

// severalMemories has a heap in a memory of its own, beside the guest's.
func severalMemories(f *featureFixture) string {
	inst := f.openModule(guests.Several)
	if inst == nil {
		return none
	}
	mem, err := inst.(several).MemoryNamed("host")
	f.must(err)
	heap, err := linmem.NewHeap(mem, linmem.WithPageZero())
	f.must(err)
	data := slices.Repeat([]byte{1, 2, 3, 4}, 5000)
	own := inst.Memory().NumPages()
	addr, err := heap.Put(data)
	f.must(err)
	if got := f.call(inst, "grow_host", 1); got != mem.NumPages()-1 {
		f.Errorf("the guest finds %d pages in the host's memory, want %d", got, mem.NumPages()-1)
	}
	if got := f.call(inst, "grow", 0); got != own {
		f.Errorf("the guest's own memory has %d pages, want %d as before", got, own)
	}
	f.call(inst, "fetch", 0, addr, uint64(len(data)))
	if got := f.call(inst, "sum", 0, uint64(len(data))); got != 10*5000 {
		f.Errorf("the guest's sum is %d, want %d", got, 10*5000)
	}
	f.must(heap.Free(addr))
	f.must(heap.Check())
	return yes
}

// memory64 has a heap whose blocks lie behind 4 GiB.
func memory64(f *featureFixture) string {
	inst := f.openModule(guests.Large64)
	if inst == nil {
		return none
	}
	const behind = 1 << 32
	mem := inst.Memory()
	_, err := mem.Grow(behind / linmem.PageSize) // while there is little to be moved
	f.must(err)
	heap, err := linmem.NewHeap(mem)
	f.must(err)
	addr, err := heap.Put([]byte("behind it"))
	f.must(err)
	if addr < behind {
		f.Errorf("the block is at %#x, want it behind %#x", addr, uint64(behind))
	}
	if got, want := f.call(inst, "load", addr), uint64(0x6920646e69686562); got != want { // "behind i"
		f.Errorf("the guest loads %#x, want %#x", got, want)
	}
	f.call(inst, "store", addr+1, 'E')
	view, err := heap.View(addr, 9)
	f.must(err)
	if string(view) != "bEhind it" {
		f.Errorf("the host reads %q", view)
	}
	if d, ok := mem.(linmem.Discarder); ok {
		f.must(heap.Free(addr))
		f.must(d.Discard(behind, linmem.PageSize))
	}
	f.must(heap.Check())
	return yes
}

// sharedMemory has the host grow the memory while the guest runs in it, and tell it then. The guest looks for a limited time
// at once, since Go's collector has to wait for code that wazero has compiled.
func sharedMemory(f *featureFixture) string {
	inst := f.openModule(guests.Shared)
	if inst == nil {
		return none
	}
	const stop, looks = 16, 10_000
	var nCalls int
	told := make(chan error)
	go func() {
		for {
			results, err := inst.Call(context.Background(), "wait", stop, looks)
			nCalls++
			if err != nil || results[0] != 0 {
				told <- err
				return
			}
		}
	}()
	mem := inst.Memory()
	heap, err := linmem.NewHeap(mem)
	for i := 0; i < 200 && err == nil; i++ {
		_, err = heap.Put(slices.Repeat([]byte{byte(i)}, 30_000))
	}
	grown := mem.NumPages()
	f.must(err)
	word, err := mem.View(stop, 4)
	f.must(err)
	storeWord(word, 1)
	f.must(<-told)
	f.Logf("the guest has looked %d times %d times", nCalls, looks)
	if got := f.call(inst, "grow", 1); got != grown || grown < 90 {
		f.Errorf("the guest finds %d pages, the host has grown to %d, want both the same and 90 at least", got, grown)
	}
	return yes
}

// servesImports has a guest allocate from the host's heap.
func servesImports(f *featureFixture) string {
	inst := f.openModule(linmemtest.AllocatorModule(guest.CImports()))
	b, ok := inst.(engines.Binder)
	if !ok {
		return none
	}
	heap, err := linmem.NewHeap(inst.Memory())
	f.must(err)
	f.must(b.Bind(heap))
	addr := f.call(inst, "call_malloc", 100)
	if size, err := heap.SizeOf(addr); err != nil || size < 100 {
		f.Errorf("what the guest allocated is %d bytes, %v", size, err)
	}
	return yes
}

func closedOwner(f *featureFixture) string {
	inst, stop, err := f.engine.Open(f.Context(), linmemtest.Module(1, 10))
	f.must(err)
	heap, err := linmem.NewHeap(inst.Memory())
	f.must(err)
	addr, err := heap.Put([]byte("data"))
	f.must(err)
	stop()
	_, viewErr := heap.View(addr, 4)
	_, putErr := heap.Put([]byte("data"))
	_, callErr := inst.Call(context.Background(), "grow", 0)
	errs := map[string]error{"View": viewErr, "Put": putErr, "Call": callErr}
	if f.engine.GoGuest {
		delete(errs, "Call")
	}
	for _, what := range slices.Sorted(maps.Keys(errs)) {
		if !errors.Is(errs[what], linmem.ErrClosed) {
			f.Errorf("%s after close: %v, want ErrClosed", what, errs[what])
		}
	}
	return "`ErrClosed`"
}

// storeWord stores a word as an atomic instruction of a guest does.
func storeWord(word []byte, value uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(unsafe.SliceData(word))), value)
}
