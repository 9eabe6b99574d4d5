package linmem_test

import (
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// These memories are almost as large as the address space, so that sums of pages come near to all that can be.
func TestTopOfSpace(t *testing.T) {
	const top = linmem.Page(spacePages)
	tests := []struct {
		name  string
		left  uint64 // pages between the memory's end and the top
		call  call
		err   error
		asked []uint64
		free  []linmem.Range
		runs  []linmem.Range
	}{
		{"Last", 1, alloc(1), nil, []uint64{1}, nil, []linmem.Range{{top - 1, 1}}},
		{"AllThatIsLeft", 5, alloc(5), nil, []uint64{5}, nil, []linmem.Range{{top - 5, 5}}},
		{"OneTooMany", 5, alloc(6), linmem.ErrOutOfMemory, nil, nil, nil},
		{"NoneLeft", 0, alloc(1), linmem.ErrOutOfMemory, nil, nil, nil},
		{"AllThereIs", 5, alloc(spacePages), linmem.ErrOutOfMemory, nil, nil, nil},
		{"AlignedToTheTop", 5, allocAligned(1, spacePages), linmem.ErrOutOfMemory, nil, nil, nil},
		{"AlignedPastTheTop", 5, allocAligned(1, spacePages/2), linmem.ErrOutOfMemory, nil, nil, nil},
		{"AlignedAboveTheSpace", 5, allocAligned(1, 2*spacePages), linmem.ErrInvalid, nil, nil, nil},
		{
			"AlignedBelowTheTop", 5, allocAligned(1, 4),
			nil,
			[]uint64{2},
			[]linmem.Range{{top - 5, 1}},
			[]linmem.Range{{top - 4, 1}},
		},
		{"ReserveTheRest", 5, reserve(5), nil, []uint64{5}, []linmem.Range{{top - 5, 5}}, nil},
		{"ReserveTooMuch", 5, reserve(6), linmem.ErrOutOfMemory, nil, nil, nil},
		{"FreeTheLast", 1, then(alloc(1), freeRange(top-1, 1)), nil, []uint64{1}, []linmem.Range{{top - 1, 1}}, nil},
		{
			"FreePastTheLast", 1, then(alloc(1), failing(linmem.ErrNotAllocated, freeRange(top-1, 2))),
			nil,
			[]uint64{1},
			nil,
			[]linmem.Range{{top - 1, 1}},
		},
		{
			"ResizeToTheTop", 5, then(alloc(1), resizeRange(top-5, 1, 5)),
			nil,
			[]uint64{1, 4},
			nil,
			[]linmem.Range{{top - 5, 5}},
		},
		{
			"ResizePastTheTop", 5, then(alloc(1), resizeRange(top-5, 1, 6)),
			linmem.ErrOutOfMemory,
			[]uint64{1},
			nil,
			[]linmem.Range{{top - 5, 1}},
		},
		{
			"ResizeToAll", 5, then(alloc(1), resizeRange(top-5, 1, spacePages)),
			linmem.ErrOutOfMemory,
			[]uint64{1},
			nil,
			[]linmem.Range{{top - 5, 1}},
		},
		{"AdoptTheLast", 0, adopt(top-2, 2), nil, nil, []linmem.Range{{top - 2, 2}}, nil},
		{"AdoptPastTheLast", 0, adopt(top-1, 2), linmem.ErrInvalid, nil, nil, nil},
		{
			"AdoptedIsAllocated", 0, then(adopt(top-2, 2), allocAligned(1, 2)),
			nil, nil,
			[]linmem.Range{{top - 1, 1}},
			[]linmem.Range{{top - 2, 1}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			mem := &guestMemory{size: spacePages - tt.left, max: spacePages}
			p, err := linmem.NewPages(mem)
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.call(&scene{mem: mem, pages: p}); class(err) != tt.err {
				t.Errorf("returned the error %v, want %v", err, tt.err)
			}
			if !slices.Equal(mem.asked, tt.asked) {
				t.Errorf("asked the memory to grow by %v, want %v", mem.asked, tt.asked)
			}
			if got := slices.Collect(p.FreeRanges()); !slices.Equal(got, tt.free) {
				t.Errorf("free are %v, want %v", got, tt.free)
			}
			if got := slices.Collect(p.Allocated()); !slices.Equal(got, tt.runs) {
				t.Errorf("allocated are %v, want %v", got, tt.runs)
			}
			if err := p.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A large request to a small memory is the memory's to refuse, as long as the space could hold it.
func TestLargeRequests(t *testing.T) {
	tests := []struct {
		name  string
		call  call
		asked []uint64
	}{
		{"TheRestOfTheSpace", alloc(spacePages - 2), []uint64{spacePages - 2}},
		{"OneMoreThanTheRest", alloc(spacePages - 1), nil},
		{"HalfTheSpaceAligned", allocAligned(spacePages/2, spacePages/2), []uint64{spacePages - 2}},
		{"MoreThanHalfAligned", allocAligned(spacePages/2+1, spacePages/2), nil},
		{"ResizeToTheTop", resize('a', spacePages-1), []uint64{spacePages - 2}},
		{"ResizePastTheTop", resize('a', spacePages), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := draw(t, "#a")
			s.mem.max = 100
			if err := tt.call(s); class(err) != linmem.ErrOutOfMemory {
				t.Errorf("returned the error %v, want %v", err, linmem.ErrOutOfMemory)
			}
			if !slices.Equal(s.mem.asked, tt.asked) {
				t.Errorf("asked the memory to grow by %v, want %v", s.mem.asked, tt.asked)
			}
			if got := s.String(); got != "#a" {
				t.Errorf("the pages are %q", got)
			}
		})
	}
}

// lyingMemory claims to have been larger than any memory when it grew.
type lyingMemory struct {
	guestMemory
	claims uint64
}

func (m *lyingMemory) Grow(delta uint64) (uint64, error) {
	_, err := m.guestMemory.Grow(delta)
	return m.claims, err
}

func TestMemoryPastTheSpace(t *testing.T) {
	for _, claims := range []uint64{spacePages - 1, spacePages, spacePages + 1, 1<<64 - 2, 1<<64 - 1} {
		p, err := linmem.NewPages(&lyingMemory{guestMemory{size: 1, max: 100}, claims})
		if err != nil {
			t.Fatal(err)
		}
		if r, err := p.Alloc(2); class(err) != linmem.ErrCorrupt {
			t.Errorf("with a memory of %d pages, Alloc returned %v, %v; want %v", claims, r, err, linmem.ErrCorrupt)
		}
	}
}

func TestAdoptOfMemoryPastTheSpace(t *testing.T) {
	s := draw(t, "##")
	s.mem.size = spacePages + 1
	if err := adopt(1, 1)(s); class(err) != linmem.ErrCorrupt {
		t.Errorf("returned the error %v, want %v", err, linmem.ErrCorrupt)
	}
}

func TestUnits(t *testing.T) {
	r := linmem.Range{Start: 3, Len: 2}
	if r.End() != 5 || r.Addr() != 3<<16 || r.Bytes() != 2<<16 || r.String() != "[3,5)" {
		t.Errorf("%v ends at %d, begins at byte %d and has %d bytes", r, r.End(), r.Addr(), r.Bytes())
	}
	if got := linmem.Page(spacePages - 1).Addr(); got != 1<<64-1<<16 {
		t.Errorf("the last page begins at %#x", got)
	}
}
