package nativemem

import (
	"runtime"
	"runtime/debug"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
)

// firstByte returns the address of it.
func firstByte(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }

// faultsAt reports whether f ends in a fault at an address.
func faultsAt(t *testing.T, addr uintptr, f func()) (ok bool) {
	t.Helper()
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			fault, isFault := r.(interface {
				runtime.Error
				Addr() uintptr
			})
			if ok = isFault && fault.Addr() == addr; !ok {
				t.Errorf("panic %v, want a fault at %#x", r, addr)
			}
		}
	}()
	f()
	return false
}

// lastRead keeps what was read, so that the compiler does not leave it out.
var lastRead byte

// TestBytes holds that Bytes is all of the memory, at the same address from the first, empty one on.
func TestBytes(t *testing.T) {
	m := newMemory(t, 0, 5)
	first := firstByte(m.Bytes())
	if first == 0 {
		t.Fatal("an empty memory that can grow has no address")
	}
	another := newMemory(t, 0, 5)
	if firstByte(another.Bytes()) == first {
		t.Error("two empty memories have the same address")
	}
	for size := range uint64(6) {
		b := m.Bytes()
		if uint64(len(b)) != size*page || uint64(cap(b)) != size*page || firstByte(b) != first {
			t.Errorf("at %d pages Bytes has length %d and capacity %d at %#x, want both %d at %#x", size, len(b), cap(b), firstByte(b),
				size*page, first)
		}
		if size > 0 {
			if v := mustView(t, m, 0, size*page); firstByte(v) != first {
				t.Errorf("a view begins at %#x, Bytes at %#x", firstByte(v), first)
			}
			b[len(b)-1] = byte(size)
			if got := mustView(t, m, size*page-1, 1)[0]; got != byte(size) {
				t.Errorf("a view reads %d where Bytes wrote %d", got, size)
			}
		}
		if size < 5 {
			mustGrow(t, m, 1)
		}
	}
	if b := newMemory(t, 0, 0).Bytes(); len(b) != 0 {
		t.Errorf("a memory that is always empty has %d bytes", len(b))
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if b := m.Bytes(); len(b) != 0 {
		t.Errorf("a closed memory has %d bytes", len(b))
	}
	if b := new(Memory).Bytes(); len(b) != 0 {
		t.Errorf("the zero value has %d bytes", len(b))
	}
}

// TestRevoke holds that nobody can access a revoked memory, what was reserved and never used included, and that the memory
// is closed then.
func TestRevoke(t *testing.T) {
	if !reserves() {
		t.Skip("the platform has no memory that can be taken away: see TestRevokeUnsupported")
	}
	for _, c := range []struct {
		name         string
		initial, max uint64
	}{
		{"Full", 3, 3},
		{"Part", 2, 5},
		{"Empty", 0, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory(t, c.initial, c.max)
			view := mustView(t, m, 0, c.initial*page)
			fill(view, 7)
			reserved := unsafe.Slice(unsafe.SliceData(m.Bytes()), c.max*page)
			if m.Closed() {
				t.Error("Closed() = true before Revoke")
			}
			if err := m.Revoke(); err != nil {
				t.Fatalf("Revoke: %v", err)
			}
			for at := uint64(0); at < c.max*page; at += page / 4 {
				addr := firstByte(reserved) + uintptr(at)
				if !faultsAt(t, addr, func() { lastRead = reserved[at] }) {
					t.Errorf("byte %#x can be read", at)
				}
				if !faultsAt(t, addr, func() { reserved[at] = 1 }) {
					t.Errorf("byte %#x can be written", at)
				}
			}
			checkRevoked(t, m)
			checkTaken(t, reserved)
		})
	}
}

// TestRevokeOfNothing is about memories without an address.
func TestRevokeOfNothing(t *testing.T) {
	for name, m := range map[string]*Memory{"always empty": newMemory(t, 0, 0), "zero value": new(Memory)} {
		if m.Closed() {
			t.Errorf("%s: Closed() = true before Revoke", name)
		}
		if err := m.Revoke(); err != nil {
			t.Errorf("%s: Revoke: %v", name, err)
		}
		checkRevoked(t, m)
	}
}

// TestRevokeUnsupported holds that the memory is closed all the same where it cannot be taken away.
func TestRevokeUnsupported(t *testing.T) {
	if reserves() {
		t.Skip("the platform has memory that can be taken away: see TestRevoke")
	}
	m := newMemory(t, 1, 5)
	wantError(t, m.Revoke(), linmem.ErrUnsupported, "nativemem.Revoke", 0, 5*page)
	checkRevoked(t, m)
}

// checkRevoked checks that a memory is closed, for Close and Revoke too.
func checkRevoked(t *testing.T, m *Memory) {
	t.Helper()
	for range 2 {
		wantError(t, m.Revoke(), linmem.ErrClosed, "nativemem.Revoke", 0, 0)
		wantError(t, m.Close(), linmem.ErrClosed, "nativemem.Close", 0, 0)
	}
	checkDead(t, m, linmem.ErrClosed)
	if !m.Closed() || len(m.Bytes()) != 0 {
		t.Errorf("Closed() = %t, and %d bytes, want true and none", m.Closed(), len(m.Bytes()))
	}
}

// checkTaken checks that new memories come elsewhere.
func checkTaken(t *testing.T, revoked []byte) {
	t.Helper()
	start, end := firstByte(revoked), firstByte(revoked)+uintptr(len(revoked))
	for range 20 {
		m := newMemory(t, 1, uint64(len(revoked))/page)
		if at := firstByte(m.Bytes()); start <= at && at < end {
			t.Errorf("a new memory is at %#x, in what was revoked at %#x", at, start)
		}
	}
}

// TestClosedTells follows Closed through a memory's life. One with a hole is dead, but its owner has not closed it.
func TestClosedTells(t *testing.T) {
	for name, end := range map[string]func(*Memory) error{"Close": (*Memory).Close, "Revoke": (*Memory).Revoke} {
		for _, initial := range []uint64{0, 2} {
			m := newMemory(t, initial, 4)
			if m.Closed() {
				t.Errorf("a new memory of %d pages is closed", initial)
			}
			mustGrow(t, m, 1)
			_, _ = m.Grow(100)
			if err := m.Discard(0, page); err != nil {
				t.Error(err)
			}
			if m.Closed() {
				t.Error("a memory that has grown is closed")
			}
			if err := end(m); err != nil && reserves() {
				t.Errorf("%s: %v", name, err)
			}
			if !m.Closed() {
				t.Errorf("Closed() = false after %s", name)
			}
		}
	}
	holed := newMemory(t, 2, 4)
	holed.mu.Lock()
	holed.abandon(errHole)
	holed.mu.Unlock()
	if holed.Closed() {
		t.Error("a memory with a hole is closed before Close")
	}
	if err := holed.Revoke(); err != nil && reserves() {
		t.Errorf("Revoke of a memory with a hole: %v", err)
	}
	if !holed.Closed() {
		t.Error("Closed() = false after Revoke of a memory with a hole")
	}
}
