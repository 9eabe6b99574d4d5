package linmem_test

import (
	"errors"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// Sizes and addresses in an error are bytes, also where the call counts pages.
func TestErrorFields(t *testing.T) {
	const page = linmem.PageSize
	tests := []struct {
		name       string
		before     string
		script     []growth
		call       call
		op         string
		addr, size uint64
		err        error
	}{
		{"AllocRefused", "#a", []growth{{refuse: true}}, alloc(3), "Pages.Alloc", 0, 3 * page, linmem.ErrOutOfMemory},
		{"AllocZero", "#a", nil, alloc(0), "Pages.Alloc", 0, 0, linmem.ErrInvalid},
		{"AllocTooMuch", "#a", nil, alloc(spacePages + 7), "Pages.Alloc", 0, 1<<64 - 1, linmem.ErrInvalid},
		{"Aligned", "#a", nil, allocAligned(2, 3), "Pages.AllocAligned", 0, 2 * page, linmem.ErrInvalid},
		{
			"AlignedRefused", "#a",
			[]growth{{refuse: true}},
			allocAligned(2, 4),
			"Pages.AllocAligned", 0, 2 * page, linmem.ErrOutOfMemory,
		},
		{"Reserve", "#a", []growth{{refuse: true}}, reserve(4), "Pages.Reserve", 0, 4 * page, linmem.ErrOutOfMemory},
		{"Free", "#aab", nil, freeRange(1, 1), "Pages.Free", page, page, linmem.ErrNotAllocated},
		{"FreeForeign", "##a", nil, freeRange(0, 2), "Pages.Free", 0, 2 * page, linmem.ErrNotAllocated},
		{"ResizeNotARun", "#aab", nil, resizeRange(2, 1, 9), "Pages.Resize", 2 * page, page, linmem.ErrNotAllocated},
		{"ResizeNoRoom", "#ab", nil, resize('a', 5), "Pages.Resize", page, 5 * page, linmem.ErrOutOfMemory},
		{"ResizeZero", "#ab", nil, resize('b', 0), "Pages.Resize", 2 * page, 0, linmem.ErrInvalid},
		{"Adopt", "#a", nil, adopt(1, 1), "Pages.Adopt", page, page, linmem.ErrInvalid},
		{"AdoptPastTheEnd", "#a", nil, adopt(7, 3), "Pages.Adopt", 7 * page, 3 * page, linmem.ErrOutOfBounds},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, tt.before)
			s.mem.script = tt.script
			err := tt.call(s)
			var e *linmem.Error
			if !errors.As(err, &e) {
				t.Fatalf("returned %#v, which is no *Error", err)
			}
			if e.Op != tt.op || e.Addr != tt.addr || e.Size != tt.size || !errors.Is(e.Err, tt.err) {
				t.Errorf("returned %+v, want %s at %d of %d bytes: %v", *e, tt.op, tt.addr, tt.size, tt.err)
			}
			if e.Unwrap() != e.Err {
				t.Errorf("unwraps to %v, want %v", e.Unwrap(), e.Err)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	because := errors.New("because")
	tests := []struct {
		err  linmem.Error
		want string
	}{
		{linmem.Error{Op: "Op", Err: because}, "linmem: Op: because"},
		{linmem.Error{Op: "Op", Size: 7, Err: because}, "linmem: Op of 7 bytes: because"},
		{linmem.Error{Op: "Op", Size: 2 << 16, Err: because}, "linmem: Op of 131072 bytes (2 pages): because"},
		{linmem.Error{Op: "Op", Addr: 0xABC, Err: because}, "linmem: Op at 0xabc: because"},
		{linmem.Error{Op: "Op", Addr: 1 << 48, Size: 1, Err: because}, "linmem: Op of 1 bytes at 0x1000000000000: because"},
	}
	for _, tt := range tests {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("the text is %q, want %q", got, tt.want)
		}
	}
}

// A caller may keep an error, or print it elsewhere, while the allocator goes on failing.
func TestErrorsStay(t *testing.T) {
	s := draw(t, "#aab")
	s.mem.max = s.mem.size
	var kept []*linmem.Error
	var was []linmem.Error
	for i := range uint64(300) {
		for _, err := range []error{alloc(i + 1)(s), freeRange(2, i)(s), resize('a', i+3)(s)} {
			var e *linmem.Error
			if !errors.As(err, &e) {
				t.Fatalf("returned %#v, which is no *Error", err)
			}
			kept, was = append(kept, e), append(was, *e)
		}
	}
	for i, e := range kept {
		if *e != was[i] {
			t.Fatalf("error %d was %+v and became %+v", i, was[i], *e)
		}
	}
}

func TestErrorPool(t *testing.T) {
	var pool linmem.ErrorPool
	because := errors.New("because")
	first := pool.Get("Op", 1, 2, because)
	if again := pool.Get("Op", 1, 2, because); again != first {
		t.Errorf("the same failure again is another error: %v", again)
	}
	others := []error{
		pool.Get("Other", 1, 2, because),
		pool.Get("Op", 9, 2, because),
		pool.Get("Op", 1, 9, because),
		pool.Get("Op", 1, 2, linmem.ErrClosed),
	}
	for _, other := range others {
		if other == first || other.Error() == first.Error() {
			t.Errorf("another failure is the same error: %v", other)
		}
	}
	if want := "linmem: Op of 2 bytes at 0x1: because"; first.Error() != want {
		t.Errorf("the first error became %q", first)
	}
	const most = 1<<64 - 1
	sizes := map[uint64]uint64{0: 0, 3: 3 << 16, spacePages - 1: most - 1<<16 + 1, spacePages: most, 1 << 63: most}
	for n, size := range sizes {
		if got := pool.GetPages("Op", 0, n, because).(*linmem.Error).Size; got != size {
			t.Errorf("%d pages are reported as %d bytes, want %d", n, got, size)
		}
	}
}

// manyErrors is an error that must not be compared with ==, as lists of errors are.
type manyErrors []error

func (e manyErrors) Error() string { return errors.Join(e...).Error() }

// A pool is given whatever a runtime reports.
func TestErrorPoolOfUncomparable(t *testing.T) {
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("panics: %v", r)
		}
	}()
	var pool linmem.ErrorPool
	cause := manyErrors{errMaximum}
	for range 2 {
		if err := errors.Unwrap(pool.Get("Op", 0, 0, cause)); err.Error() != cause.Error() {
			t.Errorf("wraps %v", err)
		}
	}
}

