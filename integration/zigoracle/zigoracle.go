// Package zigoracle holds package zigref of core to the originals: it runs Zig's allocators in a guest, and the ports on
// the memory of another guest of the same engine, does the same to both, and compares them after every step.
//
// What is compared is the address or the refusal, the answer to a resize and the number of pages; in the end also every
// byte that is not the original guest's own, and so every node and every bit that the two keep in their memories.
package zigoracle

import (
	"context"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/zigref"
	"github.com/linmem/linmem/integration/guests"
)

// Allocator is one of the two allocators, the original and the port.
type Allocator struct {
	Name string
	wasm []byte
	port func(linmem.Memory) port

	// vanishes says that an allocation of 0 bytes is none: it takes nothing, and must not be freed.
	vanishes bool
	// sizes are the kinds of sizes that are usual for it.
	sizes []func(choices) uint32
	// large is what CheckLarge does.
	large []largeStep
}

// Allocators are both.
var Allocators = []Allocator{
	{
		Name:     "page-allocator",
		wasm:     guests.ZigPageAllocator,
		port:     func(m linmem.Memory) port { return pagePort{zigref.NewPageAllocator(m)} },
		vanishes: true,
		sizes:    []func(choices) uint32{someBytes, borders, somePages, manyPages},
		large:    largeForPages,
	},
	{
		Name:  "allocator",
		wasm:  guests.ZigWasmAllocator,
		port:  func(m linmem.Memory) port { return zigref.NewAllocator(m) },
		sizes: []func(choices) uint32{fewBytes, someBytes, borders, somePages, manyPages},
		large: largeForBytes,
	},
}

// port is a port of either allocator.
type port interface {
	Alloc(n uint64, log2Align uint8) (addr uint64, err error)
	Resize(addr, n uint64, log2Align uint8, newN uint64) bool
	Free(addr, n uint64, log2Align uint8) error
}

var _ port = (*zigref.Allocator)(nil)

// pagePort leaves out the alignment where the page allocator does not need it.
type pagePort struct{ *zigref.PageAllocator }

func (p pagePort) Resize(addr, n uint64, _ uint8, newN uint64) bool {
	return p.PageAllocator.Resize(addr, n, newN)
}

func (p pagePort) Free(addr, n uint64, _ uint8) error { return p.PageAllocator.Free(addr, n) }

// Open instantiates a module, as an engine does.
type Open func(ctx context.Context, wasm []byte) (inst guest.Instance, stop func(), err error)

// Shape is the size and the maximum of a memory, in pages.
type Shape struct{ Pages, MaxPages uint64 }

// Shapes are the memories that the two are compared on: some that are soon full, and some that cross page 2,048, from
// near or from far, where the page allocator's bitmap goes on in a page that it steals.
var Shapes = []Shape{
	{1, 16},
	{1, 64},
	{1, 300},
	{17, 300},
	{1, 2060},
	{2000, 2300},
	{2047, 2600},
	{2048, 2600},
	{2040, 6000},
	{1, 8000},
}
