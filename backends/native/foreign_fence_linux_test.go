package nativemem

import (
	"errors"
	"runtime/debug"
	"strings"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"golang.org/x/sys/unix"
)

// faultAt returns the address at which f faults, or 0 if it does not.
func faultAt(f func()) (addr uintptr) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault, ok := recover().(interface{ Addr() uintptr }); ok {
			addr = fault.Addr()
		}
	}()
	f()
	return 0
}

var readByte byte

func wantFault(t *testing.T, view []byte, i int) {
	t.Helper()
	want := addressOf(view) + uintptr(i)
	at := unsafe.Pointer(&view[i/page*page])
	if _, err := unix.MmapPtr(-1, 0, at, page, unix.PROT_NONE, anonymous|unix.MAP_FIXED_NOREPLACE); !errors.Is(err, unix.EEXIST) {
		t.Errorf("to map something at byte %d: %v, want EEXIST", i, err)
	}
	for what, access := range map[string]func(){
		"reading": func() { readByte = view[i] },
		"writing": func() { view[i] = 1 },
	} {
		if got := faultAt(access); got != want {
			t.Errorf("%s byte %d faults at %#x, want %#x", what, i, got, want)
		}
	}
}

func TestFence(t *testing.T) {
	b := mapPages(t, 8*page, unix.MAP_PRIVATE, nil)
	if err := Fence(b); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("Fence of what is mapped: %v, want ErrCorrupt", err)
	}
	fill(b, 1) // which is still there

	unmap(t, b[:3*page])
	unmap(t, b[5*page:])
	err := Fence(b)
	taken := span{addressOf(b) + 3*page, addressOf(b) + 5*page}
	if !errors.Is(err, linmem.ErrCorrupt) || !strings.Contains(err.Error(), "["+taken.String()+"]") {
		t.Errorf("Fence around what is mapped: %v, want ErrCorrupt with %v", err, taken)
	}
	for _, i := range []int{0, 3*page - 1, 5 * page, 8*page - 1} {
		wantFault(t, b, i)
	}
	for _, i := range []int{3 * page, 5*page - 1} {
		if b[i]++; b[i] != 2 {
			t.Errorf("byte %d of what is mapped is %d, want 2", i, b[i])
		}
	}
	unmap(t, b[3*page:5*page])
	for range 2 {
		if err := Fence(b); err != nil {
			t.Errorf("Fence of what is free or fenced: %v", err)
		}
		wantFault(t, b, 4*page)
	}
}

// TestForeignMoves goes through the life of a memory that grows in place, moves, and ends.
func TestForeignMoves(t *testing.T) {
	f, err := NewFencedForeign()
	if err != nil {
		t.Fatal(err)
	}
	see := func(b []byte, moves uint64) {
		t.Helper()
		f.See(b)
		if got := f.Moves(); got != moves {
			t.Errorf("%d moves, want %d", got, moves)
		}
	}
	places := [3][]byte{}
	for i := range places {
		places[i] = mapPages(t, 4*page, unix.MAP_PRIVATE, nil)
	}
	see([]byte{}, 0)
	see(places[0][:page], 0)
	see(places[0], 0)
	unmap(t, places[0])
	see(places[1], 1)
	if err := f.Lost(); err != nil {
		t.Errorf("Lost: %v", err)
	}
	wantFault(t, places[0], 4*page-1)

	see(places[2], 2) // while the place before is still mapped
	if got := f.Bytes(); got != nil {
		t.Errorf("%d bytes are seen before anybody has asked what was lost", len(got))
	}
	if err := f.Lost(); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("Lost: %v, want ErrCorrupt", err)
	}
	if err := f.Lost(); err != nil || len(f.Bytes()) != 4*page {
		t.Errorf("Lost again: %v, and %d bytes are seen, want all", err, len(f.Bytes()))
	}

	unmap(t, places[2])
	for range 2 {
		if err := f.Gone(); err != linmem.ErrClosed { // and no more
			t.Errorf("Gone: %v, want ErrClosed", err)
		}
	}
	wantFault(t, places[2], 0)
}

func TestForeignGoneTooLate(t *testing.T) {
	f, err := NewFencedForeign()
	if err != nil {
		t.Fatal(err)
	}
	f.See(mapPages(t, page, unix.MAP_PRIVATE, nil)) // which stays
	for range 2 {
		if err := f.Gone(); !errors.Is(err, linmem.ErrClosed) || !errors.Is(err, linmem.ErrCorrupt) {
			t.Errorf("Gone: %v, want ErrClosed and ErrCorrupt", err)
		}
	}
}
