package zigoracle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
)

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
		freed: map[uint32]bool{}, counts: Counts{},
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
		p.counts[refused]++
		return nil
	case err != nil:
		return fmt.Errorf("the original says %#x, the port %w", want, err)
	case got != uint64(want):
		return fmt.Errorf("the original says %#x, the port %#x", want, got)
	}
	if p.originalMemory.NumPages() > size {
		p.counts[grown]++
	}
	if p.freed[want] {
		p.counts[reused]++
		if want/linmem.PageSize >= 2048 {
			p.counts[reusedPast]++
		}
		delete(p.freed, want)
	}
	if n > 1000*linmem.PageSize {
		p.counts[large]++
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
		p.counts[resized]++
		b.n = newN
		if newN == 0 && p.vanishes {
			p.forget(i)
		}
	} else {
		p.counts[notResized]++
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
	p.counts[freed]++
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
		p.counts[grownOutside]++
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
