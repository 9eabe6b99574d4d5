package bench

import (
	"math"
	"math/bits"
	"time"
)

// Histogram counts durations in buckets, 64 for each power of two: exact below 128 ns, and to 1/64 above. The zero
// Histogram is empty. To record one takes constant time.
type Histogram struct {
	counts   [58*subBuckets + 2*subBuckets]uint64
	n        uint64
	greatest time.Duration
}

const (
	log2SubBuckets = 6
	subBuckets     = 1 << log2SubBuckets
)

// Record counts a duration; a negative one counts as 0.
func (h *Histogram) Record(d time.Duration) {
	d = max(d, 0)
	h.counts[bucket(uint64(d))]++
	h.n++
	h.greatest = max(h.greatest, d)
}

// Len returns how many were recorded.
func (h *Histogram) Len() uint64 { return h.n }

// Max returns the greatest one, exactly.
func (h *Histogram) Max() time.Duration { return h.greatest }

// Quantile returns a duration that a share q of those recorded, 0 < q <= 1, does not exceed: the upper end of the bucket
// of the first that is so, or 0 if there is none.
func (h *Histogram) Quantile(q float64) time.Duration {
	rank, seen := uint64(math.Ceil(q*float64(h.n))), uint64(0)
	for i, n := range h.counts {
		if seen += n; n > 0 && seen >= rank {
			return min(h.greatest, upperEnd(i))
		}
	}
	return h.greatest
}

func bucket(v uint64) int {
	shift := max(0, bits.Len64(v)-log2SubBuckets-1)
	return shift<<log2SubBuckets + int(v>>shift)
}

// upperEnd returns the greatest duration of a bucket.
func upperEnd(bucket int) time.Duration {
	shift := max(0, bucket>>log2SubBuckets-1)
	return time.Duration(uint64(bucket-shift<<log2SubBuckets+1)<<shift - 1)
}
