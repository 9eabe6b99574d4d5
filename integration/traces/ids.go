package traces

import (
	"fmt"
	"math/bits"
)

// ids are the numbers of the blocks that are live, a bit each. The zero value has none.
type ids struct {
	words []uint64
	low   int    // no word before it has a zero
	live  uint32 // bits set
	most  uint32 // that live ever was
}

// apply takes the blocks over an operation, or says why it cannot be.
func (s *ids) apply(op Op) error {
	if op.Kind != Alloc {
		if !s.has(op.ID) {
			return fmt.Errorf("%q: block %d is not live", op, op.ID)
		}
		if op.Kind == Free {
			s.remove(op.ID)
		}
		return nil
	}
	if s.has(op.ID) {
		return fmt.Errorf("%q: block %d is live already", op, op.ID)
	}
	if lowest := s.lowestFree(); op.ID != lowest {
		return fmt.Errorf("%q: the lowest number that is free is %d", op, lowest)
	}
	s.words[op.ID/64] |= 1 << (op.ID % 64)
	s.live++
	s.most = max(s.most, s.live)
	return nil
}

func (s *ids) has(id uint32) bool {
	return int(id/64) < len(s.words) && s.words[id/64]>>(id%64)&1 != 0
}

func (s *ids) remove(id uint32) {
	s.words[id/64] &^= 1 << (id % 64)
	s.low = min(s.low, int(id/64))
	s.live--
}

// lowestFree returns the lowest number that is not live, and has room for it in words.
func (s *ids) lowestFree() uint32 {
	for s.low < len(s.words) && s.words[s.low] == ^uint64(0) {
		s.low++
	}
	if s.low == len(s.words) {
		s.words = append(s.words, 0)
	}
	return uint32(s.low*64 + bits.TrailingZeros64(^s.words[s.low]))
}
