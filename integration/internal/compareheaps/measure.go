package compareheaps

import (
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/internal/measure"
	"github.com/linmem/linmem/integration/traces"
)

const (
	pairSize    = 64 // bytes
	messageSize = 1024
)

// measurement is what a program is through with so far.
type measurement struct {
	*settings
	program  Program
	progress io.Writer
	report   report
}

func (p Program) measure(s *settings, progress io.Writer) (report, error) {
	m := &measurement{settings: s, program: p, progress: progress}
	if p.Native {
		if err := m.native(); err != nil {
			return m.report, err
		}
	}
	if why := p.Runtime.LeftOut; why != "" {
		m.report.note("%s is left out of this build: %s.", p.Runtime.Name, why)
		return m.report, nil
	}
	return m.report, m.guests()
}

// native measures what needs no guest.
func (m *measurement) native() error {
	kinds := append(heaps.Native(), heaps.Kind{Name: idle, Open: func() (heaps.Opened, error) {
		return heaps.Opened{Allocator: heaps.Idle{}}, nil
	}})
	if err := m.steady(noRuntime, kinds); err != nil {
		return err
	}
	c := newMimalloc(m)
	defer c.close()
	if err := m.eachTrace(math.MaxInt, func(recorded *traces.Trace, t *heaps.Trace) error {
		if err := m.compete(warm, t.Name, noRuntime, t.Len(), kinds, func(o heaps.Opened) (heaps.Workload, error) {
			return t.Warm(o.Allocator), nil
		}); err != nil {
			return err
		}
		if err := c.replay(recorded); err != nil {
			return err
		}
		if err := m.competeCold(t, kinds); err != nil {
			return err
		}
		return m.peak(t, noRuntime, kinds)
	}); err != nil {
		return err
	}
	return m.locals()
}

// guests measures what is on guests of the program's runtime.
func (m *measurement) guests() error {
	runtime := m.program.Runtime.Name
	kinds := heaps.OnGuest(m.program.Runtime)
	if err := m.steady(runtime, kinds); err != nil {
		return err
	}
	readers := slices.DeleteFunc(slices.Clone(kinds), func(k heaps.Kind) bool { return k.Name == "zig" })
	if err := m.compete(message, "1 KiB", runtime, 1, readers, func(o heaps.Opened) (heaps.Workload, error) {
		return heaps.Message(o, messageSize)
	}); err != nil {
		return err
	}
	if err := m.served(); err != nil {
		return err
	}
	if err := m.eachTrace(m.guestCalls, func(_ *traces.Trace, t *heaps.Trace) error {
		return m.compete(guest, t.Name, runtime, t.Len(), kinds, func(o heaps.Opened) (heaps.Workload, error) {
			return t.Warm(o.Allocator), nil
		})
	}); err != nil || !m.program.Native {
		return err // a guest needs the same memory on every runtime
	}
	return m.eachTrace(math.MaxInt, func(_ *traces.Trace, t *heaps.Trace) error { return m.peak(t, runtime, kinds[1:]) })
}

// served measures guests that allocate by themselves.
func (m *measurement) served() error {
	name, runtime := fmt.Sprintf("%d B", pairSize), m.program.Runtime.Name
	if !m.wanted(served, name, runtime) {
		return nil
	}
	var lanes []*measure.Lane
	for _, guest := range []struct {
		name string
		open func(engines.Engine, uint64) (*heaps.Served, error)
	}{{"heap", heaps.OpenServed}, {"libc", heaps.OpenOwn}} {
		s, err := guest.open(m.program.Engine, pairSize)
		if err != nil {
			return fmt.Errorf("%s %s: %s: %w", runtime, served, guest.name, err)
		}
		defer s.Close()
		lanes = append(lanes, measure.NewLane(guest.name, s))
	}
	return m.lanes(served, name, runtime, 1, lanes)
}

