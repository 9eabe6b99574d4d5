package main

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"time"

	"github.com/linmem/linmem/integration/bench"
)

// lane is an allocator in a case.
type lane struct {
	name  string
	w     bench.Workload
	batch int       // turns between two looks at the clock
	ns    []float64 // of a turn, in each round
}

const harness = "harness"

// lanes starts the case with each allocator that can have such a memory, and the harness. The caller calls done when it
// is through with them.
func lanes(c bench.Case, pages uint64) (ls []*lane, done func(), err error) {
	var open []bench.Opened
	done = func() {
		for _, o := range open {
			_ = o.Close()
		}
	}
	scene, err := c.Prepare(pages)
	if err != nil {
		return nil, done, err
	}
	for _, k := range bench.Kinds() {
		if pages > k.MaxPages {
			continue
		}
		o, err := k.Open(pages)
		if err != nil {
			return nil, done, err
		}
		open = append(open, o)
		w, err := scene.Start(o)
		if err != nil {
			return nil, done, fmt.Errorf("%s: %s: %w", c.Name, k.Name, err)
		}
		ls = append(ls, &lane{name: k.Name, w: w})
	}
	return append(ls, &lane{name: harness, w: scene.Harness()}), done, nil
}

// result is the median time of a turn by allocator, in nanoseconds.
type result map[string]float64

// measure runs the rounds of a case.
func measure(ls []*lane, rounds int, limit time.Duration) (result, error) {
	for _, l := range ls {
		if err := l.calibrate(limit); err != nil {
			return nil, fmt.Errorf("%s: %w", l.name, err)
		}
	}
	for round := range rounds {
		for i := range ls {
			l := ls[(i+round)%len(ls)]
			if err := l.round(limit); err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	r := result{}
	for _, l := range ls {
		r[l.name] = median(l.ns)
	}
	return r, nil
}

// calibrate finds the batch that takes a small part of a measurement. It warms up on the way.
func (l *lane) calibrate(limit time.Duration) error {
	const part, most = 32, 1 << 24
	for l.batch = 1; ; l.batch *= 2 {
		start := time.Now()
		if err := l.w.Turns(l.batch); err != nil {
			return err
		}
		if time.Since(start) >= limit/part || l.batch >= most {
			return nil
		}
	}
}

func (l *lane) round(limit time.Duration) error {
	runtime.GC()
	turns, start := 0, time.Now()
	for {
		if err := l.w.Turns(l.batch); err != nil {
			return err
		}
		turns += l.batch
		if taken := time.Since(start); taken >= limit {
			l.ns = append(l.ns, float64(taken)/float64(turns))
			return nil
		}
	}
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// latencies times single calls of each allocator. A slow one does fewer turns.
func latencies(ls []*lane, limit time.Duration) (map[string]*bench.Latency, error) {
	const turns = 300_000
	all := map[string]*bench.Latency{}
	for _, l := range ls {
		if l.name == harness {
			continue
		}
		runtime.GC()
		latency, err := bench.MeasureLatency(l.w, turns, limit)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the latency of %s", l.name), err)
		}
		all[l.name] = latency
	}
	return all, nil
}
