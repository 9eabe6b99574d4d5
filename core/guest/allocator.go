package guest

import (
	"context"
	"fmt"
	"slices"
	"strings"

	linmem "github.com/linmem/linmem/core"
)

// Allocator is an allocator that a guest exports, and how it is called.
type Allocator struct {
	Convention Convention `json:"convention"`
	Alloc      Export     `json:"alloc"`
	Free       Export     `json:"free,omitzero"` // Name is "" if there is none: what was allocated stays
	Pin        Export     `json:"pin,omitzero"`  // AssemblyScript: keeps a block from the collector
}

// Convention is the meaning of the arguments and results of an allocator's functions. Sizes, alignments and addresses are
// in bytes. An address of 0 says that there is no memory, but for Sbrk.
type Convention string

const (
	// Malloc is alloc(size) or alloc(size, align); and free(addr), free(addr, size) or free(addr, size, align). It covers C's
	// malloc and free, wasm-bindgen's functions and what guests usually export under names of their own.
	Malloc Convention = "malloc"

	// AssemblyScriptRuntime is __new(size, id), where id is the class, and __pin(addr), __unpin(addr).
	AssemblyScriptRuntime Convention = "assemblyscript"

	// CanonicalABI is the component model's cabi_realloc(addr, size, align, newSize). It does not free.
	CanonicalABI Convention = "canonical-abi"

	// Sbrk is sbrk(increment), which returns the end of the heap before, or -1. It is called with whole pages, and does not
	// free.
	Sbrk Convention = "sbrk"
)

// knownAllocators are the names that are looked for, the best first: those that can free, and what keeps its blocks apart
// from the guest's own before what only moves the end of a heap.
var knownAllocators = []struct {
	convention       Convention
	alloc, free, pin string
	isCommonName     bool // functions for other things are called so too, unless there is the one that frees
}{
	{convention: Malloc, alloc: "malloc", free: "free"},
	{convention: AssemblyScriptRuntime, alloc: "__new", free: "__unpin", pin: "__pin"},
	{convention: Malloc, alloc: "__wbindgen_malloc", free: "__wbindgen_free"},
	{convention: Malloc, alloc: "allocate", free: "deallocate", isCommonName: true},
	{convention: Malloc, alloc: "alloc", free: "dealloc", isCommonName: true},
	{convention: CanonicalABI, alloc: "cabi_realloc"},
	{convention: CanonicalABI, alloc: "canonical_abi_realloc"},
	{convention: Sbrk, alloc: "sbrk"},
}

// cosmWasm is how exports begin by which CosmWasm contracts are known: their allocate returns the address of a descriptor.
var cosmWasm = []string{"interface_version_", "cosmwasm_vm_version_"}

// findAllocators returns the known allocators among a guest's exported functions, in the order of knownAllocators.
//
// A guest with a collector may export a function by the name of an allocator that returns what nothing in the guest refers
// to any more. So of such a toolchain only what is its runtime's own is known: AssemblyScript's __new and TinyGo's malloc.
func findAllocators(t ToolchainName, functions []Export) (found []Allocator) {
	byName := make(map[string]Export, len(functions))
	isCosmWasm := false
	for _, f := range functions {
		byName[f.Name] = f
		for _, prefix := range cosmWasm {
			isCosmWasm = isCosmWasm || strings.HasPrefix(f.Name, prefix)
		}
	}
	for _, k := range knownAllocators {
		switch {
		case isCosmWasm && k.alloc == "allocate",
			t == Go || t == Kotlin,
			t == AssemblyScript && k.convention != AssemblyScriptRuntime,
			t == TinyGo && (k.alloc != "malloc" || byName[k.free].Name == ""),
			k.isCommonName && byName[k.free].Name == "":
			continue
		}
		a := Allocator{Convention: k.convention, Alloc: byName[k.alloc], Free: byName[k.free], Pin: byName[k.pin]}
		if a.Alloc.Name != "" && a.check() == nil {
			found = append(found, a)
		}
	}
	return found
}

// newAllocator returns the allocator with functions of these names, as WithAllocator gives them. The convention follows
// from their names and types.
func newAllocator(alloc, free string, find func(name string) (Export, bool)) (a Allocator, err error) {
	a.Convention = Malloc
	for _, k := range knownAllocators {
		if k.alloc == alloc {
			a.Convention = k.convention
			a.Pin, _ = find(k.pin)
		}
	}
	var ok bool
	if a.Alloc, ok = find(alloc); !ok {
		return a, fmt.Errorf("%w: the guest exports no function %q to allocate with", linmem.ErrInvalid, alloc)
	}
	if a.Free, ok = find(free); !ok && free != "" {
		return a, fmt.Errorf("%w: the guest exports no function %q to free with", linmem.ErrInvalid, free)
	}
	return a, a.check()
}

