package linmemtest

import (
	"context"
	"errors"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

var allocatorCases = append([]allocatorCase{
	{
		name: "aligned", explanation: "A block is aligned to 16 bytes, or to what aligned_alloc is asked for.",
		run: blocksAligned,
	},
	{
		name: "calloc", explanation: "calloc returns zeros, also where a block was before.",
		run: callocZeroes,
	},
	{
		name: "realloc", explanation: "realloc moves a block with its contents; of 0 it is malloc, and to 0 leaves a block.",
		run: reallocKeeps,
	},
	{
		name: "free-of-0", explanation: "free of 0 does nothing.",
		run: func(s *serving) { s.bind(); s.call("free", 0) },
	},
	{
		name: "no-memory", explanation: "Where there is no memory the result is 0, and nothing changes.",
		run: noMemory,
	},
	{
		name:        "no-memory-without-null",
		explanation: "Where no address means none, what there is no memory for traps, and so does a free of 0.",
		provided:    []guest.Imports{withoutNull()}, imported: withoutNull(),
		run: noMemoryWithoutNull,
	},
	{
		name: "bad-free", explanation: "free of what is not allocated traps and says why, and the guest can go on.",
		run: badFree,
	},
	{
		name: "bad-realloc", explanation: "realloc of what is not allocated traps and says why, and the guest can go on.",
		run: badRealloc,
	},
	{
		name: "before-bind", explanation: "A call without a heap traps and says what to do.",
		run: func(s *serving) {
			s.trapsUnbound()
			s.bind()
			s.hasBlocks(0)
			s.call("free", s.call("malloc", 64))
		},
	},
	{
		name: "bind-refuses", explanation: "A heap is bound until it is unbound, and nil is none.",
		run: bindRefuses,
	},
	{
		name: "unbind", explanation: "After Unbind calls trap, and another heap can be bound.",
		run: unbind,
	},
	{
		name: "several-instances", explanation: "Each instance gets what is of its own heap.",
		run: severalInstances,
	},
	{
		name: "open", explanation: "guest.Open binds its heap in time for what the guest allocates when it is initialized.",
		run: openServed,
	},
	{
		name: "64-bit", explanation: "Imports of 64 bits take and return all of them.",
		provided: []guest.Imports{of64Bits()}, imported: of64Bits(),
		run: calls64,
	},
	{
		name: "refuses-imports", explanation: "Imports that name no function, or one twice, are ErrInvalid.",
		run: refusesImports,
	},
}, nameCases()...)

func withoutNull() guest.Imports {
	i := guest.CImports()
	i.NoNull = true
	return i
}

func of64Bits() guest.Imports {
	i := guest.CImports()
	i.Is64 = true
	return i
}

// nameCases are imports by the names that the host may give them.
func nameCases() (cases []allocatorCase) {
	own := guest.Imports{Module: "host", Malloc: "new", Free: "delete"}
	substrate := guest.SubstrateImports()
	for _, tt := range []struct {
		name     string
		provided []guest.Imports
		imported guest.Imports
	}{
		{"c-by-default", nil, guest.CImports()},
		{"c", []guest.Imports{guest.CImports()}, guest.CImports()},
		{"substrate-by-default", nil, substrate},
		{"substrate", []guest.Imports{substrate}, substrate},
		{"own", []guest.Imports{own}, own},
		{"of-two-modules", []guest.Imports{guest.CImports(), own}, own},
	} {
		cases = append(cases, allocatorCase{
			name: "names-" + tt.name, explanation: "A guest gets what it imports by the names that the host was given.",
			provided: tt.provided, imported: tt.imported, run: callsByName,
		})
	}
	return cases
}

func blocksAligned(s *serving) {
	s.bind()
	aligned := func(align, addr uint64) {
		if addr == 0 || addr%align != 0 {
			s.errorf("a block is at %#x, no multiple of %d", addr, align)
		}
	}
	for _, size := range []uint64{0, 1, 8, 17, 100, 5000} {
		aligned(16, s.call("malloc", size))
		aligned(16, s.call("calloc", 1, size))
		aligned(16, s.call("realloc", 0, size))
		aligned(16, s.call("realloc", s.call("malloc", 3), size))
		for _, align := range []uint64{1, 16, 64, 4096} {
			aligned(max(align, 16), s.call("aligned_alloc", align, size))
		}
	}
	aligned(linmem.PageSize, s.call("aligned_alloc", linmem.PageSize, 1))
}

func callocZeroes(s *serving) {
	s.bind()
	for _, size := range []uint64{1, 10, 5000} {
		before := s.call("malloc", 10*size)
		s.fill(before, 10*size, 0xff)
		s.call("free", before)
		addr := s.call("calloc", 10, size)
		if addr != before {
			s.errorf("calloc(10, %d) is at %#x, and not where bytes are left, at %#x", size, addr, before)
		}
		s.holds(addr, 10*size, 0)
		s.call("free", addr)
	}
}

func reallocKeeps(s *serving) {
	s.bind()
	addr := s.call("realloc", 0, 100)
	s.hasBlocks(1)
	s.fill(addr, 100, 0x5a)
	moved := s.call("realloc", addr, 100000)
	if moved == addr {
		s.errorf("a block of 100 bytes at %#x has become one of 100,000 there", addr)
	}
	s.holds(moved, 100, 0x5a)
	least := s.call("realloc", moved, 0)
	if least == 0 {
		s.errorf("realloc to 0 bytes is 0, want a block of the least size")
	}
	s.holds(least, 16, 0x5a)
	s.hasBlocks(1)
	s.call("free", least)
	s.hasBlocks(0)
}

func noMemory(s *serving) {
	s.bind()
	kept := s.call("malloc", 100)
	s.fill(kept, 100, 0x5a)
	for _, call := range noMemoryCalls {
		s.none(call.name, call.args...)
	}
	s.none("aligned_alloc", 0, 8)
	s.none("aligned_alloc", 24, 48)
	s.none("realloc", kept, 9*linmem.PageSize)
	s.none("realloc", kept, math.MaxUint32)
	s.hasBlocks(1)
	s.holds(kept, 100, 0x5a)
	s.call("free", kept)
}

// noMemoryCalls are calls of a guest with 9 pages at most, some of them its own.
var noMemoryCalls = []struct {
	name string
	args []uint64
}{
	{"malloc", []uint64{9 * linmem.PageSize}},
	{"malloc", []uint64{math.MaxUint32}},
	{"malloc", []uint64{math.MaxUint32 - 14}}, // it rounds up to 4 GiB
	{"calloc", []uint64{9, linmem.PageSize}},
	{"calloc", []uint64{1 << 16, 1 << 16}},               // 2^32
	{"calloc", []uint64{math.MaxUint32, math.MaxUint32}}, // 2^64 - 2^33 + 1
	{"realloc", []uint64{0, 9 * linmem.PageSize}},
	{"aligned_alloc", []uint64{64, 9 * linmem.PageSize}},
	{"aligned_alloc", []uint64{64, math.MaxUint32}},
	{"aligned_alloc", []uint64{1 << 31, 1}},
}

func noMemoryWithoutNull(s *serving) {
	s.bind()
	for _, call := range noMemoryCalls {
		s.traps(linmem.ErrOutOfMemory, nil, call.name, call.args...)
	}
	s.traps(linmem.ErrInvalid, nil, "aligned_alloc", 24, 48)
	s.traps(linmem.ErrNotAllocated, nil, "free", 0)
	s.hasBlocks(0)
	s.call("free", s.call("malloc", 64))
}

func badFree(s *serving) {
	s.bind()
	addr := s.call("malloc", 100)
	for _, bad := range []uint64{addr + 16, addr + 1, 8, 0xdeadbeef, math.MaxUint32} {
		s.trapsAt("free", bad)
	}
	s.call("free", addr)
	s.trapsAt("free", addr)
	s.hasBlocks(0)
	s.call("free", s.call("malloc", 100))
}

func badRealloc(s *serving) {
	s.bind()
	addr := s.call("malloc", 100)
	for _, bad := range []uint64{addr + 16, addr + 1, 8, 0xdeadbeef, math.MaxUint32} {
		s.trapsAt("realloc", bad, 1)
		s.trapsAt("realloc", bad, 0)
	}
	s.call("free", addr)
	s.trapsAt("realloc", addr, 200)
	s.hasBlocks(0)
	s.call("free", s.call("malloc", 100))
}

func bindRefuses(s *serving) {
	if err := s.Bind(nil); !errors.Is(err, linmem.ErrInvalid) {
		s.errorf("Bind of no heap: %s, want ErrInvalid", told(err))
	}
	s.bind()
	if err := s.Bind(linmem.NewShared(s.heap)); !errors.Is(err, linmem.ErrInvalid) {
		s.errorf("Bind of a second heap: %s, want ErrInvalid", told(err))
	}
	s.call("malloc", 64)
	s.hasBlocks(1)
}

func unbind(s *serving) {
	s.Unbind() // without a heap it does nothing
	s.bind()
	addr := s.call("malloc", 64)
	s.Unbind()
	s.Unbind()
	s.trapsUnbound()
	s.hasBlocks(1)
	shared := linmem.NewShared(s.heap)
	for _, heap := range []guest.Heap{shared, shared.Local()} {
		s.expect(s.Bind(heap))
		s.call("free", addr)
		addr = s.call("malloc", 64)
		s.Unbind()
	}
}

func severalInstances(s *serving) {
	served, err := s.Another()
	if err != nil {
		s.errorf("another instance: %w", err)
		return
	}
	other := &serving{imports: s.imports}
	defer other.with(served)()
	for _, g := range []*serving{s, other} {
		g.trapsUnbound() // and not served from the heap of one before
		g.bind()
	}
	addr := s.call("malloc", 64)
	other.hasBlocks(0)
	other.trapsAt("free", addr)
	if same := other.call("malloc", 64); same != addr {
		s.errorf("the other heap begins at %#x, want %#x", same, addr)
	}
	s.call("free", addr)
	other.hasBlocks(1)
	s.Unbind()
	s.trapsUnbound()
	other.call("free", addr)
	s.bind()
	s.call("free", s.call("malloc", 64))
	if other.err != nil {
		s.errorf("of the other instance: %w", other.err)
	}
}

func openServed(s *serving) {
	if _, ok := s.Instance.(guest.Initializer); !ok {
		s.expect(skipped("the instance is not a guest.Initializer"))
		return
	}
	report, err := guest.Inspect(AllocatorModule(s.imports))
	if err != nil {
		s.expect(err)
		return
	}
	bind := guest.WithBind(func(h *linmem.Heap) error { return s.Bind(h) })
	g, err := guest.Open(context.Background(), s.Instance, report, bind)
	if err != nil {
		s.expect(err)
		return
	}
	first, ok := s.Instance.Global("first")
	if usable, err := g.Heap.SizeOf(first); !ok || err != nil || usable != 64 {
		s.errorf("the guest's first block is at %#x, of %d bytes, %s, want 64 bytes", first, usable, told(err))
	}
	s.call("free", first)
	s.expect(g.Verify())
}

func calls64(s *serving) {
	s.bind()
	addr := s.call("calloc", 10, 10)
	s.holds(addr, 100, 0)
	addr = s.call("realloc", addr, 100000)
	s.call("free", addr)
	s.trapsAt("free", addr)
	s.trapsAt("free", 0xdeadbeef01234567)
	s.trapsAt("free", addr|1<<32)
	s.none("calloc", 1<<32, 1<<32)
	s.none("malloc", math.MaxUint64)
	s.none("malloc", math.MaxUint64-14) // it rounds up to 2^64
	s.none("aligned_alloc", 1<<63, 8)
	s.hasBlocks(0)
}

func refusesImports(s *serving) {
	for what, imports := range map[string][]guest.Imports{
		"that name no function":       {{Module: "env"}},
		"that name a function twice":  {guest.CImports(), guest.CImports()},
		"of one name for two of them": {{Module: "env", Malloc: "alloc", Calloc: "alloc"}},
	} {
		served, err := s.open(Module(1, 2), imports...)
		if !errors.Is(err, linmem.ErrInvalid) {
			s.errorf("imports %s: %s, want ErrInvalid", what, told(err))
		}
		if err == nil && served.Stop != nil {
			served.Stop()
		}
	}
}

func callsByName(s *serving) {
	s.bind()
	addr := s.call("malloc", 64)
	s.hasBlocks(1)
	s.call("free", addr)
	s.hasBlocks(0)
	s.trapsAt("free", addr)
	if s.imports.NoNull {
		s.traps(linmem.ErrOutOfMemory, nil, "malloc", 9*linmem.PageSize)
	} else {
		s.none("malloc", 9*linmem.PageSize)
	}
}
