package linmem_test

import (
	"bytes"
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// heapIn returns a heap over a memory of one page that can grow to a number of pages.
func heapIn(tb testing.TB, limit uint64, opts ...linmem.Option) (*linmem.Heap, *bytesMemory) {
	tb.Helper()
	mem := newBytesMemory(1, limit, nil)
	h, err := linmem.NewHeap(mem, opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return h, mem
}

// taken allocates, and fails the test if that fails.
func taken(tb testing.TB, h *linmem.Heap, size uint64) (addr uint64) {
	tb.Helper()
	addr, err := h.Alloc(size)
	if err != nil {
		tb.Fatalf("Alloc(%d): %v", size, err)
	}
	return addr
}

// sound fails the test if Check finds something.
func sound(tb testing.TB, h *linmem.Heap) {
	tb.Helper()
	if err := h.Check(); err != nil {
		tb.Error(err)
	}
}

func TestNewHeap(t *testing.T) {
	mem := linmemtest.NewMemory(1, 10)
	pages, err := linmem.NewPages(mem)
	must(t, err)
	tests := []struct {
		name string
		mem  linmem.Memory
		opts []linmem.Option
		err  error
	}{
		{"Plain", mem, nil, nil},
		{"NilOption", mem, with(nil), nil},
		{"OnPages", mem, with(linmem.WithPages(pages)), nil},
		{"NilMemory", nil, nil, linmem.ErrInvalid},
		{"NilMemoryOnPages", nil, with(linmem.WithPages(pages)), linmem.ErrInvalid},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := linmem.NewHeap(tt.mem, tt.opts...)
			if class(err) != tt.err || (h == nil) != (err != nil) {
				t.Fatalf("returned %v, %v, want the error %v", h, err, tt.err)
			}
			if h == nil {
				return
			}
			if stats := h.Stats(); stats.Committed != 0 || stats.Allocs != 0 {
				t.Errorf("has %+v before it is asked for anything", stats)
			}
			if own := h.Pages() != pages; own != (tt.opts == nil || tt.opts[0] == nil) {
				t.Errorf("has its own Pages: %v", own)
			}
			taken(t, h, 1)
			sound(t, h)
		})
	}
}

// A heap that is given its Pages takes the options of these.
func TestHeapOnPagesHasTheirOptions(t *testing.T) {
	mem := newBytesMemory(1, 100, nil)
	pages, err := linmem.NewPages(mem, linmem.WithMaxPages(2))
	must(t, err)
	h, err := linmem.NewHeap(mem, linmem.WithPages(pages), linmem.WithMaxPages(50))
	must(t, err)
	if _, err := h.Alloc(3 * linmem.PageSize); class(err) != linmem.ErrOutOfMemory {
		t.Errorf("three pages of a budget of two: %v", err)
	}
	taken(t, h, 2*linmem.PageSize)
}

// sampledSizes returns all sizes below 4 KiB, and from there on those near to what may separate classes, and some between.
func sampledSizes(tb testing.TB) (all []uint64) {
	tb.Helper()
	for size := range uint64(4096) {
		all = append(all, size)
	}
	step := uint64(97)
	if testing.Short() {
		step = 997
	}
	for size := uint64(4096); size <= 2<<20; size += size/512 + step {
		all = append(all, size)
	}
	for power := uint64(4096); power <= 1<<20; power *= 2 {
		for eighths := uint64(8); eighths < 16; eighths++ {
			border := power / 8 * eighths
			all = append(all, border-1, border, border+1, border+1023, border+1024, border+1025)
		}
	}
	return append(all, 1<<20-1, 1<<20, 1<<20+1, 1<<20+1024, 1<<20+1025)
}

