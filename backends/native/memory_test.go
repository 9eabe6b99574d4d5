package nativemem

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
)

const page = linmem.PageSize

// reserves reports whether a maximum costs address space only, and not memory.
func reserves() bool {
	switch runtime.GOOS {
	case "js", "wasip1", "plan9", "aix":
		return false
	}
	return true
}

func newMemory(t testing.TB, initial, max uint64) *Memory {
	t.Helper()
	m, err := New(initial, max)
	if err != nil {
		t.Fatalf("New(%d, %d): %v", initial, max, err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil && !errors.Is(err, linmem.ErrClosed) {
			t.Errorf("Close: %v", err)
		}
	})
	return m
}

func mustView(t testing.TB, m *Memory, addr, n uint64) []byte {
	t.Helper()
	b, err := m.View(addr, n)
	if err != nil {
		t.Fatalf("View(%#x, %d): %v", addr, n, err)
	}
	if uint64(len(b)) != n || uint64(cap(b)) != n || b == nil {
		t.Fatalf("View(%#x, %d) has length %d and capacity %d, nil: %t", addr, n, len(b), cap(b), b == nil)
	}
	return b
}

func mustGrow(t testing.TB, m *Memory, delta uint64) (prev uint64) {
	t.Helper()
	prev, err := m.Grow(delta)
	if err != nil {
		t.Fatalf("Grow(%d): %v", delta, err)
	}
	return prev
}

// wantError checks that err is an [*linmem.Error] with these fields that wraps sentinel and no other.
func wantError(t testing.TB, err, sentinel error, op string, addr, size uint64) {
	t.Helper()
	var e *linmem.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want a *linmem.Error", err, err)
	}
	if e.Op != op || e.Addr != addr || e.Size != size {
		t.Errorf("error is of %s at %#x of %d bytes, want %s at %#x of %d bytes", e.Op, e.Addr, e.Size, op, addr, size)
	}
	for _, s := range []error{
		linmem.ErrOutOfMemory, linmem.ErrNotAllocated, linmem.ErrInvalid, linmem.ErrCorrupt, linmem.ErrOutOfBounds,
		linmem.ErrClosed, linmem.ErrUnsupported,
	} {
		if got, want := errors.Is(err, s), s == sentinel; got != want {
			t.Errorf("error %q wraps %q: %t, want %t", err, s, got, want)
		}
	}
}

func checkZero(t testing.TB, b []byte, what string) {
	t.Helper()
	if i := bytes.IndexFunc(b, func(r rune) bool { return r != 0 }); i >= 0 {
		t.Fatalf("%s: byte %d is %#x, want 0", what, i, b[i])
	}
}

func fill(b []byte, with byte) {
	for i := range b {
		b[i] = with
	}
}

func TestNew(t *testing.T) {
	for _, c := range []struct {
		name         string
		initial, max uint64
		sentinel     error // nil: no error
		size         uint64
	}{
		{name: "Empty", initial: 0, max: 0},
		{name: "NothingCommitted", initial: 0, max: 3},
		{name: "Part", initial: 2, max: 3},
		{name: "Full", initial: 3, max: 3},
		{"InitialAboveMax", 4, 3, linmem.ErrInvalid, 4 * page},
		{"InitialAboveMaxOfZero", 1, 0, linmem.ErrInvalid, page},
		{"InitialOverflows", math.MaxUint64, 3, linmem.ErrInvalid, math.MaxUint64},
		{"FirstThatNoSliceHolds", 0, math.MaxInt/page + 1, linmem.ErrInvalid, math.MaxInt + 1},
		{"WholeOf64Bits", 0, 1 << 48, linmem.ErrInvalid, math.MaxUint64},
		{"Past64Bits", 0, 1<<48 + 1, linmem.ErrInvalid, math.MaxUint64},
		{"MaxOverflows", 1, math.MaxUint64, linmem.ErrInvalid, math.MaxUint64},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.sentinel != nil {
				m, err := New(c.initial, c.max)
				wantError(t, err, c.sentinel, "nativemem.New", 0, c.size)
				if m != nil {
					t.Errorf("memory %v beside the error, want nil", m)
				}
				return
			}
			m := newMemory(t, c.initial, c.max)
			if got := m.NumPages(); got != c.initial {
				t.Errorf("NumPages() = %d, want %d", got, c.initial)
			}
			checkZero(t, mustView(t, m, 0, c.initial*page), "new memory")
			if prev := mustGrow(t, m, c.max-c.initial); prev != c.initial {
				t.Errorf("Grow to the maximum returned %d, want %d", prev, c.initial)
			}
			if got := m.NumPages(); got != c.max {
				t.Errorf("NumPages() = %d at the maximum, want %d", got, c.max)
			}
		})
	}
}

