package linmem_test

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// countedMemory is a memory that moves whenever it grows, can be closed, and counts what is asked of it.
type countedMemory struct {
	linmem.Memory
	calls  int
	closed bool
}

func newCounted(pages uint64) *countedMemory {
	return &countedMemory{Memory: linmemtest.NewMemory(pages, 100)}
}

func (m *countedMemory) Closed() bool { return m.closed }

func (m *countedMemory) NumPages() uint64 {
	m.calls++
	return m.Memory.NumPages()
}

func (m *countedMemory) Grow(delta uint64) (uint64, error) {
	m.calls++
	if m.closed {
		return 0, &linmem.Error{Op: "counted.Grow", Err: linmem.ErrClosed}
	}
	return m.Memory.Grow(delta)
}

func (m *countedMemory) View(addr, n uint64) ([]byte, error) {
	m.calls++
	if m.closed {
		return nil, &linmem.Error{Op: "counted.View", Err: linmem.ErrClosed}
	}
	return m.Memory.View(addr, n)
}

// discardingMemory is a Discarder as well.
type discardingMemory struct {
	*countedMemory
	discarded uint64
}

func (m *discardingMemory) Discard(_, n uint64) error {
	m.discarded += n
	return nil
}

func pin(t *testing.T, p *linmem.Pinned) {
	t.Helper()
	if err := p.Pin(); err != nil {
		t.Fatal(err)
	}
}

// TestPinnedNeedsNoCall holds that a pinned memory is not touched, and that its views are those of the memory.
func TestPinnedNeedsNoCall(t *testing.T) {
	m := newCounted(3)
	p := linmem.NewPinned(m)
	pin(t, p)
	before := m.calls
	view, err := p.View(linmem.PageSize, 4)
	if err != nil {
		t.Fatal(err)
	}
	if copy(view, "data"); cap(view) != 4 {
		t.Errorf("the view's capacity is %d, want 4", cap(view))
	}
	if got := p.NumPages(); got != 3 {
		t.Errorf("NumPages() = %d, want 3", got)
	}
	if prev, err := p.Grow(0); prev != 3 || err != nil {
		t.Errorf("Grow(0) = %d, %v, want 3", prev, err)
	}
	if _, err := p.Grow(1); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Grow(1): %v, want ErrOutOfMemory", err)
	}
	if _, err := p.View(3*linmem.PageSize, 1); !errors.Is(err, linmem.ErrOutOfBounds) {
		t.Errorf("View past the end: %v, want ErrOutOfBounds", err)
	}
	if m.calls != before {
		t.Errorf("a pinned memory was called %d times", m.calls-before)
	}
	if err := p.Unpin(); err != nil {
		t.Error(err)
	}
	if view, err := m.View(linmem.PageSize, 4); err != nil || !bytes.Equal(view, []byte("data")) {
		t.Errorf("what was written while it was pinned is %q, %v", view, err)
	}
	if prev, err := p.Grow(1); prev != 3 || err != nil {
		t.Errorf("Grow(1) after Unpin = %d, %v, want 3", prev, err)
	}
	if got := p.NumPages(); got != 4 {
		t.Errorf("NumPages() after Unpin and Grow = %d, want 4", got)
	}
}

func TestUnpinFindsThatItMoved(t *testing.T) {
	m := newCounted(3)
	p := linmem.NewPinned(m)
	pin(t, p)
	if _, err := m.Memory.Grow(1); err != nil { // as the guest does
		t.Fatal(err)
	}
	if err := p.Unpin(); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("Unpin of a memory that moved: %v, want ErrCorrupt", err)
	}
	if got := p.NumPages(); got != 4 {
		t.Errorf("NumPages() = %d, want 4: it is not pinned any more", got)
	}
	pin(t, p)
	if err := p.Unpin(); err != nil {
		t.Errorf("Unpin of one that did not: %v", err)
	}
}