func TestNewPages(t *testing.T) {
	tests := []struct {
		name string
		mem  linmem.Grower
		err  error
	}{
		{"Nil", nil, linmem.ErrInvalid},
		{"Empty", &guestMemory{}, nil},
		{"AllOfTheSpace", &guestMemory{size: spacePages}, nil},
		{"MoreThanTheSpace", &guestMemory{size: spacePages + 1}, linmem.ErrCorrupt},
		{"MostOfAll", &guestMemory{size: 1<<64 - 1}, linmem.ErrCorrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := linmem.NewPages(tt.mem)
			if class(err) != tt.err {
				t.Fatalf("returned the error %v, want %v", err, tt.err)
			}
			if (p == nil) != (err != nil) {
				t.Errorf("returned %v beside %v", p, err)
			}
			if e := (*linmem.Error)(nil); err != nil && (!errors.As(err, &e) || e.Op != "NewPages") {
				t.Errorf("returned %#v, want an *Error of NewPages", err)
			}
		})
	}
}

func TestClosed(t *testing.T) {
	shut := func(s *scene) error { s.mem.closed = true; return nil }
	runClosed := []struct {
		name  string
		call  call
		err   error
		after string
	}{
		{"Alloc", alloc(4), linmem.ErrClosed, "#a.b."},
		{"AllocAligned", allocAligned(1, 8), linmem.ErrClosed, "#a.b."},
		{"Reserve", reserve(4), linmem.ErrClosed, "#a.b."},
		{"Resize", resize('b', 4), linmem.ErrClosed, "#a.b."},
		{"Adopt", adopt(1, 1), linmem.ErrClosed, "#a.b."},
		{"Check", func(s *scene) error { return s.pages.Check() }, linmem.ErrClosed, "#a.b."},
		{"WhatNeedsNoMemory", then(alloc(1), free("b")), nil, "#aX.."},
	}
	for _, tt := range runClosed {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, "#a.b.")
			if err := then(shut, tt.call)(s); class(err) != tt.err {
				t.Errorf("returned the error %v, want %v", err, tt.err)
			}
			if got := s.String(); got != tt.after {
				t.Errorf("the pages are %q, want %q", got, tt.after)
			}
		})
	}
}

// A linear memory never shrinks. One that does is not believed.
func TestShrunk(t *testing.T) {
	shrink := func(s *scene) error { s.mem.size -= 2; return nil }
	tests := []struct {
		name string
		call call
	}{
		{"Alloc", alloc(4)},
		{"Reserve", reserve(4)},
		{"Resize", resize('b', 3)},
		{"Adopt", adopt(1, 1)},
		{"Check", func(s *scene) error { return s.pages.Check() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, "#a.b.")
			if err := then(shrink, tt.call)(s); class(err) != linmem.ErrCorrupt {
				t.Errorf("returned the error %v, want %v", err, linmem.ErrCorrupt)
			}
			// The growth that gave the memory away is not taken back; its pages are not the allocator's.
			if got, want := strings.TrimRight(s.String(), "?"), "#a.b."; got != want {
				t.Errorf("the pages are %q, want %q", got, want)
			}
		})
	}
}

// What the reader of an error is to do depends on why there was no memory.
func TestReasons(t *testing.T) {
	tests := []struct {
		name   string
		before string
		opts   []linmem.Option
		frozen bool
		script []growth
		call   call
		says   string
	}{
		{name: "Refused", before: "#", script: []growth{{refuse: true}}, call: alloc(1), says: "refused"},
		{name: "Budget", before: "#", opts: with(linmem.WithMaxPages(0)), call: alloc(1), says: "WithMaxPages"},
		{name: "Frozen", before: "#", frozen: true, call: alloc(1), says: "Freeze"},
		{name: "Taken", before: "#ab", call: resize('a', 2), says: "taken"},
		{name: "Displaced", before: "#a?", call: resize('a', 2), says: "guest grew"},
		{name: "PageZero", before: "##", call: adopt(0, 1), says: "WithPageZero"},
		{name: "Alignment", before: "##", call: allocAligned(1, 3), says: "power of two"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, tt.before, tt.opts...)
			s.pages.Freeze(tt.frozen)
			s.mem.script = tt.script
			err := tt.call(s)
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error is %v, want one that says %q", err, tt.says)
			}
		})
	}
}

// An Error may be built by anyone, and an option may be nil by mistake: neither is worth a panic.
func TestNothingWhereSomethingIsUsual(t *testing.T) {
	if got, want := (&linmem.Error{Op: "Test", Size: 65536}).Error(), "linmem: Test of 65536 bytes (1 page) failed"; got != want {
		t.Errorf("an Error without a reason says %q, want %q", got, want)
	}
	if _, err := linmem.NewPages(&toyMemory{size: 1, max: 1}, nil, linmem.WithMaxPages(1)); err != nil {
		t.Errorf("NewPages with a nil option: %v", err)
	}
}
