package guest_test

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
)

// served is a heap, and functions by the names that C gives them, of imports that go by these names.
type served struct {
	t         *testing.T
	functions map[string]*guest.HostFunction
	heap      guest.Heap
}

// serve returns the functions of C with a heap of that many pages.
func serve(t *testing.T, imports guest.Imports, maxPages uint64) *served {
	t.Helper()
	functions, err := guest.HostFunctions(imports)
	if err != nil {
		t.Fatal(err)
	}
	heap, err := linmem.NewHeap(linmemtest.NewMemory(1, 1+maxPages))
	if err != nil {
		t.Fatal(err)
	}
	s := &served{t: t, functions: map[string]*guest.HostFunction{}, heap: heap}
	for _, f := range functions {
		s.functions[f.Name] = f
	}
	return s
}

func (s *served) try(name string, a, b uint64) (uint64, error) {
	s.t.Helper()
	f := s.functions[name]
	if f == nil {
		s.t.Fatalf("no function %s", name)
	}
	return f.Call(s.heap, [2]uint64{a, b})
}

// call is try of what must not fail.
func (s *served) call(name string, a, b uint64) uint64 {
	s.t.Helper()
	result, err := s.try(name, a, b)
	if err != nil {
		s.t.Fatalf("%s(%#x, %#x): %v", name, a, b, err)
	}
	return result
}

func (s *served) view(addr, n uint64) []byte {
	s.t.Helper()
	view, err := s.heap.View(addr, n)
	if err != nil {
		s.t.Fatal(err)
	}
	return view
}

// noNull are the imports of C with the other answer to what cannot be had.
func noNull() guest.Imports {
	i := guest.CImports()
	i.NoNull = true
	return i
}

func is64() guest.Imports {
	i := guest.CImports()
	i.Is64 = true
	return i
}

func TestHostFunctionsSignatures(t *testing.T) {
	for _, tt := range []struct {
		what    string
		imports []guest.Imports
		want    []string
	}{
		{"no imports", nil, []string{
			"env.malloc [i32] [i32]", "env.calloc [i32 i32] [i32]", "env.realloc [i32 i32] [i32]", "env.free [i32] []",
			"env.aligned_alloc [i32 i32] [i32]",
			"env.ext_allocator_malloc_version_1 [i32] [i32]", "env.ext_allocator_free_version_1 [i32] []",
		}},
		{"names of one's own", []guest.Imports{{Module: "host", Malloc: "new", Free: "delete"}}, []string{
			"host.new [i32] [i32]", "host.delete [i32] []",
		}},
		{"64 bits", []guest.Imports{is64()}, []string{
			"env.malloc [i64] [i64]", "env.calloc [i64 i64] [i64]", "env.realloc [i64 i64] [i64]", "env.free [i64] []",
			"env.aligned_alloc [i64 i64] [i64]",
		}},
		{"one name of two modules", []guest.Imports{{Module: "a", Malloc: "malloc"}, {Module: "b", Malloc: "malloc"}}, []string{
			"a.malloc [i32] [i32]", "b.malloc [i32] [i32]",
		}},
	} {
		functions, err := guest.HostFunctions(tt.imports...)
		if err != nil {
			t.Errorf("%s: %v", tt.what, err)
			continue
		}
		var got []string
		for _, f := range functions {
			got = append(got, f.Module+"."+f.Name+" "+types(f.Params)+" "+types(f.Results))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.what, got, tt.want)
		}
	}
}

func types(types []guest.ValueType) string {
	var names []string
	for _, t := range types {
		names = append(names, t.String())
	}
	return "[" + strings.Join(names, " ") + "]"
}

