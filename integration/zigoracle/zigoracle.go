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

// pair is an original and its port.
type pair struct {
	Allocator
	Shape
	original       guest.Instance
	originalMemory linmem.Memory
	ported         port
	portedMemory   linmem.Memory
	live           []block
	freed          map[uint32]bool // addresses that were freed, and not handed out since
	outcome        string          // of the last call, as the original has it
	counts         Counts
}

// Counts are what steps came to, so that it shows if streams no longer reach what they are to compare.
type Counts struct {
	Steps        int
	Refused      int // allocations for which there was no memory
	Grown        int // allocations that grew the memory
	Reused       int // allocations at an address that was freed
	ReusedPast   int // of these, the ones past page 2,048
	Large        int // allocations of more than 1,000 pages
	Resized      int
	NotResized   int
	Freed        int
	GrownOutside int // growth by somebody else
}

// Add adds other counts.
func (c *Counts) Add(other Counts) {
	c.Steps += other.Steps
	c.Refused += other.Refused
	c.Grown += other.Grown
	c.Reused += other.Reused
	c.ReusedPast += other.ReusedPast
	c.Large += other.Large
	c.Resized += other.Resized
	c.NotResized += other.NotResized
	c.Freed += other.Freed
	c.GrownOutside += other.GrownOutside
}

// Missing names a count that is below n, or returns "".
func (c *Counts) Missing(n int) string {
	for name, count := range map[string]int{
		"steps": c.Steps, "refusals": c.Refused, "growths": c.Grown, "memory reused": c.Reused,
		"memory reused past page 2,048": c.ReusedPast, "allocations of more than 1,000 pages": c.Large,
		"resizes": c.Resized, "resizes refused": c.NotResized, "frees": c.Freed, "growths from outside": c.GrownOutside,
	} {
		if count < n {
			return fmt.Sprintf("%d %s, want %d", count, name, n)
		}
	}
	return ""
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
		freed: map[uint32]bool{},
	}
	return p, func() { stopOther(); stopOriginal() }, nil
}

func (p *pair) alloc(ctx context.Context, n uint32, log2Align uint8) error {
	size := p.originalMemory.NumPages()
	results, err := p.original.Call(ctx, "alloc", uint64(n), uint64(log2Align))
	if err != nil {
		return fmt.Errorf("the original traps: %w", err)
	}
	want := uint32(results[0])
	p.outcome = strconv.FormatUint(uint64(want), 10)
	got, err := p.ported.Alloc(uint64(n), log2Align)
	switch {
	case want == 0 && !errors.Is(err, linmem.ErrOutOfMemory):
		return fmt.Errorf("the original has no memory, the port says %#x, %v", got, err) //nolint:errorlint // it may be nil
	case want == 0:
		p.counts.Refused++
		return nil
	case err != nil:
		return fmt.Errorf("the original says %#x, the port %w", want, err)
	case got != uint64(want):
		return fmt.Errorf("the original says %#x, the port %#x", want, got)
	}
	if p.originalMemory.NumPages() > size {
		p.counts.Grown++
	}
	if p.freed[want] {
		p.counts.Reused++
		if want/linmem.PageSize >= 2048 {
			p.counts.ReusedPast++
		}
		delete(p.freed, want)
	}
	if n > 1000*linmem.PageSize {
		p.counts.Large++
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
		p.counts.Resized++
		b.n = newN
		if newN == 0 && p.vanishes {
			p.forget(i)
		}
	} else {
		p.counts.NotResized++
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
	p.counts.Freed++
	p.freed[b.addr] = true
	return nil
}

// forget takes a block off the list, and keeps the others in order.
func (p *pair) forget(i int) { p.live = append(p.live[:i], p.live[i+1:]...) }

// growMemory has somebody else grow both memories.
func (p *pair) growMemory(delta uint64) error {
	want, errWant := p.originalMemory.Grow(delta)
	p.outcome = "refused"
	if errWant == nil {
		p.outcome = "grown"
		p.counts.GrownOutside++
	}
	got, err := p.portedMemory.Grow(delta)
	if (errWant == nil) != (err == nil) || got != want {
		//nolint:errorlint // one of them is nil
		return fmt.Errorf("the memories grow from %d and %d pages: %v, %v", want, got, errWant, err)
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

// sameBytes compares the memories from the second page on: the first is the original guest's own.
func (p *pair) sameBytes() error {
	const chunk = 1 << 20
	start, end := uint64(linmem.PageSize), p.originalMemory.NumPages()*linmem.PageSize
	for addr := start; addr < end; addr += chunk {
		if err := p.sameRange(addr, min(chunk, end-addr)); err != nil {
			return err
		}
	}
	return nil
}

// sameRange compares n bytes at addr.
func (p *pair) sameRange(addr, n uint64) error {
	want, err := p.originalMemory.View(addr, n)
	if err != nil {
		return err
	}
	got, err := p.portedMemory.View(addr, n)
	if err != nil || bytes.Equal(want, got) {
		return err
	}
	for i := range want {
		if want[i] != got[i] {
			addr += uint64(i)
			return fmt.Errorf("the byte at %#x is %#x in the original's memory, %#x in the port's", addr, want[i], got[i])
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
