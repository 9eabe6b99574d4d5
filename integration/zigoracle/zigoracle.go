// Package zigoracle holds package zigref of core to the originals: it runs Zig's allocators in a guest, and the ports on
// the memory of another guest of the same engine, does the same to both, and compares them after every step.
//
// What is compared is the address or the refusal, the answer to a resize and the number of pages; in the end also every
// byte that is not the original guest's own, and so every node and every bit that the two keep in their memories.
package zigoracle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
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
}

// Allocators are both.
var Allocators = []Allocator{
	{
		Name:     "page-allocator",
		wasm:     guests.ZigPageAllocator,
		port:     func(m linmem.Memory) port { return pagePort{zigref.NewPageAllocator(m)} },
		vanishes: true,
		sizes:    []func(choices) uint32{someBytes, borders, somePages, manyPages},
	},
	{
		Name:  "allocator",
		wasm:  guests.ZigWasmAllocator,
		port:  func(m linmem.Memory) port { return zigref.NewAllocator(m) },
		sizes: []func(choices) uint32{fewBytes, someBytes, borders, somePages, manyPages},
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
	{2040, 4000},
	{1, 5000},
}

// pair is an original and its port.
type pair struct {
	Allocator
	Shape
	original       guest.Instance
	originalMemory linmem.Memory
	ported         port
	portedMemory   linmem.Memory
	live           []block
	outcome        string // of the last call, as the original has it
}

// block is a live allocation of both.
type block struct {
	addr, n   uint32
	log2Align uint8
}

func (b block) String() string { return fmt.Sprintf("%d %d %d", b.addr, b.n, b.log2Align) }

// openPair opens both on memories of the same shape.
func openPair(ctx context.Context, open Open, a Allocator, s Shape) (p *pair, stop func(), err error) {
	wasm, err := withLimits(a.wasm, s)
	if err != nil {
		return nil, nil, err
	}
	original, stopOriginal, err := open(ctx, wasm)
	if err != nil {
		return nil, nil, err
	}
	other, stopOther, err := open(ctx, linmemtest.Module(s.Pages, s.MaxPages))
	if err != nil {
		stopOriginal()
		return nil, nil, err
	}
	p = &pair{
		Allocator: a, Shape: s,
		original: original, originalMemory: original.Memory(),
		ported: a.port(other.Memory()), portedMemory: other.Memory(),
	}
	return p, func() { stopOther(); stopOriginal() }, nil
}

func (p *pair) alloc(ctx context.Context, n uint32, log2Align uint8) error {
	results, err := p.original.Call(ctx, "alloc", uint64(n), uint64(log2Align))
	if err != nil {
		return fmt.Errorf("the original traps: %w", err)
	}
	want := uint32(results[0])
	p.outcome = strconv.FormatUint(uint64(want), 10)
	got, err := p.ported.Alloc(uint64(n), log2Align)
	switch {
	case want == 0 && !errors.Is(err, linmem.ErrOutOfMemory):
		return fmt.Errorf("the original has no memory, the port says %#x, %w", got, err)
	case want == 0:
		return nil
	case err != nil:
		return fmt.Errorf("the original says %#x, the port %w", want, err)
	case got != uint64(want):
		return fmt.Errorf("the original says %#x, the port %#x", want, got)
	}
	if n > 0 || !p.vanishes {
		p.live = append(p.live, block{want, n, log2Align})
	}
	return nil
}

func (p *pair) resize(ctx context.Context, i int, newN uint32) error {
	b := &p.live[i]
	results, err := p.original.Call(ctx, "resize", uint64(b.addr), uint64(b.n), uint64(b.log2Align), uint64(newN))
	if err != nil {
		return fmt.Errorf("the original traps: %w", err)
	}
	want := uint32(results[0]) != 0
	p.outcome = strconv.FormatBool(want)
	if got := p.ported.Resize(uint64(b.addr), uint64(b.n), b.log2Align, uint64(newN)); got != want {
		return fmt.Errorf("the original says %t, the port %t", want, got)
	}
	if want {
		b.n = newN
		if newN == 0 && p.vanishes {
			p.forget(i)
		}
	}
	return nil
}

func (p *pair) free(ctx context.Context, i int) error {
	b := p.live[i]
	p.forget(i)
	p.outcome = "freed"
	if _, err := p.original.Call(ctx, "free", uint64(b.addr), uint64(b.n), uint64(b.log2Align)); err != nil {
		return fmt.Errorf("the original traps: %w", err)
	}
	if err := p.ported.Free(uint64(b.addr), uint64(b.n), b.log2Align); err != nil {
		return fmt.Errorf("the original frees it, the port says %w", err)
	}
	return nil
}

// forget takes a block off the list, and keeps the others in order.
func (p *pair) forget(i int) { p.live = append(p.live[:i], p.live[i+1:]...) }

// growMemory has somebody else grow both memories.
func (p *pair) growMemory(delta uint64) error {
	want, errWant := p.originalMemory.Grow(delta)
	p.outcome = "grown"
	if errWant != nil {
		p.outcome = "refused"
	}
	got, err := p.portedMemory.Grow(delta)
	if (errWant == nil) != (err == nil) || got != want {
		return fmt.Errorf("the memories grow from %d and %d pages: %w, %w", want, got, errWant, err)
	}
	return nil
}

// write fills n bytes of both memories with the same bytes, which are not zero.
func (p *pair) write(addr, n uint64) error {
	for _, m := range []linmem.Memory{p.originalMemory, p.portedMemory} {
		view, err := m.View(addr, n)
		if err != nil {
			return err
		}
		for i := range view {
			view[i] = 0xa5
		}
	}
	return nil
}

// samePages compares the sizes of the memories.
func (p *pair) samePages() error {
	if want, got := p.originalMemory.NumPages(), p.portedMemory.NumPages(); want != got {
		return fmt.Errorf("the original's memory has %d pages, the port's %d", want, got)
	}
	return nil
}

// sameBytes compares the memories from the first page that the original did not have at the start.
func (p *pair) sameBytes() error {
	const chunk = 1 << 20
	start := p.Pages * linmem.PageSize
	end := p.originalMemory.NumPages() * linmem.PageSize
	for addr := start; addr < end; addr += chunk {
		n := min(chunk, end-addr)
		want, err := p.originalMemory.View(addr, n)
		if err != nil {
			return err
		}
		got, err := p.portedMemory.View(addr, n)
		if err != nil {
			return err
		}
		if bytes.Equal(want, got) {
			continue
		}
		for i := range want {
			if want[i] != got[i] {
				return fmt.Errorf("the byte at %#x is %#x in the original's memory, %#x in the port's", addr+uint64(i), want[i], got[i])
			}
		}
	}
	return nil
}

// withLimits returns the module with a memory of another size and maximum.
func withLimits(wasm []byte, s Shape) ([]byte, error) {
	const header, memorySection = 8, 5
	for at := header; at+1 < len(wasm); {
		size, n := binary.Uvarint(wasm[at+1:])
		end := at + 1 + n + int(size)
		if n <= 0 || end > len(wasm) {
			break
		}
		if wasm[at] != memorySection {
			at = end
			continue
		}
		limits := binary.AppendUvarint([]byte{1, 1}, s.Pages) // one memory, with a maximum
		limits = binary.AppendUvarint(limits, s.MaxPages)
		section := append([]byte{memorySection, byte(len(limits))}, limits...)
		return append(append(append([]byte(nil), wasm[:at]...), section...), wasm[end:]...), nil
	}
	return nil, errors.New("the module has no memory section")
}