func TestNewRefusedBySystem(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("a 32-bit system may well have room for all that a slice can hold")
	}
	_, err := New(1, limit)
	wantError(t, err, linmem.ErrOutOfMemory, "nativemem.New", 0, limit*page)
	if !strings.Contains(err.Error(), "lower the maximum") {
		t.Errorf("error %q does not say what to do", err)
	}
}

func TestGrow(t *testing.T) {
	type step struct {
		delta, prev uint64
		refused     bool
		size        uint64 // of the error, bytes
	}
	for _, c := range []struct {
		name         string
		initial, max uint64
		steps        []step
		end          uint64
	}{
		{"ByNothing", 2, 4, []step{{delta: 0, prev: 2}, {delta: 0, prev: 2}}, 2},
		{"StepByStep", 0, 4, []step{{delta: 1, prev: 0}, {delta: 1, prev: 1}, {delta: 2, prev: 2}}, 4},
		{"ByNothingAtMaximum", 4, 4, []step{{delta: 0, prev: 4}}, 4},
		{"PastMaximum", 2, 4, []step{{delta: 3, refused: true, size: 3 * page}, {delta: 2, prev: 2}}, 4},
		{"AtMaximum", 4, 4, []step{{delta: 1, refused: true, size: page}}, 4},
		{"OfEmpty", 0, 0, []step{{delta: 0, prev: 0}, {delta: 1, refused: true, size: page}}, 0},
		{
			"BytesOverflow", 1, 4, []step{
				{delta: 1 << 48, refused: true, size: math.MaxUint64},
				{delta: 1<<48 - 1, refused: true, size: math.MaxUint64 - page + 1},
			}, 1,
		},
		{
			"PagesOverflow", 1, 4, []step{
				{delta: math.MaxUint64, refused: true, size: math.MaxUint64},
				{delta: math.MaxUint64 - 1, refused: true, size: math.MaxUint64},
				{delta: 3, prev: 1},
			}, 4,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory(t, c.initial, c.max)
			for _, s := range c.steps {
				before := m.NumPages()
				prev, err := m.Grow(s.delta)
				if s.refused {
					wantError(t, err, linmem.ErrOutOfMemory, "nativemem.Grow", 0, s.size)
					if want := fmt.Sprintf("the maximum is %d pages", c.max); !strings.Contains(err.Error(), want) {
						t.Errorf("error %q does not say %q", err, want)
					}
					if got := m.NumPages(); got != before {
						t.Errorf("NumPages() = %d after a refusal, want %d", got, before)
					}
					continue
				}
				if err != nil || prev != s.prev {
					t.Errorf("Grow(%d) = %d, %v; want %d", s.delta, prev, err, s.prev)
				}
			}
			if got := m.NumPages(); got != c.end {
				t.Errorf("NumPages() = %d, want %d", got, c.end)
			}
		})
	}
}

func TestRefusalsNeverChange(t *testing.T) {
	m := newMemory(t, 0, 1)
	_, one := m.Grow(2)
	_, two := m.Grow(3)
	_, again := m.Grow(3)
	wantError(t, one, linmem.ErrOutOfMemory, "nativemem.Grow", 0, 2*page)
	wantError(t, two, linmem.ErrOutOfMemory, "nativemem.Grow", 0, 3*page)
	if again != two {
		t.Errorf("the same refusal twice is two errors, %p and %p", two, again)
	}
}

