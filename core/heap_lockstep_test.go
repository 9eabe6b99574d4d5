package linmem_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	linmem "github.com/linmem/linmem/core"
)

// heapConfig is what a stream starts from.
type heapConfig struct {
	start, max, budget uint64 // pages
	sizes              []sizes
	pageZero           bool
	growth             policy
	best               bool // fit, not first fit
	gap                uint64
	source             bool // pages come from the guest's allocator
	onPages            bool // WithPages, of which the heap's user has pages too
	shared             bool // the heap is Shared, and has Locals
	moves              bool // the memory moves as it grows
	arenas             int  // how many arenas have memory at the moment; in the beginning none
}

// options are those of the Pages, which gets its pages from mem.
func (c heapConfig) options(mem *bytesMemory) []linmem.Option {
	pages := config{budget: c.budget, pageZero: c.pageZero, growth: c.growth, best: c.best, gap: c.gap}
	opts := pages.options(&mem.guestMemory)
	if c.source {
		opts = append(opts, linmem.WithSource(mem.arena))
	}
	return opts
}

// twinSteps is how long a heap and the one that was restored from its snapshot are held to the same answers.
const twinSteps = 60

// heapLockstep holds a heap to the oracle, call by call.
type heapLockstep struct {
	*side
	model *heapOracle
	used  [numArenas]bool // the arenas that have memory
	twin  *side           // the heap that the present one is a restored copy of
	until int             // when the twin is let go
	log   []heapOp
	seen  map[heapOutcome]int
}

// heapOutcome is how a call ended.
type heapOutcome struct {
	kind heapOpKind
	err  error // its class
}

func newHeapLockstep(c heapConfig, scratch []byte) (*heapLockstep, error) {
	mem := newBytesMemory(c.start, c.max, scratch)
	if mem.gap = c.gap; c.source {
		mem.gap = 0
	}
	if c.moves {
		mem.moving()
	}
	opts := c.options(mem)
	if c.onPages {
		pages, err := linmem.NewPages(mem, opts...)
		if err != nil {
			return nil, err
		}
		opts = with(linmem.WithPages(pages))
	}
	heap, err := linmem.NewHeap(mem, opts...)
	if err != nil {
		return nil, err
	}
	l := &heapLockstep{side: newSide(mem, heap, c.shared), seen: map[heapOutcome]int{}}
	l.model = &heapOracle{heapConfig: c, mem: mem}
	return l, nil
}

// do takes a step, and returns what is wrong with the answer, or with the state after it.
func (l *heapLockstep) do(o heapOp) error {
	l.log = append(l.log, o)
	if o.kind == heapRestore {
		l.seen[heapOutcome{o.kind, nil}]++
		return l.restore(o.size == 1)
	}
	if o.kind == guestScribbles {
		l.model.scribble()
		return l.compare()
	}
	room := l.model.hasRoom(l.heap.Pages(), o.size, max(o.align, 1))
	if l.twin != nil && (o.kind >= arenaAlloc && o.kind <= arenaFree || len(l.log) > l.until) {
		l.twin = nil
	}
	a := l.call(o)
	want := class(a.err)
	if e := (*linmem.Error)(nil); a.err != nil && !errors.As(a.err, &e) {
		return fmt.Errorf("returned %T, which is no *Error", a.err)
	}
	if l.twin != nil {
		if b := l.twin.call(o); b.addr != a.addr || class(b.err) != want || l.twin.mem.size != l.mem.size {
			return fmt.Errorf("returned %#x, %v, but the heap that was saved %#x, %v", a.addr, a.err, b.addr, b.err)
		}
	}
	if err := l.judge(o, a, room); err != nil {
		return err
	}
	l.seen[heapOutcome{o.kind, want}]++
	return l.compare()
}

// restore replaces the heap by one that is made from its snapshot, over a copy of the memory. Locals may be open.
func (l *heapLockstep) restore(open bool) error {
	old := l.side
	if l.model.shared && !open {
		if err := l.closeLocals(); err != nil {
			return err
		}
	}
	snapshot, err := old.heap.MarshalBinary()
	if err != nil {
		return err
	}
	mem := old.mem.clone()
	heap, err := linmem.RestoreHeap(mem, snapshot, l.model.options(mem)...)
	if err != nil {
		return err
	}
	again, err := heap.MarshalBinary()
	if same := bytes.Equal(again, snapshot); err != nil || old.heap.Pages().Stats().Size == mem.size && !same {
		return fmt.Errorf("the snapshot of %d bytes became another, of %d, %v", len(snapshot), len(again), err)
	}
	for i := range old.locals {
		if old.shared != nil && !open {
			old.locals[i] = old.shared.Local()
		}
	}
	heap.Pages().Freeze(l.model.frozen)
	l.side, l.twin, l.until = newSide(mem, heap, l.model.shared), old, len(l.log)+twinSteps
	l.model.mem = mem
	switch {
	case l.model.shared && open:
		l.twin = nil // its Locals have slots in hand, which are free in the copy
	case old.heap.Pages().Stats().Size < mem.size:
		l.twin = nil // it does not know yet that the guest has grown the memory
	}
	if err := l.adoptChunks(); err != nil {
		return err
	}
	return l.compare()
}

