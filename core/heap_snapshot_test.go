package linmem_test

import (
	"bytes"
	"encoding"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

var (
	_ encoding.BinaryAppender  = (*linmem.Heap)(nil)
	_ encoding.BinaryMarshaler = (*linmem.Heap)(nil)
)

// saveHeap returns the snapshot of a heap.
func saveHeap(tb testing.TB, h *linmem.Heap) []byte {
	tb.Helper()
	snapshot, err := h.MarshalBinary()
	if err != nil {
		tb.Fatal(err)
	}
	return snapshot
}

// heapStates are heaps that were used in different ways.
var heapStates = []struct {
	name string
	opts []linmem.Option
	use  func(tb testing.TB, h *linmem.Heap)
}{
	{"Nothing", nil, func(testing.TB, *linmem.Heap) {}},
	{"OneSlot", nil, func(tb testing.TB, h *linmem.Heap) { taken(tb, h, 64) }},
	{"OneRun", nil, func(tb testing.TB, h *linmem.Heap) { taken(tb, h, 100_000) }},
	{"Emptied", nil, func(tb testing.TB, h *linmem.Heap) { must(tb, h.Free(taken(tb, h, 64))) }},
	{"Reserved", nil, func(tb testing.TB, h *linmem.Heap) { must(tb, h.Reserve(300_000)) }},
	{"Refused", nil, func(tb testing.TB, h *linmem.Heap) {
		taken(tb, h, 1)
		if _, err := h.Alloc(1 << 30); err == nil {
			tb.Fatal("did not fail")
		}
	}},
	{"WithPageZero", with(linmem.WithPageZero()), func(tb testing.TB, h *linmem.Heap) {
		must(tb, h.Pages().Adopt(linmem.Range{Len: 1}))
		taken(tb, h, 30_000)
		taken(tb, h, 50)
	}},
	{"FullSpan", nil, func(tb testing.TB, h *linmem.Heap) {
		for range 5000 {
			taken(tb, h, 16)
		}
	}},
	{"LongSpans", nil, func(tb testing.TB, h *linmem.Heap) {
		for _, size := range []uint64{800, 1700, 6000} {
			for range 1 << 20 / size {
				taken(tb, h, size)
			}
		}
	}},
	{"Churned", nil, func(tb testing.TB, h *linmem.Heap) { churn(tb, h, 700) }},
	{"ChurnedAndReset", nil, func(tb testing.TB, h *linmem.Heap) {
		churn(tb, h, 300)
		must(tb, h.Reset())
	}},
	{
		"BestFit", with(linmem.WithPlacement(linmem.BestFit), linmem.WithGrowth(linmem.GrowBy(4))),
		func(tb testing.TB, h *linmem.Heap) { churn(tb, h, 300) },
	},
	{"UsersPages", nil, func(tb testing.TB, h *linmem.Heap) {
		taken(tb, h, 100)
		_, err := h.Pages().Alloc(2)
		must(tb, err)
		churn(tb, h, 100)
		_, err = h.Pages().Alloc(1)
		must(tb, err)
	}},
}

// churn allocates and frees.
func churn(tb testing.TB, h *linmem.Heap, steps int) {
	tb.Helper()
	r := rand.New(rand.NewPCG(9, 9))
	var live []uint64
	for range steps {
		if n := len(live); n > 0 && r.IntN(5) < 2 {
			at := r.IntN(n)
			must(tb, h.Free(live[at]))
			live[at] = live[n-1]
			live = live[:n-1]
			continue
		}
		if addr, err := h.Alloc(r.Uint64N(1 << (1 + r.IntN(17)))); err == nil {
			live = append(live, addr)
		}
	}
}

// A restored heap is the one that was saved, and goes on like it, address for address.
func TestRestoreHeap(t *testing.T) {
	for _, tt := range heapStates {
		t.Run(tt.name, func(t *testing.T) {
			old, mem := heapIn(t, 100, tt.opts...)
			tt.use(t, old)
			snapshot := saveHeap(t, old)
			copied := mem.clone()
			h, err := linmem.RestoreHeap(copied, snapshot, tt.opts...)
			if err != nil {
				t.Fatal(err)
			}
			sound(t, h)
			if got := saveHeap(t, h); !bytes.Equal(got, snapshot) {
				t.Errorf("the snapshot of %d bytes became another, of %d", len(snapshot), len(got))
			}
			if got, want := maps.Collect(h.All()), maps.Collect(old.All()); !maps.Equal(got, want) {
				t.Errorf("live are %v, want %v", got, want)
			}
			if got, want := h.Stats(), old.Stats(); got.Live != want.Live || got.Requested != want.Requested ||
				got.Committed != want.Committed || got.Allocs != want.Allocs || !slices.Equal(got.Classes, want.Classes) {
				t.Errorf("the stats are %+v, want %+v", got, want)
			}
			if got, want := h.Pages().Stats(), old.Pages().Stats(); got != want {
				t.Errorf("the stats of the pages are %+v, want %+v", got, want)
			}
			if copied.calls > mem.calls+10 {
				t.Errorf("called the memory %d times", copied.calls-mem.calls)
			}
			goOnAlike(t, old, h)
		})
	}
}

// goOnAlike has two heaps do the same, and fails if they do not.
func goOnAlike(t *testing.T, a, b *linmem.Heap) {
	t.Helper()
	r := rand.New(rand.NewPCG(10, 10))
	live := slices.Collect(keys(a))
	for i := range 600 {
		if n := len(live); n > 0 && r.IntN(2) == 0 {
			at := r.IntN(n)
			if err := a.Free(live[at]); err != nil {
				t.Fatal(err)
			}
			if err := b.Free(live[at]); err != nil {
				t.Fatalf("step %d: Free(%#x) returned %v", i, live[at], err)
			}
			live[at] = live[n-1]
			live = live[:n-1]
			continue
		}
		size, align := r.Uint64N(1<<(1+r.IntN(17))), uint64(1)<<r.IntN(14)
		want, wantErr := a.AllocAligned(size, align)
		got, err := b.AllocAligned(size, align)
		if got != want || class(err) != class(wantErr) {
			t.Fatalf("step %d: AllocAligned(%d, %d) returned %#x, %v, want %#x, %v", i, size, align, got, err, want, wantErr)
		}
		if err == nil {
			live = append(live, got)
		}
	}
	if !bytes.Equal(saveHeap(t, a), saveHeap(t, b)) {
		t.Error("in the end the snapshots differ")
	}
	sound(t, b)
}

// What was an arena's is an allocation like any other then.
func TestRestoreHeapWithArenas(t *testing.T) {
	old, mem := heapIn(t, 100)
	mine := taken(t, old, 100)
	arena := old.NewArena()
	var blocks []uint64
	for i := range uint64(100) {
		addr, err := arena.Put(patterned(i * 30))
		must(t, err)
		blocks = append(blocks, addr)
	}
	want := old.Stats()
	h, err := linmem.RestoreHeap(mem, saveHeap(t, old))
	must(t, err)
	if got := h.Stats(); got.Live != want.Live || got.Allocs != want.Allocs {
		t.Errorf("the stats are %+v, want %+v", got, want)
	}
	n, sum := uint64(0), uint64(0)
	for i, addr := range blocks {
		if view, err := h.View(addr, uint64(i)*30); err != nil || !filled(view, uint64(i)*30) {
			t.Errorf("the block of %d bytes at %#x: %v", i*30, addr, err)
		}
	}
	for addr, size := range maps.Collect(h.All()) {
		n++
		sum += size
		if usable, err := h.SizeOf(addr); err != nil || usable != size {
			t.Errorf("SizeOf(%#x) returned %d, %v, want %d", addr, usable, err, size)
		}
		must(t, h.Free(addr))
	}
	if n != want.Allocs || sum != want.Live {
		t.Errorf("All has %d allocations of %d bytes, want %d of %d", n, sum, want.Allocs, want.Live)
	}
	if err := h.Free(mine); class(err) != linmem.ErrNotAllocated {
		t.Errorf("it is freed already: %v", err)
	}
	sound(t, h)
	if stats := h.Stats(); stats.Live != 0 || stats.Committed > 2*linmem.PageSize {
		t.Errorf("in the end the stats are %+v", stats)
	}
}

func TestAppendHeapSnapshot(t *testing.T) {
	h, _ := heapIn(t, 100)
	churn(t, h, 100)
	snapshot := saveHeap(t, h)
	got, err := h.AppendBinary([]byte("before"))
	if err != nil || !bytes.Equal(got, append([]byte("before"), snapshot...)) {
		t.Errorf("appended %x, %v, want %x", got, err, snapshot)
	}
}

func TestRestoreHeapErrors(t *testing.T) {
	old, mem := heapIn(t, 100)
	churn(t, old, 300)
	snapshot := saveHeap(t, old)
	held := old.Pages().Stats().Owned
	pages, err := linmem.NewPages(mem)
	must(t, err)
	zero, zeroMem := heapIn(t, 10, linmem.WithPageZero())
	must(t, zero.Pages().Adopt(linmem.Range{Len: 1}))
	taken(t, zero, 40_000)
	closed := mem.clone()
	closed.closed = true
	tests := []struct {
		name     string
		mem      linmem.Memory
		snapshot []byte
		opts     []linmem.Option
		err      error
	}{
		{"Whole", mem, snapshot, nil, nil},
		{"WithPages", mem, snapshot, with(linmem.WithPages(pages)), linmem.ErrInvalid},
		{"NilMemory", nil, snapshot, nil, linmem.ErrInvalid},
		{"BudgetThatIsEnough", mem, snapshot, with(linmem.WithMaxPages(held)), nil},
		{"BudgetThatIsNot", mem, snapshot, with(linmem.WithMaxPages(held - 1)), linmem.ErrOutOfMemory},
		{"SmallerMemory", newBytesMemory(mem.size-1, 100, nil), snapshot, nil, linmem.ErrCorrupt},
		{"EmptyMemory", newBytesMemory(0, 0, nil), snapshot, nil, linmem.ErrCorrupt},
		{"LargerMemory", newBytesMemory(mem.size+1, 200, nil), snapshot, nil, nil},
		{"ClosedMemory", closed, snapshot, nil, linmem.ErrClosed},
		{"PageZeroWithheld", zeroMem, saveHeap(t, zero), nil, linmem.ErrInvalid},
		{"PageZeroAllowed", zeroMem, saveHeap(t, zero), with(linmem.WithPageZero()), nil},
		{"OfPages", mem, save(t, old.Pages()), nil, linmem.ErrCorrupt},
		{"Nil", mem, nil, nil, linmem.ErrCorrupt},
		{"Empty", mem, []byte{}, nil, linmem.ErrCorrupt},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, err := linmem.RestoreHeap(tt.mem, tt.snapshot, tt.opts...)
			if class(err) != tt.err || (h == nil) != (err != nil) {
				t.Fatalf("returned %v, %v, want the error %v", h, err, tt.err)
			}
			if e := (*linmem.Error)(nil); err != nil && !errors.As(err, &e) {
				t.Errorf("returned %T, which is no *Error", err)
			}
			if h != nil {
				sound(t, h)
			}
		})
	}
	if _, err := linmem.RestorePages(mem, snapshot); class(err) != linmem.ErrCorrupt {
		t.Errorf("a heap's snapshot is taken for one of pages: %v", err)
	}
}