func TestHostFunctionsRefuses(t *testing.T) {
	for what, imports := range map[string][]guest.Imports{
		"no names":                 {{Module: "env"}},
		"the same twice":           {guest.CImports(), guest.CImports()},
		"a name for two functions": {{Module: "env", Malloc: "alloc", Calloc: "alloc"}},
	} {
		if _, err := guest.HostFunctions(imports...); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
}

func TestServeAlignment(t *testing.T) {
	s := serve(t, guest.CImports(), 64)
	for _, size := range []uint64{0, 1, 8, 12, 15, 16, 17, 24, 100, 5000, 100000} {
		for what, addr := range map[string]uint64{
			"malloc":           s.call("malloc", size, 0),
			"calloc":           s.call("calloc", 1, size),
			"realloc":          s.call("realloc", 0, size),
			"aligned_alloc":    s.call("aligned_alloc", 1, size),
			"a larger realloc": s.call("realloc", s.call("malloc", 3, 0), size),
		} {
			if addr == 0 || addr%16 != 0 {
				t.Errorf("%s of %d bytes is at %#x, no multiple of 16", what, size, addr)
			}
		}
		for _, align := range []uint64{16, 64, 4096, 1 << 17} {
			if addr := s.call("aligned_alloc", align, size); addr == 0 || addr%align != 0 {
				t.Errorf("aligned_alloc(%d, %d) is at %#x", align, size, addr)
			}
		}
	}
}

func TestServeCalloc(t *testing.T) {
	s := serve(t, guest.CImports(), 8)
	for _, size := range []uint64{0, 1, 40, 1000, 70000} {
		dirty := s.call("malloc", 4*size, 0)
		for i := range s.view(dirty, 4*size) {
			s.view(dirty, 4*size)[i] = 0xff
		}
		s.call("free", dirty, 0)
		addr := s.call("calloc", 4, size)
		if addr != dirty {
			t.Fatalf("calloc(4, %d) is at %#x, and not where bytes are left, at %#x", size, addr, dirty)
		}
		if !bytes.Equal(s.view(addr, 4*size), make([]byte, 4*size)) {
			t.Errorf("calloc(4, %d) leaves bytes", size)
		}
		s.call("free", addr, 0)
	}
}

func TestServeRealloc(t *testing.T) {
	s := serve(t, guest.CImports(), 8)
	addr := s.call("malloc", 20, 0)
	text := "what a block has had"
	copy(s.view(addr, 20), text)
	s.call("malloc", 20, 0)
	for _, size := range []uint64{21, 1000, 100000, 500, 20} {
		moved := s.call("realloc", addr, size)
		if got := string(s.view(moved, 20)); got != text {
			t.Errorf("realloc to %d bytes, from %#x to %#x, has %q", size, addr, moved, got)
		}
		addr = moved
	}
	addr = s.call("realloc", s.call("realloc", addr, 100000), 0)
	if got := string(s.view(addr, 16)); got != text[:16] {
		t.Errorf("realloc to 0 bytes has %q", got)
	}
	if _, err := s.heap.View(addr, 33); !errors.Is(err, linmem.ErrOutOfBounds) {
		t.Errorf("realloc to 0 bytes leaves more than 32: %v", err)
	}
	s.call("free", addr, 0)
}

// TestServeNone holds what there is no memory for to a result of 0, or to a trap, and the heap to what it was.
func TestServeNone(t *testing.T) {
	for _, tt := range []struct {
		what    string
		imports guest.Imports
		name    string
		a, b    uint64
	}{
		{"more than there is", guest.CImports(), "malloc", 1 << 20, 0},
		{"the largest size", guest.CImports(), "malloc", math.MaxUint32, 0},
		{"a size that rounds up to 4 GiB", guest.CImports(), "malloc", math.MaxUint32 - 14, 0},
		{"the largest size of 64 bits", is64(), "malloc", math.MaxUint64, 0},
		{"a size that rounds up to 2^64", is64(), "malloc", math.MaxUint64 - 14, 0},
		{"two that are more than there is", guest.CImports(), "calloc", 2, 1 << 19},
		{"a product of 2^32", guest.CImports(), "calloc", 1 << 16, 1 << 16},
		{"a product of 2^64 - 2^33 + 1", guest.CImports(), "calloc", math.MaxUint32, math.MaxUint32},
		{"a product of 2^64", is64(), "calloc", 1 << 32, 1 << 32},
		{"realloc of 0, more than there is", guest.CImports(), "realloc", 0, 1 << 20},
		{"aligned, more than there is", guest.CImports(), "aligned_alloc", 64, 1 << 20},
		{"the largest size, aligned", guest.CImports(), "aligned_alloc", 32, math.MaxUint32},
		{"the largest size of 64 bits, aligned", is64(), "aligned_alloc", 32, math.MaxUint64},
		{"an alignment that the memory has not", guest.CImports(), "aligned_alloc", 1 << 31, 8},
		{"the largest alignment of 64 bits", is64(), "aligned_alloc", 1 << 63, 8},
		{"an alignment of 0", guest.CImports(), "aligned_alloc", 0, 8},
		{"an alignment that is no power of two", guest.CImports(), "aligned_alloc", 24, 48},
	} {
		s := serve(t, tt.imports, 4)
		kept := s.call("malloc", 100, 0)
		before := s.heap.(*linmem.Heap).Stats().Allocs
		if got := s.call(tt.name, tt.a, tt.b); got != 0 {
			t.Errorf("%s: %s(%#x, %#x) = %#x, want 0", tt.what, tt.name, tt.a, tt.b, got)
		}
		tt.imports.NoNull = true
		if got, err := serve(t, tt.imports, 4).try(tt.name, tt.a, tt.b); got != 0 || err == nil {
			t.Errorf("%s, where 0 is none: %s(%#x, %#x) = %#x, %v, want an error", tt.what, tt.name, tt.a, tt.b, got, err)
		}
		if after := s.heap.(*linmem.Heap).Stats().Allocs; after != before {
			t.Errorf("%s: %d allocations, %d before", tt.what, after, before)
		}
		s.call("free", kept, 0)
	}
}

// TestServeReallocNone holds that a block stays as it was where it cannot become larger.
func TestServeReallocNone(t *testing.T) {
	s := serve(t, guest.CImports(), 4)
	addr := s.call("malloc", 100, 0)
	copy(s.view(addr, 4), "kept")
	if got := s.call("realloc", addr, 1<<20); got != 0 {
		t.Errorf("realloc to more than there is = %#x, want 0", got)
	}
	if got := string(s.view(addr, 4)); got != "kept" {
		t.Errorf("the block has %q", got)
	}
	s.call("free", addr, 0)
}

func TestServeTraps(t *testing.T) {
	for _, tt := range []struct {
		what    string
		imports guest.Imports
		name    string
		offset  uint64 // of the address, in a live block
		b       uint64
		want    error
		text    string
	}{
		{"free inside a block", guest.CImports(), "free", 16, 0, linmem.ErrNotAllocated, "env.free at 0x10010: not a live allocation"},
		{"free outside of the heap", guest.CImports(), "free", 1 << 20, 0, linmem.ErrNotAllocated, "env.free at 0x110000: "},
		{"free in the guest's page", guest.CImports(), "free", math.MaxUint64 - 7, 0, linmem.ErrNotAllocated, "env.free at 0xfff8: "},
		{"realloc inside a block", guest.CImports(), "realloc", 16, 50, linmem.ErrNotAllocated, "env.realloc of 50 bytes at 0x10010: "},
		{"realloc to 0 inside a block", guest.CImports(), "realloc", 16, 0, linmem.ErrNotAllocated, "env.realloc of 16 bytes at 0x10010: "},
		{"free of 0, where 0 is none", noNull(), "free", math.MaxUint64 - 1<<16 + 1, 0, linmem.ErrNotAllocated, "the address is 0"},
	} {
		s := serve(t, tt.imports, 4)
		block := s.call("malloc", 100, 0)
		_, err := s.try(tt.name, block+tt.offset, tt.b)
		var e *linmem.Error
		if !errors.As(err, &e) || !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.text) {
			t.Errorf("%s: %v, want %q", tt.what, err, tt.text)
		}
		s.call("free", block, 0)
		if _, err := s.try("free", block, 0); !errors.Is(err, linmem.ErrNotAllocated) {
			t.Errorf("%s, and then the block twice: %v, want ErrNotAllocated", tt.what, err)
		}
	}
}