func TestGrowthKeepsAndZeroes(t *testing.T) {
	const max = 40
	m := newMemory(t, 1, max)
	base := unsafe.SliceData(mustView(t, m, 0, page))
	first := mustView(t, m, 0, page)
	fill(first, 0xA5)
	for size := uint64(1); size < max; {
		delta := min(size, max-size)
		if prev := mustGrow(t, m, delta); prev != size {
			t.Fatalf("Grow(%d) = %d, want %d", delta, prev, size)
		}
		all := mustView(t, m, 0, (size+delta)*page)
		if got := unsafe.SliceData(all); got != base {
			t.Fatalf("at %d pages the memory is at %p, want %p", size+delta, got, base)
		}
		if i := bytes.IndexFunc(all[:size*page], func(r rune) bool { return r == 0 }); i >= 0 {
			t.Fatalf("Grow(%d) at %d pages cleared byte %#x", delta, size, i)
		}
		checkZero(t, all[size*page:], "new pages")
		fill(all, 0xA5)
		size += delta
	}
	first[0] = 7
	if got := mustView(t, m, 0, 1)[0]; got != 7 {
		t.Errorf("byte 0 is %d after a write through a view older than the growths, want 7", got)
	}
}

func TestView(t *testing.T) {
	const size = 2 * page
	m := newMemory(t, 2, 4)
	b := mustView(t, m, 0, size)
	for i := range b {
		b[i] = byte(i ^ i>>8 ^ i>>16)
	}
	for _, c := range []struct {
		name    string
		addr, n uint64
		outside bool
	}{
		{"All", 0, size, false},
		{"FirstByte", 0, 1, false},
		{"LastByte", size - 1, 1, false},
		{"AcrossPages", page - 1, 2, false},
		{"NothingAtStart", 0, 0, false},
		{"NothingInside", 5, 0, false},
		{"NothingAtEnd", size, 0, false},
		{"NothingPastEnd", size + 1, 0, true},
		{"OneTooMany", 0, size + 1, true},
		{"LastByteAndNext", size - 1, 2, true},
		{"AtEnd", size, 1, true},
		{"ReservedNotCommitted", 3 * page, 1, true},
		{"EndOverflowsToZero", 1, math.MaxUint64, true},
		{"EndOverflowsInside", page, math.MaxUint64 - page + 2, true},
		{"LargestAddress", math.MaxUint64, 1, true},
		{"LargestAddressNothing", math.MaxUint64, 0, true},
		{"LargestBoth", math.MaxUint64, math.MaxUint64, true},
		{"Low32BitsInside", 1 << 32, 1, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.outside {
				b, err := m.View(c.addr, c.n)
				wantError(t, err, linmem.ErrOutOfBounds, "nativemem.View", c.addr, c.n)
				if b != nil {
					t.Error("a view beside the error, want nil")
				}
				return
			}
			if got := mustView(t, m, c.addr, c.n); !bytes.Equal(got, b[c.addr:c.addr+c.n]) {
				t.Error("the view shows other bytes")
			}
		})
	}
}

func TestViewOfEmpty(t *testing.T) {
	for _, max := range []uint64{0, 2} {
		m := newMemory(t, 0, max)
		mustView(t, m, 0, 0)
		_, err := m.View(0, 1)
		wantError(t, err, linmem.ErrOutOfBounds, "nativemem.View", 0, 1)
		_, err = m.View(1, 0)
		wantError(t, err, linmem.ErrOutOfBounds, "nativemem.View", 1, 0)
	}
}