// steady measures the workloads that go on for ever.
func (m *measurement) steady(runtime string, kinds []heaps.Kind) error {
	if err := m.compete(pair, fmt.Sprintf("%d B", pairSize), runtime, 1, kinds, func(o heaps.Opened) (heaps.Workload, error) {
		return heaps.Pair(o.Allocator, pairSize), nil
	}); err != nil {
		return err
	}
	name := fmt.Sprintf("%d blocks of %d to %d B", heaps.MixLive, heaps.MixMin, heaps.MixMax)
	return m.compete(mix, name, runtime, 1, kinds, func(o heaps.Opened) (heaps.Workload, error) {
		return heaps.Mix(o.Allocator)
	})
}

// eachTrace prepares the first calls of each trace.
func (m *measurement) eachTrace(most int, do func(*traces.Trace, *heaps.Trace) error) error {
	for _, name := range traces.Names() {
		recorded, err := traces.Load(name)
		if err != nil {
			return err
		}
		t, err := heaps.Prepare(recorded, most)
		if err == nil {
			err = do(recorded, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wanted reports whether a measure is to be done, and tells who waits.
func (m *measurement) wanted(measure, name, runtime string) bool {
	if !m.run.MatchString(measure + "/" + name) {
		return false
	}
	fmt.Fprintf(m.progress, "%s: %s %s, %s\n", m.program.Name, runtime, measure, name)
	return true
}

// compete opens each kind, starts the workload on it, and measures all of them in turns. A turn is so many calls.
func (m *measurement) compete(
	what, name, runtime string, calls int, kinds []heaps.Kind, begin func(heaps.Opened) (heaps.Workload, error),
) error {
	if !m.wanted(what, name, runtime) {
		return nil
	}
	var lanes []*measure.Lane
	for _, k := range kinds {
		o, err := k.Open()
		if err != nil {
			return fmt.Errorf("%s: %w", k.Name, err)
		}
		defer func() { _ = o.Close() }()
		w, err := begin(o)
		if err != nil {
			return fmt.Errorf("%s %s, %s: %s: %w", runtime, what, name, k.Name, err)
		}
		lanes = append(lanes, measure.NewLane(k.Name, w))
	}
	return m.lanes(what, name, runtime, calls, lanes)
}

func (m *measurement) competeCold(t *heaps.Trace, kinds []heaps.Kind) error {
	if !m.wanted(cold, t.Name, noRuntime) {
		return nil
	}
	var lanes []*measure.Lane
	for _, k := range kinds {
		lanes = append(lanes, measure.NewLane(k.Name, t.Cold(k)))
	}
	return m.lanes(cold, t.Name, noRuntime, t.Len(), lanes)
}

// lanes measures the time, and then the allocations on the Go heap.
func (m *measurement) lanes(what, name, runtime string, calls int, lanes []*measure.Lane) error {
	if err := measure.Rounds(lanes, m.rounds, m.time); err != nil {
		return fmt.Errorf("%s %s, %s: %w", runtime, what, name, err)
	}
	const most = 1000 // turns
	for _, l := range lanes {
		allocs, err := heaps.GoAllocs(l, min(l.Batch(), most))
		if err != nil {
			return err
		}
		m.report.Figures = append(m.report.Figures, figure{
			key: key{what, name, runtime, l.Name}, Value: l.Median() / float64(calls), GoAllocs: allocs / float64(calls),
		})
	}
	return nil
}

// peak measures the memory that each kind needs for a trace.
func (m *measurement) peak(t *heaps.Trace, runtime string, kinds []heaps.Kind) error {
	if !m.wanted(peak, t.Name, runtime) {
		return nil
	}
	for _, k := range kinds {
		pages, ok, err := t.Peak(k)
		if err != nil {
			return fmt.Errorf("%s %s, %s: %s: %w", runtime, peak, t.Name, k.Name, err)
		}
		if ok {
			m.report.Figures = append(m.report.Figures, figure{key: key{peak, t.Name, runtime, k.Name}, Value: float64(pages)})
		}
	}
	if runtime == noRuntime {
		m.report.Figures = append(m.report.Figures, figure{key: key{peak, t.Name, noRuntime, live}, Value: float64(t.PeakLive)})
	}
	return nil
}

// live is the name under which the bytes are that the program itself had.
const live = "live"