func TestServeFreeOf0(t *testing.T) {
	if got := serve(t, guest.CImports(), 4).call("free", 0, 0); got != 0 {
		t.Errorf("free(0) = %d", got)
	}
}

// TestServeUpperHalf holds that what is in the upper half of an i32 makes no difference.
func TestServeUpperHalf(t *testing.T) {
	const junk = 0xdead << 32
	s := serve(t, guest.CImports(), 4)
	addr := s.call("malloc", junk|100, 0)
	addr = s.call("realloc", junk|addr, junk|50000)
	s.call("free", junk|addr, 0)
	if got := s.heap.(*linmem.Heap).Stats().Allocs; got != 0 {
		t.Errorf("%d allocations are left", got)
	}
}

func TestServeUnbound(t *testing.T) {
	s := serve(t, guest.CImports(), 4)
	s.heap = nil
	for name := range s.functions {
		_, err := s.try(name, 8, 8)
		if !errors.Is(err, linmem.ErrInvalid) || !strings.Contains(err.Error(), "env."+name+": ") || !strings.Contains(err.Error(), "Bind") {
			t.Errorf("%s without a heap: %v", name, err)
		}
	}
}

// far is a heap as that of a large memory, whose addresses begin at 4 GiB minus 64 KiB.
type far struct{ *linmem.Heap }

const farther = 1<<32 - 2*linmem.PageSize

func (f far) Alloc(size uint64) (uint64, error) {
	addr, err := f.Heap.Alloc(size)
	return addr + farther, err
}

func (f far) AllocAligned(size, align uint64) (uint64, error) {
	addr, err := f.Heap.AllocAligned(size, align)
	return addr + farther, err
}

func (f far) Realloc(addr, size uint64) (uint64, error) {
	addr, err := f.Heap.Realloc(addr-farther, size)
	return addr + farther, err
}

func (f far) Free(addr uint64) error { return f.Heap.Free(addr - farther) }