// check returns what is wrong with the types of the functions.
func (a *Allocator) check() error {
	nArgs := map[Convention][]int{Malloc: {1, 2}, AssemblyScriptRuntime: {2}, CanonicalABI: {4}, Sbrk: {1}}[a.Convention]
	if !a.Alloc.has(nArgs, 1) {
		return a.Alloc.mismatch(a.Convention, "allocate with")
	}
	if (a.Pin.Name != "" || a.Convention == AssemblyScriptRuntime) && !a.Pin.has([]int{1}, 1) {
		return a.Pin.mismatch(a.Convention, "pin with")
	}
	if a.Free.Name == "" {
		return nil
	}
	nArgs = []int{1}
	if a.Convention == Malloc {
		nArgs = []int{1, 2, 3}
	}
	if !a.Free.has(nArgs, 0) {
		return a.Free.mismatch(a.Convention, "free with")
	}
	return nil
}

func (e *Export) mismatch(c Convention, purpose string) error {
	return fmt.Errorf("%w: %q, from %v to %v, is no function to %s by the convention %s",
		linmem.ErrInvalid, e.Name, e.Params, e.Results, purpose, c)
}

// has reports whether a function takes one of these numbers of addresses and sizes, and returns that many.
func (s *Signature) has(nParams []int, nResults int) bool {
	if !slices.Contains(nParams, len(s.Params)) || len(s.Results) != nResults {
		return false
	}
	for _, t := range slices.Concat(s.Params, s.Results) {
		if t != I32 && t != I64 || t != s.Params[0] {
			return false
		}
	}
	return true
}

// blockAlign is the alignment, in bytes, that is asked for where an allocator wants one.
const blockAlign = 16

// arrayBuffer is the class of AssemblyScript's runtime that holds bytes and no references.
const arrayBuffer = 1

// alloc has the guest allocate. It returns an address of size bytes inside the memory, which stay the caller's until free.
func (a *Allocator) alloc(ctx context.Context, inst Instance, size uint64) (addr uint64, err error) {
	var args []uint64
	switch {
	case a.Convention == Sbrk: // wasi-libc's knows no other sizes
		size = (size + linmem.PageSize - 1) &^ (linmem.PageSize - 1)
		args = []uint64{size}
	case a.Convention == CanonicalABI:
		args = []uint64{0, 0, blockAlign, size}
	case a.Convention == AssemblyScriptRuntime:
		args = []uint64{size, arrayBuffer}
	case len(a.Alloc.Params) == 2:
		args = []uint64{size, blockAlign}
	default:
		args = []uint64{size}
	}
	is32 := a.Alloc.Params[0] == I32
	if is32 && size >= 1<<32 {
		return 0, fmt.Errorf("%w: %d bytes are more than the i32 of %q can say", linmem.ErrOutOfMemory, size, a.Alloc.Name)
	}
	results, err := inst.Call(ctx, a.Alloc.Name, args...)
	if err != nil {
		return 0, fmt.Errorf("the guest's %q of %d bytes failed: %w", a.Alloc.Name, size, err)
	}
	if len(results) != 1 {
		return 0, fmt.Errorf("%w: the guest's %q returned %d values, and must return an address",
			linmem.ErrInvalid, a.Alloc.Name, len(results))
	}
	addr = results[0]
	none := uint64(0)
	if a.Convention == Sbrk {
		none = 1<<64 - 1
		if is32 {
			none = 1<<32 - 1
		}
	}
	if addr == none {
		return 0, fmt.Errorf("%w: the guest's %q has no %d bytes", linmem.ErrOutOfMemory, a.Alloc.Name, size)
	}
	end := inst.Memory().NumPages() * linmem.PageSize
	if addr == 0 || size > end || addr > end-size {
		return 0, fmt.Errorf("%w: the guest's %q of %d bytes returned %#x, and its memory ends at %#x",
			linmem.ErrCorrupt, a.Alloc.Name, size, addr, end)
	}
	if a.Pin.Name == "" {
		return addr, nil
	}
	if _, err := inst.Call(ctx, a.Pin.Name, addr); err != nil {
		return 0, fmt.Errorf("the guest's %q of %#x failed: %w", a.Pin.Name, addr, err)
	}
	return addr, nil
}

// free gives back what alloc returned, if the allocator can.
func (a *Allocator) free(ctx context.Context, inst Instance, addr, size uint64) error {
	if a.Free.Name == "" {
		return nil
	}
	args := []uint64{addr, size, blockAlign}[:len(a.Free.Params)]
	if _, err := inst.Call(ctx, a.Free.Name, args...); err != nil {
		return fmt.Errorf("the guest's %q of %d bytes at %#x failed: %w", a.Free.Name, size, addr, err)
	}
	return nil
}

// importsAllocator reports whether the guest has the host allocate for it.
func (r *Report) importsAllocator() bool {
	return slices.ContainsFunc(r.AllocatorImports, func(i Import) bool {
		return i.Name != "free" && i.Name != "ext_allocator_free_version_1"
	})
}

// isAllocatorImport reports whether the guest has the host provide an allocator's function by this import, by its name in
// C or in Substrate runtimes.
func isAllocatorImport(i Import) bool {
	switch i.Name {
	case "malloc", "ext_allocator_malloc_version_1":
		return i.has([]int{1}, 1)
	case "calloc", "realloc", "aligned_alloc":
		return i.has([]int{2}, 1)
	case "free", "ext_allocator_free_version_1":
		return i.has([]int{1}, 0)
	}
	return false
}