// closeLocals closes the Locals, after which they have nothing in hand.
func (l *heapLockstep) closeLocals() error {
	for i := range l.locals {
		if err := l.locals[i].Close(); err != nil {
			return err
		}
	}
	if stats := l.heap.Stats(); stats.Cached > 0 {
		return fmt.Errorf("all Locals are closed, and the stats are %+v", stats)
	}
	return nil
}

// adoptChunks makes blocks of what was the arenas' before the heap was restored.
func (l *heapLockstep) adoptChunks() error {
	blocks := l.model.ofArenaNumber(-1)
	for _, b := range blocks {
		if err := l.model.forget(b); err != nil {
			return err
		}
	}
	var chunks []*block
	for addr, size := range l.heap.All() {
		if l.model.first(addr) == nil {
			chunks = append(chunks, &block{addr: addr, size: size})
		}
	}
	for _, b := range blocks {
		if !slices.ContainsFunc(chunks, func(c *block) bool { return c.addr <= b.addr && b.end() <= c.end() }) {
			return fmt.Errorf("the arena's %v is in no allocation of the restored heap", b)
		}
	}
	if len(chunks) > 0 {
		l.twin = nil // it has arenas in their place
	}
	for _, c := range chunks {
		if err := l.model.place(c, 1); err != nil {
			return err
		}
	}
	l.used, l.model.arenas = [numArenas]bool{}, 0
	return nil
}

// compare returns the first difference between the heap and the oracle, or what Check finds.
func (l *heapLockstep) compare() error {
	live := l.model.blocks(ofHeap)
	if len(live) > 40 && len(l.log)%16 != 0 {
		return nil
	}
	return l.compareAll(live)
}

func (l *heapLockstep) compareAll(live []*block) error {
	if err := l.heap.Check(); err != nil {
		return err
	}
	want := map[uint64]uint64{}
	sum, last := uint64(0), uint64(0)
	for _, b := range live {
		want[b.addr] = b.size
		sum += b.size
	}
	for addr, size := range l.heap.All() {
		if addr <= last {
			return fmt.Errorf("All has %#x after %#x", addr, last)
		}
		last = addr
		if n, ok := want[addr]; !ok || n != size {
			return fmt.Errorf("All has %d bytes at %#x, want %d (%v)", size, addr, n, ok)
		}
		delete(want, addr)
	}
	if len(want) > 0 {
		return fmt.Errorf("All does not have %#x", slices.Sorted(maps.Keys(want)))
	}
	return l.compareStats(sum, uint64(len(live)))
}

// compareStats holds the counters to the sum and the number of the live allocations' usable bytes.
func (l *heapLockstep) compareStats(sum, n uint64) error {
	stats, pages := l.heap.Stats(), l.heap.Pages().Stats()
	if l.model.arenas == 0 && (stats.Live != sum || stats.Allocs != n) || stats.Live < sum || stats.Allocs < n {
		return fmt.Errorf("the stats are %+v, and %d allocations of %d bytes are live", stats, n, sum)
	}
	users := uint64(0)
	for _, b := range l.model.blocks(ofUser) {
		users += b.size
	}
	if want := pages.Allocated*linmem.PageSize - users; stats.Committed != want || stats.Live > want || stats.Requested > want {
		return fmt.Errorf("the stats are %+v, and the heap has %d bytes of pages", stats, want)
	}
	if pages.Owned > l.model.budget {
		return fmt.Errorf("owns %d pages, over the budget of %d", pages.Owned, l.model.budget)
	}
	if n == 0 && l.model.arenas == 0 && !l.model.shared && stats.Committed > 2*linmem.PageSize {
		return fmt.Errorf("has %d bytes of pages for nobody", stats.Committed)
	}
	return nil
}

// finish looks at everything once more, frees it, and sees that the pages come back.
func (l *heapLockstep) finish() error {
	if err := l.model.contents(); err != nil {
		return err
	}
	if err := l.compareAll(l.model.blocks(ofHeap)); err != nil {
		return err
	}
	for i, used := range l.used {
		if used {
			if err := l.do(heapOp{kind: arenaFree, arena: i}); err != nil {
				return err
			}
		}
	}
	for _, b := range l.model.blocks(ofHeap) {
		if err := l.do(heapOp{kind: heapFree, addr: b.addr}); err != nil {
			return err
		}
	}
	if l.model.shared {
		if err := l.closeLocals(); err != nil {
			return err
		}
		l.model.shared = false // from here on its memory comes back as that of any other
	}
	return l.compareAll(nil)
}

// story returns the stream so far, one step a line.
func (l *heapLockstep) story() string {
	var b strings.Builder
	c := l.model.heapConfig
	fmt.Fprintf(&b, "%+v\n", c)
	for _, o := range l.log {
		fmt.Fprintln(&b, o)
	}
	return b.String()
}
