package bench_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/linmem/linmem/integration/bench"
)

func TestHistogramEmpty(t *testing.T) {
	var h bench.Histogram
	if h.Len() != 0 || h.Max() != 0 || h.Quantile(0.5) != 0 {
		t.Errorf("%d, max %v, median %v; want none", h.Len(), h.Max(), h.Quantile(0.5))
	}
}

func TestHistogramOfOne(t *testing.T) {
	for _, d := range []time.Duration{-5, 0, 1, 63, 64, 127, 128, 129, 1 << 20, 1<<62 + 12345, math.MaxInt64} {
		var h bench.Histogram
		h.Record(d)
		want := max(d, 0)
		if h.Max() != want || h.Quantile(0.5) != want || h.Quantile(1) != want || h.Len() != 1 {
			t.Errorf("%d: %d, max %d, median %d", d, h.Len(), h.Max(), h.Quantile(0.5))
		}
	}
}

// TestHistogramQuantiles compares with a sorted sample, over many powers of two.
func TestHistogramQuantiles(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var h bench.Histogram
	var sample []time.Duration
	for range 100_000 {
		d := time.Duration(r.Uint64N(2 << r.IntN(40)))
		h.Record(d)
		sample = append(sample, d)
	}
	slices.Sort(sample)
	for _, q := range []float64{1e-9, 0.01, 0.25, 0.5, 0.75, 0.99, 0.9999, 1} {
		want := sample[int(math.Ceil(q*float64(len(sample))))-1]
		if got := h.Quantile(q); got < want || got > want+want/64 {
			t.Errorf("quantile %v: %d; want %d to %d", q, got, want, want+want/64)
		}
	}
	if last := sample[len(sample)-1]; h.Max() != last {
		t.Errorf("max %d; want %d", h.Max(), last)
	}
}

// TestHistogramBuckets has each duration counted where it is not above what Quantile tells of it.
func TestHistogramBuckets(t *testing.T) {
	for d := time.Duration(0); d < 100_000; d++ {
		var h bench.Histogram
		h.Record(d)
		h.Record(math.MaxInt64) // so that Max does not cut the bucket's end
		if got := h.Quantile(0.5); got < d || got > d+d/64 {
			t.Fatalf("%d: %d", d, got)
		}
	}
}
