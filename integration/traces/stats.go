package traces

import "math/bits"

// PageBytes is the size of a WebAssembly page.
const PageBytes = 1 << 16

// Stats is what a trace comes to. Bytes are those that the program asked for: no rounding, no bookkeeping.
type Stats struct {
	Allocs, Frees, Reallocs int // operations
	Aligned                 int // allocations among them that ask for an alignment
	MaxLive                 int // blocks ever live at the same time
	LeftLive                int // blocks live at the end
	PeakBytes               uint64
	LeftBytes               uint64
	LargestBlock            uint64 // bytes
	TotalBytes              uint64 // the sum of all sizes ever asked for, those of resizes too

	// Sizes counts sizes asked for, resizes too: [0] those of 0 bytes, [i] those from 2^(i-1) up to 2^i - 1.
	Sizes [42]int
}

// Ops returns the number of operations.
func (s Stats) Ops() int { return s.Allocs + s.Frees + s.Reallocs }

// PeakPages returns how many pages PeakBytes would fill if nothing else took room, rounded up.
func (s Stats) PeakPages() uint64 { return (s.PeakBytes + PageBytes - 1) / PageBytes }

// Stats counts. It takes time in proportion to the number of operations.
func (t *Trace) Stats() Stats {
	s := Stats{MaxLive: int(t.MaxLive)}
	sizes := make([]uint64, t.MaxLive)
	for _, op := range t.Ops {
		switch op.Kind {
		case Alloc:
			s.Allocs++
			s.LeftLive++
			if op.Align() != 0 {
				s.Aligned++
			}
		case Free:
			s.Frees++
			s.LeftLive--
		case Realloc:
			s.Reallocs++
		}
		s.LeftBytes += op.Size - sizes[op.ID]
		sizes[op.ID] = op.Size
		s.PeakBytes = max(s.PeakBytes, s.LeftBytes)
		if op.Kind != Free {
			s.LargestBlock = max(s.LargestBlock, op.Size)
			s.TotalBytes += op.Size
			s.Sizes[bits.Len64(op.Size)]++
		}
	}
	return s
}
