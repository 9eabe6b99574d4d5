package bench

import "time"

// Latency is how long single calls took, of each a histogram.
type Latency struct{ Alloc, Free Histogram }

// latencyBatch is how many turns are done between two looks at the limit.
const latencyBatch = 64

// MeasureLatency does turns until there were so many, or until the time limit is over, and times each call. What the
// clock takes by itself ([ClockCost]) is subtracted. A garbage collection or another process that comes in between is in
// the tail.
func MeasureLatency(w Workload, turns int, limit time.Duration) (*Latency, error) {
	t := &timed{epoch: time.Now(), clock: ClockCost()}
	w.through(func(a Allocator) Allocator {
		t.a = a
		return t
	})
	defer w.through(func(Allocator) Allocator { return t.a })
	for end := time.Now().Add(limit); turns > 0 && time.Now().Before(end); turns -= latencyBatch {
		if err := w.Turns(min(turns, latencyBatch)); err != nil {
			return nil, err
		}
	}
	return &t.latency, nil
}

// ClockCost returns what it takes to read the monotonic clock, as a call that takes no time would show it: the median of
// 10,000.
func ClockCost() time.Duration {
	var h Histogram
	epoch := time.Now()
	for range 10_000 {
		before := time.Since(epoch)
		h.Record(time.Since(epoch) - before)
	}
	return h.Quantile(0.5)
}

// timed is an allocator that times the calls of another.
type timed struct {
	a       Allocator
	epoch   time.Time // time.Since reads the monotonic clock only
	clock   time.Duration
	latency Latency
}

func (t *timed) Alloc(n uint64, log2Align uint8) (uint64, error) {
	before := time.Since(t.epoch)
	start, err := t.a.Alloc(n, log2Align)
	t.latency.Alloc.Record(time.Since(t.epoch) - before - t.clock)
	return start, err
}

func (t *timed) Free(start, n uint64) error {
	before := time.Since(t.epoch)
	err := t.a.Free(start, n)
	t.latency.Free.Record(time.Since(t.epoch) - before - t.clock)
	return err
}