func TestDiscard(t *testing.T) {
	const size = 4 * page
	for _, c := range []struct {
		name     string
		addr, n  uint64
		sentinel error
	}{
		{"All", 0, size, nil},
		{"First", 0, page, nil},
		{"Middle", page, 2 * page, nil},
		{"Last", 3 * page, page, nil},
		{"NothingAtStart", 0, 0, nil},
		{"NothingAtEnd", size, 0, nil},
		{"AddressUnaligned", 1, page, linmem.ErrInvalid},
		{"LengthUnaligned", page, page - 1, linmem.ErrInvalid},
		{"BothUnaligned", page - 1, page + 1, linmem.ErrInvalid},
		{"NothingUnaligned", 8, 0, linmem.ErrInvalid},
		{"OneTooMany", 0, size + page, linmem.ErrOutOfBounds},
		{"AtEnd", size, page, linmem.ErrOutOfBounds},
		{"NothingPastEnd", size + page, 0, linmem.ErrOutOfBounds},
		{"PastReservation", 64 * page, page, linmem.ErrOutOfBounds},
		{"EndOverflowsToZero", page, math.MaxUint64 - page + 1, linmem.ErrOutOfBounds},
		{"EndOverflowsInside", 2 * page, math.MaxUint64 - page + 1, linmem.ErrOutOfBounds},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := newMemory(t, 4, 8)
			b := mustView(t, m, 0, size)
			fill(b, 0xA5)
			want := bytes.Clone(b)
			err := m.Discard(c.addr, c.n)
			if c.sentinel != nil {
				wantError(t, err, c.sentinel, "nativemem.Discard", c.addr, c.n)
			} else {
				if err != nil {
					t.Fatal(err)
				}
				clear(want[c.addr:][:c.n])
			}
			if !bytes.Equal(b, want) {
				t.Error("the range does not read as zero, or its neighbors have changed")
			}
			fill(b, 0x5A) // what was discarded can be written again
			if prev := mustGrow(t, m, 1); prev != 4 {
				t.Errorf("Grow(1) = %d after Discard, want 4", prev)
			}
			checkZero(t, mustView(t, m, size, page), "the page behind")
		})
	}
}

func TestClosed(t *testing.T) {
	for _, c := range []struct{ initial, max uint64 }{{0, 0}, {0, 2}, {1, 2}, {2, 2}} {
		t.Run(fmt.Sprintf("%dOf%d", c.initial, c.max), func(t *testing.T) {
			m := newMemory(t, c.initial, c.max)
			if err := m.Close(); err != nil {
				t.Fatal(err)
			}
			if got := m.NumPages(); got != 0 {
				t.Errorf("NumPages() = %d, want 0", got)
			}
			for range 2 {
				checkDead(t, m, linmem.ErrClosed)
				wantError(t, m.Close(), linmem.ErrClosed, "nativemem.Close", 0, 0)
			}
		})
	}
}

// checkDead checks that everything but Close reports sentinel.
func checkDead(t *testing.T, m *Memory, sentinel error) {
	t.Helper()
	_, err := m.Grow(0)
	wantError(t, err, sentinel, "nativemem.Grow", 0, 0)
	_, err = m.Grow(3)
	wantError(t, err, sentinel, "nativemem.Grow", 0, 3*page)
	_, err = m.View(0, 0)
	wantError(t, err, sentinel, "nativemem.View", 0, 0)
	_, err = m.View(page, 7)
	wantError(t, err, sentinel, "nativemem.View", page, 7)
	wantError(t, m.Discard(page, page), sentinel, "nativemem.Discard", page, page)
	wantError(t, m.Discard(1, 1), sentinel, "nativemem.Discard", 1, 1)
}

// A Discard that fails half-way cannot be had on demand, so this begins where it would end.
func TestHole(t *testing.T) {
	m := newMemory(t, 2, 4)
	old := mustView(t, m, 0, page)
	m.abandon(errHole)
	if got := m.NumPages(); got != 0 {
		t.Errorf("NumPages() = %d, want 0", got)
	}
	checkDead(t, m, linmem.ErrCorrupt)
	old[0] = 1 // a view outside the hole still works
	if err := m.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	checkDead(t, m, linmem.ErrClosed)
}

