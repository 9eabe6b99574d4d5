package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/linmem/linmem/integration/bench"
	"github.com/linmem/linmem/integration/internal/measure"
)

// lane is an allocator in a case.
type lane struct {
	*measure.Lane
	w bench.Workload
}

func newLane(name string, w bench.Workload) lane { return lane{measure.NewLane(name, w), w} }

const harness = "harness"

// lanes starts the case with each allocator that can have such a memory, and the harness. The caller calls done when it
// is through with them.
func lanes(c bench.Case, pages uint64) (ls []lane, done func(), err error) {
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
		ls = append(ls, newLane(k.Name, w))
	}
	return append(ls, newLane(harness, scene.Harness())), done, nil
}

// result is the median time of a turn by allocator, in nanoseconds.
type result map[string]float64

// times runs the rounds of a case.
func times(ls []lane, rounds int, limit time.Duration) (result, error) {
	measured := make([]*measure.Lane, len(ls))
	for i, l := range ls {
		measured[i] = l.Lane
	}
	if err := measure.Rounds(measured, rounds, limit); err != nil {
		return nil, err
	}
	r := result{}
	for _, l := range ls {
		r[l.Name] = l.Median()
	}
	return r, nil
}

// latencies times single calls of each allocator. A slow one does fewer turns.
func latencies(ls []lane, limit time.Duration) (map[string]*bench.Latency, error) {
	const turns = 300_000
	all := map[string]*bench.Latency{}
	for _, l := range ls {
		if l.Name == harness {
			continue
		}
		runtime.GC()
		latency, err := bench.MeasureLatency(l.w, turns, limit)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("the latency of %s", l.Name), err)
		}
		all[l.Name] = latency
	}
	return all, nil
}
