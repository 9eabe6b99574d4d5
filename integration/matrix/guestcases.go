package matrix

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
)

// allOfIt is how many bytes a guest allocates, frees in between.
const allOfIt = 64 << 20

// strategies are all of guest.Open.
var strategies = []guest.Strategy{guest.Arena, guest.HeapBase, guest.Grow, guest.Donate, guest.Gap}

// opensGuests opens each real guest by each strategy: one that guest.Open says is safe must keep host and guest apart
// through all that they allocate, and one that it refuses must be refused for a reason, which is shown by growing the memory
// behind its back. What comes out is a line of the table in the README.
func opensGuests(t *testing.T, e engines.Engine) {
	if testing.Short() {
		t.Skip("-short leaves guests out: they take minutes under the race detector, and nothing runs beside them")
	}
	table := newGuestTable(t, e)
	for _, g := range allGuests() {
		t.Run(g.Name, func(t *testing.T) {
			f := newGuestFixture(t, e, g)
			f.judge()
			for _, early := range []bool{false, true} {
				f.growsBehindItsBack(early)
			}
			f.placesByDefault()
			for _, s := range strategies {
				t.Run(string(s), func(t *testing.T) { f.places(t, s) })
			}
			for _, s := range []guest.Strategy{guest.Donate, guest.Gap} {
				t.Run(string(s)+"-to-the-limit", func(t *testing.T) { f.runsOut(t, s) })
			}
			if !t.Failed() && f.nTried == len(strategies) { // else some were not to be run
				table.row(t, f)
			}
		})
	}
}

// allGuests are the guests of the table.
func allGuests() []guests.Guest { return append(guests.Memory(), tinyGo) }

// guestFixture is a guest, and what has been found out about it.
type guestFixture struct {
	*testing.T
	engine   engines.Engine
	guest    guests.Guest
	report   *guest.Report
	verdict  *guest.Verdict
	row      guestRow
	nTried   int    // strategies
	nHost    uint64 // bytes that the host puts
	nGuest   uint64 // bytes that the guest allocates
	canLimit bool
}

