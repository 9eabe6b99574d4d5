package linmem

import (
	"errors"
	"strings"
	"testing"
)

// viewless is a memory whose bytes nobody looks at.
type viewless struct{ fixedMemory }

func (m *viewless) View(uint64, uint64) ([]byte, error) { return nil, ErrUnsupported }

// heapParts are places in a heap that has something of everything, by the position of their first unit.
type heapParts struct {
	h                         *Heap
	span, lent, run, freeUnit uint64
	local                     *Local
	spanClass, lentClass      *class
}

// healthyHeap returns a heap with a span that has free slots, one kept empty, a full one, a lent one, a run, a chunk, free
// units, and a page of Pages behind its own.
func healthyHeap(t *testing.T) heapParts {
	t.Helper()
	h, err := NewHeap(&viewless{fixedMemory{1}})
	if err != nil {
		t.Fatal(err)
	}
	position := func(addr uint64, err error) uint64 {
		if err != nil {
			t.Fatal(err)
		}
		b, ok := h.find(addr)
		if !ok {
			t.Fatalf("%#x is not allocated", addr)
		}
		return b.pos
	}
	p := heapParts{h: h}
	p.span = position(h.Alloc(100))
	addr, err := h.Alloc(200)
	position(addr, err)
	if err := h.Free(addr); err != nil {
		t.Fatal(err)
	}
	position(h.Alloc(1024)) // a span of one slot
	p.run = position(h.Alloc(20_000))
	addr, err = h.NewArena().Alloc(10)
	position(addr, err)
	if _, err := h.Pages().Alloc(1); err != nil { // somebody else's
		t.Fatal(err)
	}
	p.local = NewShared(h).Local()
	p.lent = position(p.local.Alloc(500))
	p.freeUnit, _ = h.m.Find(1)
	p.freeUnit, _ = h.m.Position(p.freeUnit)
	p.spanClass, p.lentClass = &h.classes[classFor(100)], &h.classes[classFor(500)]
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// Whatever is spoiled, Check finds it, and says what.
func TestHeapCheckFinds(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(heapParts)
		want  string
	}{
		{"PagesHeld", func(p heapParts) { p.h.nHeld++ }, "counted"},
		{"WholePages", func(p heapParts) { p.h.nWhole++ }, "counted"},
		{"Runs", func(p heapParts) { p.h.nRuns++ }, "counted"},
		{"Chunks", func(p heapParts) { p.h.nChunks-- }, "counted"},
		{"UnitsInRuns", func(p heapParts) { p.h.runUnits-- }, "counted"},
		{"BytesInRuns", func(p heapParts) { p.h.runBytes++ }, "counted"},
		{"Spans", func(p heapParts) { p.spanClass.nSpans++ }, "class of 112 bytes: counted"},
		{"Slots", func(p heapParts) { p.spanClass.nSlots++ }, "class of 112 bytes: counted"},
		{"SlotsInUse", func(p heapParts) { p.spanClass.allocs++ }, "class of 112 bytes: counted"},
		{"LiveBit", func(p heapParts) { p.h.units[p.span].live |= 2 }, "class of 112 bytes: counted"},
		{"LiveBitPastTheEnd", func(p heapParts) { p.h.units[p.span].live |= 1 << 63 }, "slots past the end"},
		{"LiveInsideASpan", func(p heapParts) { p.h.units[p.lent+1].live = 1 }, "a unit does not know its span"},
		{"HeadInsideASpan", func(p heapParts) { p.h.units[p.lent+1].head = 0 }, "a unit does not know its span"},
		{"NoSuchClass", func(p heapParts) { p.h.units[p.span].head |= 63 }, "there is no class 63"},
		{"SlotsOfASpan", func(p heapParts) { p.h.units[p.span].head += 1 << 16 }, "slots in"},
		{"HeadOfFreeUnits", func(p heapParts) { p.h.units[p.freeUnit].head |= head(classRun) }, "free units belong to something"},
		{"LiveOfFreeUnits", func(p heapParts) { p.h.units[p.freeUnit].live = 1 }, "free units belong to something"},
		{"RunTooLong", func(p heapParts) { p.h.units[p.run].live += unitSize }, "an allocation of"},
		{"RunForgotten", func(p heapParts) { p.h.units[p.run].head &= headHeld }, "there is no class 0"},
		{"MarkForgotten", func(p heapParts) { p.h.m.Unmark(p.h.m.PageAt(p.run)) }, "an allocation of"},
		{"PageNotHeld", func(p heapParts) { p.h.units[unitsPerPage].head &^= headHeld }, "a page that is not held is in use"},
		{"PageOfOthers", func(p heapParts) { _ = p.h.p.Free(Range{1, 1}) }, "no allocation of Pages"},
		{"OpenSpanForgotten", func(p heapParts) { p.spanClass.open.Remove(p.span) }, "is not to be found"},
		{"OpenSpanInvented", func(p heapParts) { p.spanClass.open.Add(p.run) }, "a span with free slots is none"},
		{"EmptySpanForgotten", func(p heapParts) { p.h.classes[classFor(200)].spare = 0 }, "an empty span is not the one"},
		{"CurrentSpan", func(p heapParts) { p.spanClass.cur++ }, "slots are not taken from the lowest span"},
		{"NoCurrentSpan", func(p heapParts) { p.spanClass.full = 0 }, "slots are not taken from the lowest span"},
		{"BaseOfCurrentSpan", func(p heapParts) { p.spanClass.base += 16 }, "where the current span is"},
		{"LentSpanOpen", func(p heapParts) { p.lentClass.open.Add(p.lent) }, "a span is lent, and its Local does not know"},
		{"LentSpanMoved", func(p heapParts) { p.local.spans[0].base += unitSize }, "a span is lent, and its Local does not know"},
		{"Map", func(p heapParts) { p.h.m.Mark(p.h.m.PageAt(p.freeUnit)) }, "free and marked"},
		{"Pages", func(p heapParts) { p.h.p.nFree++ }, "counted"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := healthyHeap(t)
			tt.spoil(p)
			if err := p.h.Check(); !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Check says %v, want something with %q", err, tt.want)
			}
		})
	}
}
