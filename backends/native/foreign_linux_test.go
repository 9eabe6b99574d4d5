package nativemem

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"golang.org/x/sys/unix"
)

// mapPages maps memory as a runtime may, n bytes, of a file if there is one, between guards, so that it is no mapping with
// others. It stays, since a place that is fenced must.
func mapPages(t testing.TB, n, flags int, file *os.File) []byte {
	t.Helper()
	all, err := unix.MmapPtr(-1, 0, nil, uintptr(n+2*page), unix.PROT_NONE, anonymous)
	if err != nil {
		t.Fatal(err)
	}
	return unsafe.Slice((*byte)(mapAt(t, unsafe.Add(all, page), n, flags|unix.MAP_FIXED, file)), n)
}

// mapOver maps something else in place of a part of what mapPages returned.
func mapOver(t testing.TB, b []byte, flags int, file *os.File) {
	t.Helper()
	mapAt(t, unsafe.Pointer(&b[0]), len(b), flags|unix.MAP_FIXED, file)
}

func mapAt(t testing.TB, at unsafe.Pointer, n, flags int, file *os.File) unsafe.Pointer {
	t.Helper()
	fd := -1
	if file != nil {
		fd = int(file.Fd())
	} else {
		flags |= unix.MAP_ANON
	}
	at, err := unix.MmapPtr(fd, 0, at, uintptr(n), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func unmap(t testing.TB, b []byte) {
	t.Helper()
	if err := unix.MunmapPtr(unsafe.Pointer(&b[0]), uintptr(len(b))); err != nil {
		t.Fatal(err)
	}
}

// memfd returns a file in memory that is filled with 0x11, as wasmtime makes of data segments.
func memfd(t *testing.T, n int) *os.File {
	t.Helper()
	fd, err := unix.MemfdCreate("segment", 0)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(fd), "segment")
	t.Cleanup(func() { _ = file.Close() })
	if _, err := file.Write(slices.Repeat([]byte{0x11}, n)); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDiscardForeign(t *testing.T) {
	const size = 16 * page
	for _, tt := range []struct {
		name string
		over func(part []byte) // does something to the middle of a private anonymous mapping
		ok   bool
	}{
		{"anonymous", func([]byte) {}, true},
		{"two mappings", func(part []byte) { // of which the second has no room for huge pages
			if err := unix.Madvise(part, unix.MADV_NOHUGEPAGE); err != nil {
				t.Fatal(err)
			}
		}, true},
		{"a shared part", func(part []byte) { mapOver(t, part, unix.MAP_SHARED, nil) }, false},
		{"a part of a file, private", func(part []byte) {
			mapOver(t, part, unix.MAP_PRIVATE, memfd(t, len(part)))
		}, false},
		{"a part that cannot be written", func(part []byte) {
			if err := unix.Mprotect(part, unix.PROT_READ); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"a part that is not mapped", func(part []byte) { unmap(t, part) }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := mapPages(t, size, unix.MAP_PRIVATE, nil)
			fill(b, 0x22)
			part := b[size/2 : size/2+page]
			tt.over(part)
			err := DiscardForeign(b)
			if tt.ok != (err == nil) || err != nil && !errors.Is(err, linmem.ErrUnsupported) {
				t.Fatalf("DiscardForeign: %v, want success: %t", err, tt.ok)
			}
			edge := b[:size/2]
			if tt.ok {
				checkZero(t, b, "discarded page")
				if n := residentBytes(t, b); n > size/8 {
					t.Errorf("%d of %d bytes are resident", n, size)
				}
				return
			}
			if i := slices.IndexFunc(edge, func(c byte) bool { return c != 0x22 }); i >= 0 {
				t.Errorf("byte %d is %#x after the refusal, want 0x22", i, edge[i])
			}
			if err := DiscardForeign(edge); err != nil {
				t.Errorf("DiscardForeign of the part before: %v", err)
			}
			checkZero(t, edge, "discarded page")
		})
	}
}

// TestDiscardForeignKeepsSegment holds that written copies of a file's pages are not made the file's again.
func TestDiscardForeignKeepsSegment(t *testing.T) {
	b := mapPages(t, page, unix.MAP_PRIVATE, memfd(t, page))
	fill(b, 0x33)
	if err := DiscardForeign(b); !errors.Is(err, linmem.ErrUnsupported) {
		t.Errorf("DiscardForeign: %v, want ErrUnsupported", err)
	}
	if b[0] != 0x33 || b[page-1] != 0x33 {
		t.Errorf("the bytes are %#x and %#x, want 0x33", b[0], b[page-1])
	}
}

// TestDiscardForeignLocked holds that memory of which a part is locked is discarded as a whole or not at all.
func TestDiscardForeignLocked(t *testing.T) {
	const half = 4 * page
	for _, locked := range []string{"second half", "first half", "all"} {
		t.Run(locked, func(t *testing.T) {
			b := mapPages(t, 2*half, unix.MAP_PRIVATE, nil)
			fill(b, 0x44)
			part := map[string][]byte{"second half": b[half:], "first half": b[:half], "all": b}[locked]
			if err := unix.Mlock(part); err != nil {
				t.Skipf("this process may not lock pages: %v", err)
			}
			err := DiscardForeign(b)
			if err == nil {
				checkZero(t, b, "discarded page")
				return
			}
			if locked == "second half" || !errors.Is(err, linmem.ErrUnsupported) || !errors.Is(err, unix.EINVAL) {
				t.Errorf("DiscardForeign: %v", err)
			}
			if i := slices.IndexFunc(b, func(c byte) bool { return c != 0x44 }); i >= 0 {
				t.Errorf("byte %d is %#x after the refusal, want 0x44", i, b[i])
			}
		})
	}
}

func TestForeignInvalid(t *testing.T) {
	b := mapPages(t, page, unix.MAP_PRIVATE, nil)
	for what, bad := range map[string][]byte{"start": b[1:], "end": b[:len(b)-1]} {
		if err := DiscardForeign(bad); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("DiscardForeign of a range whose %s is not a page's: %v, want ErrInvalid", what, err)
		}
		if err := Fence(bad); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("Fence of a range whose %s is not a page's: %v, want ErrInvalid", what, err)
		}
	}
	if err := errors.Join(DiscardForeign(nil), Fence(nil)); err != nil {
		t.Errorf("of nothing: %v", err)
	}
}