func TestZeroValue(t *testing.T) {
	var m Memory
	mustView(t, &m, 0, 0)
	_, err := m.Grow(1)
	wantError(t, err, linmem.ErrOutOfMemory, "nativemem.Grow", 0, page)
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestAllocs(t *testing.T) {
	m := newMemory(t, 2, 4)
	for _, c := range []struct {
		name string
		call func()
	}{
		{"View", func() { sink, _ = m.View(page, 100) }},
		{"EmptyView", func() { sink, _ = m.View(2*page, 0) }},
		{"NumPages", func() { m.NumPages() }},
		{"GrowByNothing", func() { _, _ = m.Grow(0) }},
		{"RefusedGrow", func() { _, _ = m.Grow(3) }},
		{"OverflowingGrow", func() { _, _ = m.Grow(math.MaxUint64) }},
		{"Discard", func() { _ = m.Discard(0, page) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := testing.AllocsPerRun(100, c.call); got != 0 {
				t.Errorf("%v allocations a call, want 0", got)
			}
		})
	}
}

var sink []byte

func TestViewWhileGrowing(t *testing.T) {
	const max = 200
	m := newMemory(t, 1, max)
	base := unsafe.SliceData(mustView(t, m, 0, 1))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for reader := range uint64(3) {
		readers.Go(func() {
			for seen := uint64(0); ; {
				size := m.NumPages()
				if size < seen {
					t.Errorf("NumPages went from %d to %d", seen, size)
				}
				seen = size
				b, err := m.View(0, size*page)
				if err != nil {
					t.Errorf("View of all %d pages: %v", size, err)
					return
				}
				if unsafe.SliceData(b) != base {
					t.Error("the memory moved")
				}
				if last := (size-1)*page + reader; b[last] != 0 {
					t.Errorf("byte %#x of a new page is %d", last, b[last])
				}
				b[(size-1)*page+8+reader] = 1 // each reader has a byte of its own
				select {
				case <-stop:
					return
				default:
					runtime.Gosched() // wasm has one thread and no preemption
				}
			}
		})
	}

	// Growers on several goroutines must be given disjoint pages, all of them together.
	var growers sync.WaitGroup
	var owners [max]atomic.Int32
	for delta := range uint64(3) {
		growers.Go(func() {
			for {
				prev, err := m.Grow(delta + 1)
				if err != nil {
					if !errors.Is(err, linmem.ErrOutOfMemory) {
						t.Errorf("Grow: %v", err)
					}
					return
				}
				for i := range delta + 1 {
					owners[prev+i].Add(1)
				}
				if _, err := m.View(prev*page, (delta+1)*page); err != nil {
					t.Errorf("View of the pages that Grow just brought: %v", err)
				}
				runtime.Gosched()
			}
		})
	}
	growers.Wait()
	close(stop)
	readers.Wait()
	if got := m.NumPages(); got != max {
		t.Errorf("NumPages() = %d, want %d", got, max)
	}
	for i := range owners[1:] {
		if n := owners[i+1].Load(); n != 1 {
			t.Errorf("page %d was given to %d growers, want 1", i+1, n)
		}
	}
}

func TestWholeOf32Bits(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("65,536 pages are more than a slice holds on a 32-bit platform")
	}
	if !reserves() {
		t.Skipf("on %s the maximum is allocated at once: 4 GiB end the program", runtime.GOOS)
	}
	const max = 1 << 16
	m := newMemory(t, 1, max)
	first := mustView(t, m, 0, 1)
	for _, delta := range []uint64{1, 1000, max - 1002} {
		mustGrow(t, m, delta)
	}
	last := mustView(t, m, max*page-1, 1)
	first[0], last[0] = 1, 2
	all := mustView(t, m, 0, max*page)
	if a, b := all[0], all[len(all)-1]; a != 1 || b != 2 {
		t.Errorf("the first and last byte are %d and %d, want 1 and 2", a, b)
	}
	if _, err := m.Grow(1); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Grow(1) at the maximum: %v, want ErrOutOfMemory", err)
	}
}
