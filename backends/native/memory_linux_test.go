package nativemem

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"golang.org/x/sys/unix"
)

// TestDiscardFreesPhysicalMemory looks at the mapping alone, not at the whole process, whose size moves with the Go
// heap.
func TestDiscardFreesPhysicalMemory(t *testing.T) {
	const pages = 64 << 20 / page
	m := newMemory(t, pages, pages)
	b := mustView(t, m, 0, pages*page)
	if got := residentBytes(t, b); got > len(b)/16 {
		t.Errorf("%d bytes are resident before the first touch", got)
	}
	fill(b, 1)
	if got := residentBytes(t, b); got < len(b) {
		t.Fatalf("%d of %d touched bytes are resident: smaps cannot be trusted here", got, len(b))
	}
	if err := m.Discard(page, (pages-2)*page); err != nil {
		t.Fatal(err)
	}
	if got := residentBytes(t, b); got < 2*page || got > len(b)/16 {
		t.Errorf("%d bytes are resident after Discard, want the two pages that were kept", got)
	}
}

// residentBytes is [linmemtest.Resident].
func residentBytes(t *testing.T, b []byte) int {
	t.Helper()
	n, err := linmemtest.Resident(b)
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

// TestRefusedBySystem lowers the limit on writable private memory, which mprotect answers with ENOMEM, while leaving
// the Go runtime some room of its own.
func TestRefusedBySystem(t *testing.T) {
	const room, pages = 512 << 20, 1 << 14 // bytes for all; pages of 64 KiB that are more than that
	m := newMemory(t, 1, pages)
	mustView(t, m, 0, 1)[0] = 7
	var old unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &old); err != nil {
		t.Fatal(err)
	}
	limited := old
	limited.Cur = min(old.Cur, statusBytes(t, "VmData")+room)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &limited); err != nil {
		t.Fatal(err)
	}
	_, err := m.Grow(pages - 1)
	space := statusBytes(t, "VmSize")
	_, newErr := New(pages, pages)
	leaked := int64(statusBytes(t, "VmSize") - space)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &old); err != nil {
		t.Fatal(err)
	}

	wantError(t, err, linmem.ErrOutOfMemory, "nativemem.Grow", 0, (pages-1)*page)
	wantError(t, newErr, linmem.ErrOutOfMemory, "nativemem.New", 0, pages*page)
	if !errors.Is(err, unix.ENOMEM) || !errors.Is(newErr, unix.ENOMEM) {
		t.Errorf("errors %q and %q do not both wrap ENOMEM", err, newErr)
	}
	if got := m.NumPages(); got != 1 {
		t.Errorf("NumPages() = %d after the refusal, want 1", got)
	}
	if leaked >= pages*page {
		t.Errorf("the refused New kept %d bytes of address space", leaked)
	}

	if prev := mustGrow(t, m, 1); prev != 1 {
		t.Errorf("Grow returned %d once the limit was lifted, want 1", prev)
	}
	_, atMax := m.Grow(pages - 1)
	if wantError(t, atMax, linmem.ErrOutOfMemory, "nativemem.Grow", 0, (pages-1)*page); errors.Is(atMax, unix.ENOMEM) {
		t.Errorf("error %q blames the system for the maximum", atMax)
	}
	mustGrow(t, m, pages-2)
	if got := mustView(t, m, 0, 1)[0]; got != 7 {
		t.Errorf("byte 0 is %d, want 7", got)
	}
}

func TestCloseFreesAddressSpace(t *testing.T) {
	const rounds, pages = 16, 1 << 14 // 16 GiB in all
	before := statusBytes(t, "VmSize")
	for range rounds {
		m := newMemory(t, 1, pages)
		mustView(t, m, 0, 1)[0] = 1
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if leaked := int64(statusBytes(t, "VmSize") - before); leaked >= rounds/2*pages*page {
		t.Errorf("%d rounds of %d bytes left %d bytes of address space", rounds, uint64(pages*page), leaked)
	}
}

// statusBytes reads a size from the process's status. VmData is what the kernel compares with RLIMIT_DATA.
func statusBytes(t *testing.T, field string) (n uint64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(status), field+":")
	if _, err := fmt.Sscanf(rest, "%d kB", &n); !ok || err != nil {
		t.Fatalf("no %s in /proc/self/status: %v", field, err)
	}
	return n << 10
}

// Linux does not drop locked pages: the caller must hear of it, and keep what was there.
func TestDiscardOfLockedPages(t *testing.T) {
	m := newMemory(t, 1, 2)
	b := mustView(t, m, 0, page)
	fill(b, 1)
	if err := unix.Mlock(b); err != nil {
		t.Skipf("this process may not lock a page: %v", err)
	}
	err := m.Discard(0, page)
	wantError(t, err, linmem.ErrUnsupported, "nativemem.Discard", 0, page)
	if !errors.Is(err, unix.EINVAL) {
		t.Errorf("error %q does not wrap EINVAL", err)
	}
	if err := unix.Munlock(b); err != nil {
		t.Fatal(err)
	}
	if b[0] != 1 || b[page-1] != 1 {
		t.Error("the refused Discard changed the page")
	}
	if err := m.Discard(0, page); err != nil {
		t.Errorf("Discard once unlocked: %v", err)
	}
	checkZero(t, b, "discarded page")
}
