package compareheaps

import (
	"fmt"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/internal/markdown"
	"github.com/linmem/linmem/integration/internal/measure"
)

// goroutineCounts are how many work at the same time.
var goroutineCounts = []int{1, 2}

// goroutineWorkloads are what each of them does, by name.
var goroutineWorkloads = []struct {
	name  string
	begin func(heaps.Allocator) (heaps.Workload, error)
}{
	{pair, func(a heaps.Allocator) (heaps.Workload, error) { return heaps.Pair(a, pairSize), nil }},
	{mix, heaps.Mix},
}

// locals measures goroutines with a handle each, one and two of them in turns.
func (m *measurement) locals() error {
	for _, w := range goroutineWorkloads {
		if !m.wanted(locals, w.name, noRuntime) {
			continue
		}
		perSecond := map[int][]float64{}
		for range m.rounds {
			for _, n := range goroutineCounts {
				got, err := m.together(n, w.begin)
				if err != nil {
					return fmt.Errorf("%d goroutines, %s: %w", n, w.name, err)
				}
				perSecond[n] = append(perSecond[n], got)
			}
		}
		for _, n := range goroutineCounts {
			m.report.Figures = append(m.report.Figures, figure{
				key: key{locals, w.name, noRuntime, fmt.Sprint(n)}, Value: measure.Median(perSecond[n]),
			})
		}
	}
	return nil
}

// together returns how many turns n goroutines do in a second.
func (m *measurement) together(n int, begin func(heaps.Allocator) (heaps.Workload, error)) (perSecond float64, err error) {
	handles, done, err := heaps.OpenLocals(n)
	if err != nil {
		return 0, err
	}
	defer func() { _ = done() }()
	ws := make([]heaps.Workload, n)
	for i, a := range handles {
		if ws[i], err = begin(a); err != nil {
			return 0, err
		}
	}
	return heaps.Together(ws, m.time)
}

// goroutines prints the throughput.
func (t *tables) goroutines() {
	names := t.cases(locals, noRuntime)
	if len(names) == 0 {
		return
	}
	markdown.Heading(t.out, "Goroutines with a Local each: million turns a second", "workload", "1", "2", "2/1")
	for _, name := range names {
		cells := []string{name}
		for _, n := range []string{"1", "2"} {
			f, _ := t.get(locals, name, noRuntime, n)
			cells = append(cells, markdown.Number(f.Value/1e6))
		}
		markdown.Row(t.out, append(cells, t.ratioCell(locals, name, noRuntime, "2", "1"))...)
	}
}

// scaling is the workload with which two goroutines gain least.
func scaling(r *report) (least float64, detail string, ok bool) {
	for _, name := range r.cases(locals, noRuntime) {
		if ratio, measured := r.ratio(locals, name, noRuntime, "2", "1"); measured && (!ok || ratio < least) {
			least, detail, ok = ratio, name, true
		}
	}
	return least, detail, ok
}
