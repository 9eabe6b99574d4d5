package guest_test

import (
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// TestPin holds that a pinned guest's heap works without the runtime, needs no more than it has, and that Unpin finds out
// what the guest did meanwhile.
func TestPin(t *testing.T) {
	f := newFake(toolchainOf("rust"))
	g, _ := openRegions(t, f)
	if err := g.Heap.Reserve(4 * linmem.PageSize); err != nil {
		t.Fatal(err)
	}
	if err := g.Pin(); err != nil {
		t.Fatal(err)
	}
	addr, err := g.Heap.Put([]byte("while it is pinned"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := g.Heap.Alloc(100 * linmem.PageSize); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Alloc of more than there is: %v, want ErrOutOfMemory", err)
	}
	if err := g.Unpin(); err != nil {
		t.Error(err)
	}
	if view, err := f.memory.View(addr, 5); err != nil || string(view) != "while" {
		t.Errorf("the guest finds %q, %v", view, err)
	}
	if err := g.Pin(); err != nil {
		t.Fatal(err)
	}
	if _, err := f.memory.Memory.Grow(1); err != nil { // which moves it
		t.Fatal(err)
	}
	if err := g.Unpin(); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("Unpin after the guest has grown its memory: %v, want ErrCorrupt", err)
	}
	if err := g.Verify(); err != nil {
		t.Error(err)
	}
	if err := g.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := g.Pin(); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("Pin of a closed Guest: %v, want ErrClosed", err)
	}
}
