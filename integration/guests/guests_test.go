package guests_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"os"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/guests"
)

// instance is a guest that runs.
type instance struct {
	testing.TB
	guest.Instance
	heap *linmem.Heap // what its allocator imports are served from, if it has any
}

// open instantiates and initializes a guest.
func open(t testing.TB, wasm []byte, opts ...linmem.Option) *instance {
	t.Helper()
	ctx := context.Background()
	inst, stop, err := wazeroengine.Default().Open(ctx, wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	i := &instance{TB: t, Instance: inst}
	r := inspect(t, wasm)
	if len(r.AllocatorImports) > 0 {
		if i.heap, err = linmem.NewHeap(inst.Memory(), opts...); err != nil {
			t.Fatal(err)
		}
		if err := inst.(engines.Binder).Bind(i.heap); err != nil {
			t.Fatal(err)
		}
	}
	if err := inst.(guest.Initializer).Initialize(ctx); err != nil {
		t.Fatal(err)
	}
	return i
}

func inspect(t testing.TB, wasm []byte) *guest.Report {
	t.Helper()
	r, err := guest.Inspect(wasm)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// in returns the instance for a part of its test.
func (i *instance) in(t testing.TB) *instance {
	return &instance{TB: t, Instance: i.Instance, heap: i.heap}
}

// call calls a function that returns an i32 or nothing.
func (i *instance) call(name string, args ...uint64) uint64 {
	i.Helper()
	results, err := i.Call(context.Background(), name, args...)
	if err != nil {
		i.Fatalf("%s%v: %v", name, args, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

func (i *instance) view(addr, size uint64) []byte {
	i.Helper()
	bytes, err := i.Memory().View(addr, size)
	if err != nil {
		i.Fatal(err)
	}
	return bytes
}

// take has the guest allocate and fill.
func (i *instance) take(size, seed uint64) (addr uint64) {
	i.Helper()
	if addr = i.call("take", size, seed); addr == 0 {
		i.Fatalf("take(%d): no memory", size)
	}
	return addr
}

// check has the guest look at a block. want is 0, or 1 + the index of the first byte that is not as filled.
func (i *instance) check(addr, size, seed, want uint64) {
	i.Helper()
	if got := i.call("check", addr, size, seed); got != want {
		i.Errorf("check(%#x, %d, %d) = %d, want %d", addr, size, seed, got, want)
	}
}

// TestMemory has each guest allocate, look at what it has, and free.
func TestMemory(t *testing.T) {
	for _, g := range guests.Memory() {
		t.Run(g.Name, func(t *testing.T) {
			i := open(t, g.Wasm)
			i.allocatesForOthers(g)
			i.fillsAndChecks()
			if strings.HasPrefix(g.Name, "assemblyscript_stub") {
				t.Log("this runtime never frees, and is not asked to")
			} else {
				i.frees()
			}
			i.holds(64)
			i.runsOut(g.Name)
		})
	}
}

// fillsAndChecks holds blocks of many sizes to what [guests.Guest] says is in them.
func (i *instance) fillsAndChecks() {
	i.Helper()
	for n, size := range []uint64{1, 2, 3, 8, 16, 255, 1000, 4096, 65_535, 65_536, 65_537, 1 << 20} {
		seed := uint64(n * 37)
		addr := i.take(size, seed)
		for at, got := range i.view(addr, size) {
			if want := byte((at*7 + at>>8) ^ int(seed)); got != want {
				i.Fatalf("take(%d, %d): byte %d is %#x, want %#x", size, seed, at, got, want)
			}
		}
		i.check(addr, size, seed, 0)
		for _, at := range []uint64{0, size / 2, size - 1} {
			i.view(addr, size)[at] ^= 1
			i.check(addr, size, seed, 1+at)
			i.view(addr, size)[at] ^= 1
		}
		i.call("give", addr, size)
	}
}

// frees shows that what give frees is taken again.
func (i *instance) frees() {
	i.Helper()
	const size, n = 1 << 20, 64
	before := i.Memory().NumPages()
	for range n {
		i.call("give", i.take(size, 0), size)
	}
	if grown := (i.Memory().NumPages() - before) * linmem.PageSize; grown >= size*n/2 {
		i.Errorf("the memory has grown by %d MiB, and 1 was used at a time", grown>>20)
	}
}

// holds has the guest hold n MiB in n blocks.
func (i *instance) holds(n uint64) {
	i.Helper()
	const size = 1 << 20
	var addrs []uint64
	for seed := range n {
		addrs = append(addrs, i.take(size, seed))
	}
	for seed, addr := range addrs {
		i.check(addr, size, uint64(seed), 0)
	}
	for _, addr := range addrs {
		i.call("give", addr, size)
	}
	if i.heap != nil && i.heap.Stats().Allocs != 0 {
		i.Errorf("%d blocks of the host's are left", i.heap.Stats().Allocs)
	}
}

// runsOut asks for more than the memory has left at its largest, of 4 GiB, or of 2 in Emscripten. The guest may not work
// afterwards.
func (i *instance) runsOut(name string) {
	i.Helper()
	size := uint64(0xffff_ff00)
	if strings.HasPrefix(name, "emscripten_") {
		size = 0x7fff_ff00
	}
	results, err := i.Call(context.Background(), "take", size, 0)
	wantError := name == "c_substrate" || strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "assemblyscript_")
	if (err != nil) != wantError || err == nil && results[0] != 0 {
		i.Errorf("take(%#x) = %v, %v; want an error: %t, and else 0", size, results, err, wantError)
	}
}

// allocatesForOthers has the guest allocate by what it exports for an arena, or requires that it cannot.
func (i *instance) allocatesForOthers(g guests.Guest) {
	i.Helper()
	r := inspect(i, g.Wasm)
	if len(r.AllocatorImports) > 0 {
		if len(r.Allocators) > 0 || r.HeapBase == nil {
			i.Errorf("allocators %v, __heap_base %v: want no allocator, and the base of a heap", r.Allocators, r.HeapBase)
		}
		return
	}
	alloc, free := g.Alloc, g.Free
	switch {
	case alloc == "" && len(r.Allocators) == 0:
		i.Fatal("no allocator is recognized, and the guest names none")
	case alloc == "":
		alloc, free = r.Allocators[0].Alloc.Name, r.Allocators[0].Free.Name
	case len(r.Allocators) > 0:
		i.Errorf("%s is named, though %s is recognized", alloc, r.Allocators[0].Alloc.Name)
	}
	w, err := guest.NewWorkload(r, alloc)
	if err != nil {
		i.Fatal(err)
	}
	const size = 1000
	addr, err := w.Alloc(context.Background(), i, size)
	if err != nil {
		i.Fatal(err)
	}
	fill := bytes.Repeat([]byte{0xa5}, size)
	copy(i.view(addr, size), fill)
	i.call("give", i.take(1<<16, 1), 1<<16)
	if got := i.view(addr, size); !bytes.Equal(got, fill) {
		i.Errorf("the block of %s has become % x", alloc, got)
	}
	f, ok := r.Function(free)
	if !ok {
		i.Fatalf("%s: there is no such export", free)
	}
	const align = 16 // that of NewWorkload
	i.call(free, []uint64{addr, size, align}[:len(f.Params)]...)
}

// TestMemoryModules requires each guest to be the module of its name, and all to be different.
func TestMemoryModules(t *testing.T) {
	names := map[[sha256.Size]byte]string{}
	for _, g := range guests.Memory() {
		file, err := os.ReadFile("wasm/" + g.Name + ".wasm")
		if err != nil || !bytes.Equal(file, g.Wasm) {
			t.Errorf("%s is not the file of that name (%v)", g.Name, err)
		}
		sum := sha256.Sum256(g.Wasm)
		if other, ok := names[sum]; ok {
			t.Errorf("%s and %s are the same module", other, g.Name)
		}
		names[sum] = g.Name
	}
}

// TestTinyGo has a guest of another project add, and allocate.
func TestTinyGo(t *testing.T) {
	i := open(t, guests.TinyGo)
	if got := i.call("add", 2, 40); got != 42 {
		t.Errorf("2 + 40 = %d", got)
	}
	if name := inspect(t, guests.TinyGo).Toolchain.Name; name != guest.TinyGo {
		t.Errorf("the toolchain is %q", name)
	}
	const size, n = 1 << 20, 64
	var addrs []uint64
	for seed := range n {
		addr := i.call("malloc", size)
		copy(i.view(addr, size), bytes.Repeat([]byte{byte(seed)}, size))
		addrs = append(addrs, addr)
	}
	for seed, addr := range addrs {
		if !bytes.Equal(i.view(addr, size), bytes.Repeat([]byte{byte(seed)}, size)) {
			t.Errorf("block %d has changed", seed)
		}
		i.call("free", addr)
	}
}