func TestPinnedOwnerIsClosed(t *testing.T) {
	m := newCounted(3)
	p := linmem.NewPinned(m)
	pin(t, p)
	m.closed = true
	if !p.Closed() || p.NumPages() != 0 {
		t.Errorf("Closed() = %v and NumPages() = %d after close", p.Closed(), p.NumPages())
	}
	_, viewErr := p.View(0, 1)
	_, growErr := p.Grow(0)
	for what, err := range map[string]error{"View": viewErr, "Grow": growErr, "Unpin": p.Unpin(), "Pin": p.Pin()} {
		if !errors.Is(err, linmem.ErrClosed) {
			t.Errorf("%s: %v, want ErrClosed", what, err)
		}
	}
	if linmem.NewPinned(linmemtest.NewMemory(1, 1)).Closed() {
		t.Error("a memory that cannot tell is closed")
	}
}

func TestPinnedMistakes(t *testing.T) {
	p := linmem.NewPinned(newCounted(0))
	if err := p.Unpin(); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Unpin of what is not pinned: %v, want ErrInvalid", err)
	}
	pin(t, p)
	if err := p.Pin(); !errors.Is(err, linmem.ErrInvalid) {
		t.Errorf("Pin of what is pinned: %v, want ErrInvalid", err)
	}
	if view, err := p.View(0, 0); view == nil || err != nil {
		t.Errorf("View of nothing in an empty memory: %v, %v", view, err)
	}
	if err := p.Unpin(); err != nil {
		t.Errorf("Unpin of an empty memory: %v", err)
	}
}

func TestPinnedDiscards(t *testing.T) {
	if err := linmem.NewPinned(newCounted(1)).Discard(0, linmem.PageSize); !errors.Is(err, linmem.ErrUnsupported) {
		t.Errorf("Discard of a memory that cannot: %v, want ErrUnsupported", err)
	}
	m := &discardingMemory{countedMemory: newCounted(3)}
	p := linmem.NewPinned(m)
	if err := p.Discard(0, linmem.PageSize); err != nil || m.discarded != linmem.PageSize {
		t.Errorf("Discard: %v, and %d bytes came through", err, m.discarded)
	}
	pin(t, p)
	if err := p.Discard(0, linmem.PageSize); !errors.Is(err, linmem.ErrUnsupported) || m.discarded != linmem.PageSize {
		t.Errorf("Discard while pinned: %v, want ErrUnsupported", err)
	}
}

// TestPinnedHeap has goroutines put data by a heap that must not touch its memory.
func TestPinnedHeap(t *testing.T) {
	m := newCounted(1)
	p := linmem.NewPinned(m)
	h, err := linmem.NewHeap(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Reserve(40 * linmem.PageSize); err != nil {
		t.Fatal(err)
	}
	pin(t, p)
	before := m.calls
	shared := linmem.NewShared(h)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			local := shared.Local()
			defer func() { _ = local.Close() }()
			data := bytes.Repeat([]byte{byte(g + 1)}, 100)
			for range 500 {
				addr, err := local.Put(data)
				if err != nil {
					t.Error(err)
					return
				}
				if view, err := local.View(addr, 100); err != nil || !bytes.Equal(view, data) {
					t.Errorf("%d bytes at %#x are not as they were put: %v", len(view), addr, err)
				}
			}
		})
	}
	wg.Wait()
	if m.calls != before {
		t.Errorf("a heap called its pinned memory %d times", m.calls-before)
	}
	if _, err := h.Alloc(100 * linmem.PageSize); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Alloc of more than was reserved: %v, want ErrOutOfMemory", err)
	}
	if err := p.Unpin(); err != nil {
		t.Error(err)
	}
	if _, err := h.Alloc(50 * linmem.PageSize); err != nil {
		t.Errorf("Alloc after Unpin: %v", err)
	}
	if err := h.Check(); err != nil {
		t.Error(err)
	}
}

func BenchmarkPinned(b *testing.B) {
	p := linmem.NewPinned(linmemtest.NewMemory(16, 16))
	if err := p.Pin(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := p.View(linmem.PageSize, 64); err != nil {
			b.Fatal(err)
		}
	}
}