func (f far) View(addr, n uint64) ([]byte, error) { return f.Heap.View(addr-farther, n) }

// TestServePast4GiB holds that a guest of 32 bits gets nothing there, nor what ends there, and one of 64 bits does.
func TestServePast4GiB(t *testing.T) {
	const below, past = 1 << 32, 1<<32 + 1 // where blocks end
	for _, tt := range []struct {
		name string
		a, b uint64
		end  uint64
	}{
		{"malloc", linmem.PageSize, 0, below},
		{"malloc", linmem.PageSize + 1, 0, past},
		{"calloc", 2, linmem.PageSize / 2, below},
		{"calloc", 3, linmem.PageSize, past},
		{"realloc", 0, linmem.PageSize, below},
		{"realloc", 0, linmem.PageSize + 1, past},
		{"aligned_alloc", linmem.PageSize, linmem.PageSize, below},
		{"aligned_alloc", linmem.PageSize, linmem.PageSize + 1, past},
	} {
		for _, imports := range []guest.Imports{guest.CImports(), is64()} {
			s := serve(t, imports, 8)
			heap := s.heap.(*linmem.Heap)
			s.heap = far{heap}
			got := s.call(tt.name, tt.a, tt.b)
			want := uint64(1<<32 - linmem.PageSize)
			nAllocs := uint64(1)
			if tt.end == past && !imports.Is64 {
				want, nAllocs = 0, 0
			}
			if got != want || heap.Stats().Allocs != nAllocs {
				t.Errorf("%s(%d, %d), 64 bits: %t: %#x and %d allocations, want %#x and %d",
					tt.name, tt.a, tt.b, imports.Is64, got, heap.Stats().Allocs, want, nAllocs)
			}
		}
	}
}

// TestServeMovedPast4GiB holds that a block which a guest of 32 bits has lost is a trap, since 0 would say that it is where
// it was.
func TestServeMovedPast4GiB(t *testing.T) {
	s := serve(t, guest.CImports(), 8)
	s.heap = far{s.heap.(*linmem.Heap)}
	addr := s.call("malloc", 100, 0)
	if _, err := s.try("realloc", addr, linmem.PageSize); !errors.Is(err, linmem.ErrInvalid) || !strings.Contains(err.Error(), "Is64") {
		t.Errorf("realloc: %v, want an error that says what to do", err)
	}
}

// closing is a heap whose memory is closed between two calls.
type closing struct{ *linmem.Heap }

func (closing) View(addr, n uint64) ([]byte, error) {
	return nil, &linmem.Error{Op: "View", Addr: addr, Size: n, Err: linmem.ErrClosed}
}

// TestServeCallocClosed holds that calloc keeps nothing that it could not clear.
func TestServeCallocClosed(t *testing.T) {
	s := serve(t, guest.CImports(), 8)
	heap := s.heap.(*linmem.Heap)
	s.heap = closing{heap}
	if _, err := s.try("calloc", 2, 50); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("calloc: %v, want ErrClosed", err)
	}
	if got := heap.Stats().Allocs; got != 0 {
		t.Errorf("%d allocations are left", got)
	}
}

// TestServeHeaps holds that every kind of heap will do.
func TestServeHeaps(t *testing.T) {
	s := serve(t, guest.CImports(), 8)
	shared := linmem.NewShared(s.heap.(*linmem.Heap))
	for what, heap := range map[string]guest.Heap{"Shared": shared, "Local": shared.Local()} {
		s.heap = heap
		s.call("free", s.call("realloc", s.call("calloc", 10, 10), 20000), 0)
		if got := shared.Stats().Allocs; got != 0 {
			t.Errorf("%s: %d allocations are left", what, got)
		}
	}
}

func TestServeMakesNoGoAllocation(t *testing.T) {
	s := serve(t, guest.CImports(), 8)
	addr := s.call("malloc", 100, 0)
	for what, f := range map[string]func(){
		"malloc and free":             func() { s.call("free", s.call("malloc", 100, 0), 0) },
		"calloc and free":             func() { s.call("free", s.call("calloc", 2, 50), 0) },
		"aligned_alloc and free":      func() { s.call("free", s.call("aligned_alloc", 64, 50), 0) },
		"realloc there and back":      func() { s.call("realloc", s.call("realloc", addr, 1000), 100) },
		"malloc of too much":          func() { s.call("malloc", 1<<30, 0) },
		"malloc of the most":          func() { s.call("malloc", math.MaxUint32, 0) },
		"realloc to what is too much": func() { s.call("realloc", addr, 1<<30) },
	} {
		if got := testing.AllocsPerRun(100, f); got != 0 {
			t.Errorf("%s makes %v Go allocations", what, got)
		}
	}
}