// What is usable beyond what was asked for is little.
func TestHeapWaste(t *testing.T) {
	h, _ := heapIn(t, 80)
	for _, size := range sampledSizes(t) {
		addr := taken(t, h, size)
		usable, err := h.SizeOf(addr)
		least, most := usableSize(size)
		if err != nil || usable < least || usable > most {
			t.Fatalf("%d bytes have %d usable, %v, want %d to %d", size, usable, err, least, most)
		}
		if align := defaultAlign(size); addr%align != 0 || addr == 0 {
			t.Fatalf("%d bytes are at %#x, want a multiple of %d", size, addr, align)
		}
		must(t, h.Free(addr))
	}
	sound(t, h)
}

func TestHeapAllocAligned(t *testing.T) {
	h, mem := heapIn(t, 70)
	must(t, h.Pages().Reserve(30))
	guest := taken(t, h, 1) // so that not all is free
	for shift := range 22 {
		align := uint64(1) << shift
		for _, size := range []uint64{0, 1, 15, 16, 17, 100, 1000, 1024, 1025, 40000, 65536, 65537, 200_000} {
			addr, err := h.AllocAligned(size, align)
			if err != nil {
				t.Fatalf("%d bytes aligned to %d: %v", size, align, err)
			}
			if addr%align != 0 || addr == 0 {
				t.Errorf("%d bytes aligned to %d are at %#x", size, align, addr)
			}
			if usable, err := h.SizeOf(addr); err != nil || usable < max(size, 1) {
				t.Errorf("%d bytes aligned to %d have %d usable, %v", size, align, usable, err)
			}
			sound(t, h)
			must(t, h.Free(addr))
		}
	}
	if addr, err := h.SizeOf(guest); err != nil {
		t.Errorf("%#x, %v", addr, err)
	}
	if mem.size > 70 {
		t.Errorf("grew to %d pages", mem.size)
	}
}

func TestHeapAllocAlignedErrors(t *testing.T) {
	h, _ := heapIn(t, 10)
	tests := []struct {
		name        string
		size, align uint64
		err         error
	}{
		{"Zero", 16, 0, linmem.ErrInvalid},
		{"Three", 16, 3, linmem.ErrInvalid},
		{"NoPowerOfTwo", 16, 1<<20 + 1, linmem.ErrInvalid},
		{"AllBits", 16, math.MaxUint64, linmem.ErrInvalid},
		{"ZeroOfNothing", 0, 0, linmem.ErrInvalid},
		{"ThreeOfMuch", math.MaxUint64, 3, linmem.ErrInvalid},
		{"MoreThanTheMemory", 16, 1 << 20, linmem.ErrOutOfMemory},
		{"HalfTheSpace", 16, 1 << 63, linmem.ErrOutOfMemory},
		{"HalfTheSpaceOfNothing", 0, 1 << 63, linmem.ErrOutOfMemory},
		{"MuchAligned", math.MaxUint64, 1 << 63, linmem.ErrOutOfMemory},
		{"MuchOfOne", math.MaxUint64, 1, linmem.ErrOutOfMemory},
		{"MuchOfPage", math.MaxUint64 - 65534, 65536, linmem.ErrOutOfMemory},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if addr, err := h.AllocAligned(tt.size, tt.align); class(err) != tt.err || addr != 0 {
				t.Errorf("returned %#x, %v, want the error %v", addr, err, tt.err)
			}
			sound(t, h)
		})
	}
	taken(t, h, 9*linmem.PageSize)
}

func TestHeapAllocThatCannotBe(t *testing.T) {
	for _, size := range append([]uint64{10*linmem.PageSize + 1, 1 << 40}, oddByteSizes[1:]...) {
		h, _ := heapIn(t, 11)
		kept := taken(t, h, 100)
		if addr, err := h.Alloc(size); class(err) != linmem.ErrOutOfMemory || addr != 0 {
			t.Errorf("%d bytes: %#x, %v", size, addr, err)
		}
		if err := h.Reserve(size); class(err) != linmem.ErrOutOfMemory {
			t.Errorf("reserve %d bytes: %v", size, err)
		}
		if addr, err := h.Realloc(kept, size); class(err) != linmem.ErrOutOfMemory {
			t.Errorf("realloc to %d bytes: %#x, %v", size, addr, err)
		}
		if err := h.Resize(kept, size); class(err) != linmem.ErrOutOfMemory {
			t.Errorf("resize to %d bytes: %v", size, err)
		}
		if _, err := h.SizeOf(kept); err != nil {
			t.Error(err)
		}
		sound(t, h)
		taken(t, h, 9*linmem.PageSize)
	}
}