func newGuestFixture(t *testing.T, e engines.Engine, g guests.Guest) *guestFixture {
	t.Helper()
	r, err := guest.Inspect(g.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	f := &guestFixture{T: t, engine: e, guest: g, report: r, nHost: 1 << 20, nGuest: allOfIt}
	switch {
	case e.Interprets:
		f.nHost, f.nGuest = 1<<18, 1<<19
	case e.Slow:
		f.nGuest = 4 << 20
	}
	if f.nGuest != allOfIt {
		t.Logf("the guest allocates %d KiB instead of %d MiB", f.nGuest>>10, allOfIt>>20)
	}
	f.row = guestRow{name: g.Name, toolchain: g.Toolchain}
	return f
}

// open returns a new instance. If the guest has the host provide its allocator, there is none yet.
func (f *guestFixture) open(t testing.TB) guest.Instance {
	t.Helper()
	inst, stop, err := f.engine.Open(context.Background(), f.guest.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	if f.guest.Name == tinyGo.Name {
		return withTake(inst)
	}
	return inst
}

// openAlone returns an instance that allocates without the host's heap under test: where it imports its allocator, from a
// heap of its own that grows the memory, as a guest's own allocator would.
func (f *guestFixture) openAlone(t testing.TB) guest.Instance {
	t.Helper()
	inst := f.open(t)
	if len(f.report.AllocatorImports) > 0 {
		h, err := linmem.NewHeap(inst.Memory())
		if err != nil {
			t.Fatal(err)
		}
		if err := inst.(engines.Binder).Bind(h); err != nil {
			t.Fatal(err)
		}
	}
	return inst
}

// judge has the guest probed, and holds the report to what that finds.
func (f *guestFixture) judge() {
	f.Helper()
	scratch := func(context.Context) (guest.Instance, func(), error) { return f.openAlone(f), func() {}, nil }
	v, err := guest.Probe(context.Background(), scratch, f.report, f.workload())
	if err != nil {
		f.Fatal(err)
	}
	f.verdict = v
	for name, j := range map[string][2]guest.Judgement{
		"late":  {f.report.Verdict.Late, v.Late},
		"early": {f.report.Verdict.Early, v.Early},
	} {
		inspected, probed := j[0], j[1]
		if !strings.HasPrefix(probed.Reason, "probed: ") || probed.Outcome == guest.Undecided {
			f.Errorf("%s: the probe does not decide: %v: %s", name, probed.Outcome, probed.Reason)
		}
		if inspected.Outcome != guest.Undecided && inspected.Outcome != probed.Outcome {
			f.Errorf("%s: inspected: %v: %s; but %v: %s", name, inspected.Outcome, inspected.Reason, probed.Outcome, probed.Reason)
		}
	}
	f.row.late, f.row.early = v.Late.Outcome, v.Early.Outcome
	f.row.inspected = f.report.Verdict
}

// workload returns how the guest allocates: by its own exports if it has any.
func (f *guestFixture) workload() guest.Workload {
	switch {
	case f.guest.Alloc != "":
		w, err := guest.NewWorkload(f.report, f.guest.Alloc)
		if err != nil {
			f.Fatal(err)
		}
		return w
	case len(f.report.Allocators) == 0:
		return guest.Workload{Alloc: take}
	}
	return guest.Workload{}
}

// take is a [guest.Workload]'s Alloc by the functions that all of these guests have.
func take(ctx context.Context, inst guest.Instance, size uint64) (addr uint64, err error) {
	results, err := inst.Call(ctx, "take", size, 0)
	if err != nil {
		return 0, err
	}
	return results[0], nil
}

// growsBehindItsBack has a heap grow the memory as if all guests tolerated that, and requires damage just where the verdict
// says that there would be.
func (f *guestFixture) growsBehindItsBack(early bool) {
	f.Helper()
	when, want := "late", f.verdict.Late.Outcome
	if early {
		when, want = "early", f.verdict.Early.Outcome
	}
	f.Run("raw-growth-"+when, func(t *testing.T) {
		switch {
		case f.engine.Interprets:
			t.Skip("it takes long in an interpreter, and is about the guest")
		case f.engine.AbortsOnSleep && f.report.Toolchain.Name == guest.Go:
			t.Skip("the guest dies of it, and would take the process along")
		}
		inst := f.openAlone(t)
		h, err := linmem.NewHeap(inst.Memory())
		if err != nil {
			t.Fatal(err)
		}
		s := newSoak(t, inst, h)
		if early {
			s.puts(f.nHost)
			s.starts()
		} else {
			s.starts()
			s.mustBeWhole()
			s.puts(f.nHost)
		}
		s.takes(max(8<<20, inst.Memory().NumPages()*linmem.PageSize))
		s.compare()
		if s.damage == "" && want == guest.Corrupts {
			t.Error("growth does no harm, though the verdict says that it does")
		}
		if want != guest.Corrupts {
			s.mustBeWhole()
		}
		t.Log(s.damage, s.failure)
	})
}

// options returns those that the guest is opened with.
func (f *guestFixture) options(inst guest.Instance, s guest.Strategy) []guest.OpenOption {
	opts := []guest.OpenOption{
		guest.WithVerdict(f.verdict),
		guest.WithFirstAllocation(func(ctx context.Context, inst guest.Instance) error {
			_, err := take(ctx, inst, 16)
			return err
		}),
		guest.WithGuestPages(max(256, f.nGuest>>15)), // twice what it allocates
	}
	if b, ok := inst.(engines.Binder); ok {
		opts = append(opts, guest.WithBind(b.Bind))
	}
	if f.guest.Alloc != "" {
		opts = append(opts, guest.WithAllocator(f.guest.Alloc, f.guest.Free))
	}
	if s != "" {
		opts = append(opts, guest.WithStrategy(s))
	}
	if s == guest.Gap && !canLimit(inst) {
		opts = append(opts, guest.WithGuestPages(1<<15)) // half of all that there can be
	}
	return opts
}

// canLimit reports whether an instance's memory can be limited.
func canLimit(inst guest.Instance) bool {
	l, ok := inst.(guest.Limiter)
	return ok && l.LimitPages(math.MaxUint64) == nil
}

// placesByDefault notes what guest.Open chooses.
func (f *guestFixture) placesByDefault() {
	f.Helper()
	inst := f.open(f)
	g, err := guest.Open(context.Background(), inst, f.report, f.options(inst, "")...)
	if err != nil {
		f.Fatal(err)
	}
	f.row.placed = g.Plan.Strategy
	f.canLimit = canLimit(inst)
	if err := g.Close(context.Background()); err != nil {
		f.Error(err)
	}
}

// places opens the guest by one strategy, if that is safe, and has both sides allocate a lot.
func (f *guestFixture) places(t *testing.T, s guest.Strategy) {
	f.nTried++
	ctx := context.Background()
	inst := f.open(t)
	g, w := f.openBy(t, inst, f.options(inst, s)...)
	if g == nil {
		return
	}
	w.puts(f.nHost)
	for range 4 {
		w.takes(f.nGuest / 4)
		w.frees()
		w.puts(f.nHost / 4)
		w.compare()
		w.mustBeWhole()
	}
	if err := g.Heap.Check(); err != nil {
		t.Error(err)
	}
	if err := g.Close(ctx); err != nil {
		t.Error(err)
	}
	if len(f.report.AllocatorImports) == 0 {
		w.blocks, w.canaries = nil, nil // the host's are gone
		w.takes(f.nGuest / 64)
		w.compare()
		w.mustBeWhole()
	}
	f.row.placedBy(s, w.nChecked)
}

// openBy opens the guest, or returns nil if that is refused.
func (f *guestFixture) openBy(t *testing.T, inst guest.Instance, opts ...guest.OpenOption) (*guest.Guest, *soak) {
	t.Helper()
	g, err := guest.Open(context.Background(), inst, f.report, opts...)
	unsafe := (*guest.UnsafeError)(nil)
	if errors.As(err, &unsafe) {
		t.Log(err)
		return nil, nil
	}
	if err != nil {
		t.Fatal(err)
	}
	w := newSoak(t, inst, g.Heap)
	w.canaries = g.Verify
	return g, w
}

// runsOut has the guest allocate until it is refused, where its memory is limited so that it does not come to the host's:
// the guest may die, and the host's bytes must be whole.
func (f *guestFixture) runsOut(t *testing.T, s guest.Strategy) {
	switch {
	case f.engine.Interprets:
		t.Skip("it takes long in an interpreter, and is about the guest")
	case f.engine.AbortsOnSleep && f.report.Toolchain.Name == guest.Go:
		t.Skip("the guest dies of it, and would take the process along")
	}
	const guestPages = 128
	inst := f.open(t)
	g, w := f.openBy(t, inst, append(f.options(inst, s), guest.WithGuestPages(guestPages))...)
	if g == nil {
		return
	}
	w.puts(f.nHost)
	w.takes(16 * guestPages * linmem.PageSize)
	if w.failure == "" {
		t.Errorf("the guest has %d pages, and is never refused", guestPages)
	}
	w.compare()
	if w.damage != "" {
		t.Errorf("%s, after %s", w.damage, w.failure)
	}
}