func TestParseMapping(t *testing.T) {
	for _, tt := range []struct {
		line      string
		want      span
		anonymous bool
	}{
		{"7f5c4000-7f5e5000 rw-p 00000000 00:00 0 ", span{0x7f5c4000, 0x7f5e5000}, true},
		{"1000-2000 rw-p 00000000 00:00 0                      [anon: Go: heap]", span{0x1000, 0x2000}, true},
		{"1000-2000 rw-p 00000000 00:00 0                      [heap]", span{0x1000, 0x2000}, false},
		{"1000-2000 rw-s 00000000 00:01 1024                   /dev/zero (deleted)", span{0x1000, 0x2000}, false},
		{"1000-2000 rw-p 00000000 00:01 1234                   /memfd:wasm-memory-image (deleted)", span{0x1000, 0x2000}, false},
		{"1000-2000 r--p 00000000 00:00 0 ", span{0x1000, 0x2000}, false},
		{"1000-2000 ---p 00000000 00:00 0 ", span{0x1000, 0x2000}, false},
		{"1000-2000 rw-s 00000000 00:00 0 ", span{0x1000, 0x2000}, false},
		{"1000-2000 rwxp 00000000 00:00 0 ", span{0x1000, 0x2000}, true},
	} {
		m, ok := parseMapping(tt.line)
		if !ok || m.span != tt.want || m.isAnonymous() != tt.anonymous {
			t.Errorf("%q is %+v, %t, anonymous %t; want %v, anonymous %t", tt.line, m, ok, m.isAnonymous(), tt.want, tt.anonymous)
		}
	}
	for _, line := range []string{"", "1000 rw-p 0 00:00 0", "1000-xyz rw-p 0 00:00 0", "1000-2000 rw 0 00:00 0", "1000-2000 rw-p"} {
		if err := parseMappings(strings.NewReader(line+"\n"), func(mapping) {}); err == nil {
			t.Errorf("%q is understood", line)
		}
	}
}

// TestForeignDiscard holds the bounds, and that what is known of a place is not taken for what is elsewhere.
func TestForeignDiscard(t *testing.T) {
	f := new(Foreign)
	place := mapPages(t, 8*page, unix.MAP_PRIVATE, nil)
	mapOver(t, place[2*page:3*page], unix.MAP_PRIVATE, memfd(t, page))
	fill(place, 0x55)
	f.See(place)
	for _, tt := range []struct {
		addr, n uint64
		want    error
	}{
		{1, page, linmem.ErrInvalid},
		{0, page - 1, linmem.ErrInvalid},
		{8 * page, page, linmem.ErrOutOfBounds},
		{page, 1 << 63, linmem.ErrOutOfBounds},
		{8 * page, 0, nil},
		{0, 3 * page, linmem.ErrUnsupported},
		{2 * page, page, linmem.ErrUnsupported},
		{0, 2 * page, nil},
		{3 * page, 5 * page, nil},
		{2 * page, page, linmem.ErrUnsupported},
	} {
		if err := f.Discard("test", tt.addr, tt.n); !errors.Is(err, tt.want) {
			t.Errorf("Discard(%#x, %#x): %v, want %v", tt.addr, tt.n, err, tt.want)
		}
	}
	checkZero(t, place[:2*page], "discarded page")
	checkZero(t, place[3*page:], "discarded page")
	if place[2*page] != 0x55 || place[3*page-1] != 0x55 {
		t.Error("what could not be discarded has changed")
	}

	grown := mapPages(t, 4*page, unix.MAP_PRIVATE, nil)
	f.See(grown[:2*page])
	if err := f.Discard("test", 0, page); err != nil {
		t.Fatal(err)
	}
	mapOver(t, grown[:page], unix.MAP_PRIVATE, memfd(t, page)) // as nobody does without a growth
	f.See(grown)
	if err := f.Discard("test", 0, page); !errors.Is(err, linmem.ErrUnsupported) || grown[0] != 0x11 {
		t.Errorf("Discard after a growth in which a page became a file's: %v", err)
	}

	moved := mapPages(t, 8*page, unix.MAP_PRIVATE, memfd(t, 8*page))
	f.See(moved)
	if err := f.Discard("test", 0, page); !errors.Is(err, linmem.ErrUnsupported) || moved[0] != 0x11 {
		t.Errorf("Discard after a move to a file's mapping: %v", err)
	}
}

// BenchmarkForeignDiscard is a page at a time, in a process with some hundred mappings.
func BenchmarkForeignDiscard(b *testing.B) {
	place := mapPages(b, 1024*page, unix.MAP_PRIVATE, nil)
	for range 100 {
		mapPages(b, page, unix.MAP_SHARED, nil)
	}
	b.Run("known", func(b *testing.B) {
		f := new(Foreign)
		f.See(place)
		for i := 0; b.Loop(); i++ {
			if err := f.Discard("test", uint64(i)%1024*page, page); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("looked-up", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			addr := i % 1024 * page
			if err := DiscardForeign(place[addr : addr+page]); err != nil {
				b.Fatal(err)
			}
		}
	})
}