// Allocations of no bytes are allocations.
func TestHeapAllocOfNothing(t *testing.T) {
	h, _ := heapIn(t, 10)
	seen := map[uint64]bool{}
	for range 1000 {
		addr := taken(t, h, 0)
		if seen[addr] || addr == 0 {
			t.Fatalf("%#x again", addr)
		}
		seen[addr] = true
	}
	if n := h.Stats().Allocs; n != 1000 {
		t.Errorf("counts %d allocations", n)
	}
	for addr := range seen {
		must(t, h.Free(addr))
	}
	sound(t, h)
}

func TestHeapPut(t *testing.T) {
	h, mem := heapIn(t, 40)
	mem.moving()
	for _, n := range []uint64{0, 1, 15, 16, 17, 1000, 65535, 65536, 65537, 300_000} {
		data := patterned(n)
		addr, err := h.Put(data)
		must(t, err)
		view, err := h.View(addr, n)
		must(t, err)
		if !bytes.Equal(view, data) {
			t.Errorf("%d bytes are not what was put", n)
		}
		if addr%defaultAlign(n) != 0 {
			t.Errorf("%d bytes were put to %#x", n, addr)
		}
	}
	if addr, err := h.Put(nil); err != nil || addr == 0 {
		t.Errorf("put nothing to %#x, %v", addr, err)
	}
	if addr, err := h.Put(make([]byte, 40*linmem.PageSize)); class(err) != linmem.ErrOutOfMemory || addr != 0 {
		t.Errorf("put more than there is to %#x, %v", addr, err)
	}
	sound(t, h)
}

// Memory that nobody can look at has no place for data, and what could not be put takes none.
func TestHeapPutWithoutView(t *testing.T) {
	mem := &blindMemory{newBytesMemory(1, 10, nil), linmem.ErrUnsupported}
	h, err := linmem.NewHeap(mem)
	must(t, err)
	for _, fault := range []error{linmem.ErrUnsupported, linmem.ErrClosed} {
		mem.fault = fault
		if addr, err := h.Put([]byte("data")); class(err) != fault || addr != 0 {
			t.Errorf("returned %#x, %v, want the error %v", addr, err, fault)
		}
		if n := h.Stats().Allocs; n != 0 {
			t.Errorf("%d allocations are left", n)
		}
	}
	sound(t, h)
}

// blindMemory fails to show its bytes.
type blindMemory struct {
	*bytesMemory
	fault error
}

func (m *blindMemory) View(addr, n uint64) ([]byte, error) {
	return nil, &linmem.Error{Op: "View", Addr: addr, Size: n, Err: m.fault}
}

func TestHeapReserve(t *testing.T) {
	for _, n := range []uint64{1, 100, 65535, 65536, 65537, 700_000} {
		for _, used := range []uint64{0, 1, 70_000} {
			h, mem := heapIn(t, 40)
			if used > 0 {
				taken(t, h, used)
			}
			must(t, h.Reserve(n))
			h.Pages().Freeze(true)
			size := mem.size
			taken(t, h, n)
			if mem.size != size {
				t.Errorf("the memory grew for what was reserved")
			}
			sound(t, h)
		}
	}
}

func TestHeapOfAClosedMemory(t *testing.T) {
	h, mem := heapIn(t, 10)
	taken(t, h, 100)
	mem.closed = true
	if addr, err := h.Alloc(2 * linmem.PageSize); class(err) != linmem.ErrClosed || addr != 0 {
		t.Errorf("Alloc returned %#x, %v", addr, err)
	}
	if err := h.Check(); class(err) != linmem.ErrClosed {
		t.Errorf("Check returned %v", err)
	}
}
