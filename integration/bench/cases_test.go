package bench_test

import (
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/bench"
)

// TestCases runs some turns of each case with each allocator.
func TestCases(t *testing.T) {
	const pages = 8192
	for _, c := range bench.Cases() {
		scene, err := c.Prepare(pages)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range bench.Kinds() {
			t.Run(c.Name+"/"+k.Name, func(t *testing.T) {
				w := start(t, scene, k, pages)
				if err := w.Turns(100); err != nil {
					t.Error(err)
				}
			})
		}
		t.Run(c.Name+"/harness", func(t *testing.T) {
			if err := scene.Harness().Turns(100); err != nil {
				t.Error(err)
			}
		})
	}
}

func start(t *testing.T, scene *bench.Scene, k bench.Kind, pages uint64) bench.Workload {
	t.Helper()
	a, err := k.Open(pages)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	w, err := scene.Start(a)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// recorder keeps the addresses that an allocator returns.
type recorder struct {
	bench.Allocator
	starts []uint64
}

func (r *recorder) Alloc(n uint64, log2Align uint8) (uint64, error) {
	start, err := r.Allocator.Alloc(n, log2Align)
	if err != nil {
		start = 1<<64 - 1
	}
	r.starts = append(r.starts, start)
	return start, err
}

// TestFirstFit has the three that are address-ordered first fit return the same addresses in every case.
func TestFirstFit(t *testing.T) {
	const pages = 70_000
	for _, c := range bench.Cases() {
		scene, err := c.Prepare(pages)
		if err != nil {
			t.Fatal(err)
		}
		var want []uint64
		for _, k := range []bench.Kind{bench.Flat, bench.Radix, bench.Linmem} {
			a, err := k.Open(pages)
			if err != nil {
				t.Fatal(err)
			}
			r := &recorder{Allocator: a}
			w, err := scene.Start(r)
			if err == nil {
				err = w.Turns(5000)
			}
			if err != nil {
				t.Fatalf("%s: %s: %v", c.Name, k.Name, err)
			}
			if want == nil {
				want = r.starts
			}
			if len(r.starts) != len(want) {
				t.Fatalf("%s: %s was called %d times; %s %d times", c.Name, k.Name, len(r.starts), bench.Flat.Name, len(want))
			}
			for i, start := range r.starts {
				if start != want[i] {
					t.Fatalf("%s: call %d: %s returns %d; %s %d", c.Name, i, k.Name, start, bench.Flat.Name, want[i])
				}
			}
		}
	}
}

// TestSteadyShare has the steady cases stay as full as their names say.
func TestSteadyShare(t *testing.T) {
	const pages = 65_536
	for name, percent := range map[string]uint64{"50PercentFull": 50, "75PercentFull": 75, "95PercentFull": 95} {
		for _, c := range bench.Cases() {
			if c.Name != name {
				continue
			}
			scene, err := c.Prepare(pages)
			if err != nil {
				t.Fatal(err)
			}
			w := start(t, scene, bench.Linmem, pages)
			if err := w.Turns(20_000); err != nil {
				t.Fatal(err)
			}
			got := 100 * w.Stats().UsedPages / pages
			if got+12 < percent || got > percent+12 {
				t.Errorf("%s: %d %% used", name, got)
			}
		}
	}
}

func TestMeasureLatency(t *testing.T) {
	scene, err := bench.SteadyCase("Half", 50, 64, 0).Prepare(4096)
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, scene, bench.Linmem, 4096)
	const turns = 1000
	l, err := bench.MeasureLatency(w, turns, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if l.Alloc.Len() != turns || l.Free.Len() < turns*9/10 || l.Free.Len() > turns {
		t.Errorf("%d allocations and %d frees were timed, in %d turns", l.Alloc.Len(), l.Free.Len(), turns)
	}
	if l.Alloc.Max() <= 0 {
		t.Error("no allocation took any time")
	}
	if _, err := bench.MeasureLatency(w, turns, 0); err != nil {
		t.Error(err)
	}
	before := l.Alloc.Len()
	if err := w.Turns(10); err != nil || l.Alloc.Len() != before {
		t.Errorf("%v; %d allocations were timed after the pass", err, l.Alloc.Len()-before)
	}
}

func TestMetadata(t *testing.T) {
	for name, limits := range map[string]struct {
		kind     bench.Kind
		from, to float64 // bits a page
	}{
		"flat":   {bench.Flat, 1, 1.05},
		"radix":  {bench.Radix, 1.1, 1.25},
		"linmem": {bench.Linmem, 1, 8},
		"zigref": {bench.Zigref, 0, 0.2},
	} {
		bytes, err := bench.Metadata(limits.kind, 65_536)
		if err != nil {
			t.Fatal(err)
		}
		if bits := 8 * bytes; bits < limits.from || bits > limits.to {
			t.Errorf("%s: %.3f bits a page; want %v to %v", name, bits, limits.from, limits.to)
		}
	}
}

func TestMemory(t *testing.T) {
	m, err := bench.NewMemory(3)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if prev, err := m.Grow(2); prev != 1 || err != nil {
		t.Errorf("the first growth: %d, %v", prev, err)
	}
	if _, err := m.Grow(1); err == nil || m.NumPages() != 3 {
		t.Errorf("past the maximum: %v, and there are %d pages", err, m.NumPages())
	}
	if view, err := m.View(2*linmem.PageSize, linmem.PageSize); err != nil || len(view) != linmem.PageSize {
		t.Errorf("the last page: %d bytes, %v", len(view), err)
	}
}
