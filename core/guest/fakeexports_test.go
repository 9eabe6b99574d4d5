package guest_test

import (
	"errors"
	"fmt"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// fakeExporting is a set of names by which fakes export their allocators.
type fakeExporting struct {
	name  string
	alloc string                   // the function's name
	add   func(f *fake)            // adds functions to the guest, and the allocator to the report
	opts  []guest.OpenOption       // that Open needs to know it
	only  func(fakeToolchain) bool // nil for all
}

var exportings = []fakeExporting{
	{name: "malloc", alloc: "malloc", add: func(f *fake) {
		f.reports(guest.Allocator{Convention: guest.Malloc, Alloc: f.exportAlloc("malloc", 1), Free: f.exportFree("free", 1)})
	}},
	{name: "malloc-without-free", alloc: "malloc", add: func(f *fake) {
		f.reports(guest.Allocator{Convention: guest.Malloc, Alloc: f.exportAlloc("malloc", 1)})
	}},
	{name: "allocate", alloc: "allocate", add: func(f *fake) {
		f.reports(guest.Allocator{
			Convention: guest.Malloc, Alloc: f.exportAlloc("allocate", 1), Free: f.exportFree("deallocate", 2),
		})
	}},
	{name: "wasm-bindgen", alloc: "__wbindgen_malloc", add: func(f *fake) {
		f.reports(guest.Allocator{
			Convention: guest.Malloc, Alloc: f.exportAlloc("__wbindgen_malloc", 2), Free: f.exportFree("__wbindgen_free", 3),
		})
	}},
	{name: "own-names", alloc: "grab", opts: []guest.OpenOption{guest.WithAllocator("grab", "drop")}, add: func(f *fake) {
		f.exportAlloc("grab", 2)
		f.exportFree("drop", 3)
	}},
	{name: "assemblyscript", alloc: "__new", add: (*fake).exportRuntime},
	{name: "cabi_realloc", alloc: "cabi_realloc", add: func(f *fake) {
		f.reports(guest.Allocator{
			Convention: guest.CanonicalABI,
			Alloc: f.export("cabi_realloc", 4, 1, func(args []uint64) (uint64, error) {
				if args[0] != 0 || args[1] != 0 || args[2] == 0 {
					return 0, fmt.Errorf("%w: cabi_realloc of what is no new block, %v", errTrap, args)
				}
				return f.lend(args[3], args[2])
			}),
		})
	}},
	{
		name: "sbrk", alloc: "sbrk", opts: []guest.OpenOption{guest.WithFirstAllocation(allocateFirst)},
		only: func(tc fakeToolchain) bool { return tc.made == guest.Emscripten || tc.made == guest.Clang },
		add: func(f *fake) {
			f.reports(guest.Allocator{Convention: guest.Sbrk, Alloc: f.export("sbrk", 1, 1, func(args []uint64) (uint64, error) {
				return f.sbrk(args[0])
			})})
		},
	},
}

// exportingOf returns the one of that name.
func exportingOf(name string) fakeExporting {
	i := slices.IndexFunc(exportings, func(e fakeExporting) bool { return e.name == name })
	return exportings[i]
}

func (f *fake) reports(a guest.Allocator) { f.report.Allocators = append(f.report.Allocators, a) }

// exportAlloc adds alloc(size) or alloc(size, align).
func (f *fake) exportAlloc(name string, nParams int) guest.Export {
	return f.export(name, nParams, 1, func(args []uint64) (uint64, error) {
		if nParams == 1 {
			return f.lend(args[0], 0)
		}
		return f.lend(args[0], args[1])
	})
}

// exportFree adds free(addr), free(addr, size) or free(addr, size, align). The guest dies of a wrong size.
func (f *fake) exportFree(name string, nParams int) guest.Export {
	return f.export(name, nParams, 0, func(args []uint64) (uint64, error) {
		i := slices.IndexFunc(f.heap.blocks, func(b *fakeBlock) bool { return b.addr == args[0] && b.lent })
		if i < 0 {
			f.heap.nFailed++
			return 0, fmt.Errorf("%w: %s(%#x) of no block", errTrap, name, args[0])
		}
		if b := f.heap.blocks[i]; nParams > 1 && args[1] != b.size {
			return 0, fmt.Errorf("%w: %s(%#x, %d) of a block of %d bytes", errTrap, name, args[0], args[1], b.size)
		}
		if b := f.heap.blocks[i]; nParams > 2 && args[2] != b.align {
			return 0, fmt.Errorf("%w: %s(%#x, %d, %d) of a block with alignment %d", errTrap, name, args[0], args[1], args[2], b.align)
		}
		return 0, f.heap.freeAt(args[0])
	})
}

// lend allocates for the caller of an export, and returns 0 if there is nothing. An alignment of 0 is none.
func (f *fake) lend(size, align uint64) (addr uint64, err error) {
	if align&(align-1) != 0 || align > fakeAlign {
		return 0, fmt.Errorf("%w: an alignment of %d", errTrap, align)
	}
	b, err := f.heap.malloc(size, true)
	if errors.Is(err, errNone) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	b.align = align
	return b.addr, nil
}

// exportRuntime adds AssemblyScript's: what is not pinned is collected when the next object is made.
func (f *fake) exportRuntime() {
	pin := func(name string, to bool) func(args []uint64) (uint64, error) {
		return func(args []uint64) (uint64, error) {
			i := slices.IndexFunc(f.heap.blocks, func(b *fakeBlock) bool { return b.addr == args[0] && b.lent })
			if i < 0 || f.heap.blocks[i].pinned == to {
				f.heap.nFailed++
				return 0, fmt.Errorf("%w: %s(%#x)", errTrap, name, args[0])
			}
			f.heap.blocks[i].pinned = to
			return args[0], nil
		}
	}
	f.reports(guest.Allocator{
		Convention: guest.AssemblyScriptRuntime,
		Alloc: f.export("__new", 2, 1, func(args []uint64) (uint64, error) {
			if args[1] != 1 {
				return 0, fmt.Errorf("%w: __new of class %d, which the collector would look into", errTrap, args[1])
			}
			if err := f.collect(); err != nil {
				return 0, err
			}
			return f.lend(args[0], 0)
		}),
		Pin:  f.export("__pin", 1, 1, pin("__pin", true)),
		Free: f.export("__unpin", 1, 0, pin("__unpin", false)),
	})
}

// collect frees what callers have and have not pinned.
func (f *fake) collect() error {
	for _, b := range slices.Clone(f.heap.blocks) {
		if b.lent && !b.pinned {
			if err := f.heap.freeAt(b.addr); err != nil {
				return err
			}
		}
	}
	return nil
}

// sbrk is Emscripten's, which moves the break of its allocator, or wasi-libc's: it is memory.grow, and dies of what is not
// whole pages. See https://github.com/WebAssembly/wasi-libc/blob/main/libc-bottom-half/sources/sbrk.c
func (f *fake) sbrk(increment uint64) (addr uint64, err error) {
	if f.made == guest.Clang && increment%linmem.PageSize != 0 {
		return 0, fmt.Errorf("%w: sbrk(%d) is not whole pages", errTrap, increment)
	}
	r, err := f.more(f.heap, increment)
	if err != nil {
		return noAddress, nil
	}
	return r.addr, nil
}
