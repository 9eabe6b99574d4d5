package matrix

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// soak has the host and a guest allocate in one memory, and compares every byte of both.
type soak struct {
	testing.TB
	inst     guest.Instance
	heap     *linmem.Heap
	canaries func() error // nil if there are none
	rng      *rand.Rand
	stamp    uint64

	blocks []block      // the host's
	taken  []guestBlock // the guest's

	nChecked uint64 // bytes
	damage   string // the first byte that is not as it was
	failure  string // the first call that failed
}

// guestBlock is a block of the guest's, which it fills and checks by a seed.
type guestBlock struct{ addr, size, seed uint64 }

func newSoak(t testing.TB, inst guest.Instance, h *linmem.Heap) *soak {
	return &soak{TB: t, inst: inst, heap: h, rng: rand.New(rand.NewPCG(6, 4))}
}

// damaged notes what has gone wrong.
func (s *soak) damaged(format string, args ...any) {
	if s.damage == "" {
		s.damage = fmt.Sprintf(format, args...)
	}
}

// failed notes a call of the guest that it should have been able to do.
func (s *soak) failed(format string, args ...any) {
	if s.failure == "" {
		s.failure = fmt.Sprintf(format, args...)
	}
}

// mustBeWhole fails the test if something was damaged, or the guest could not go on.
func (s *soak) mustBeWhole() {
	s.Helper()
	if s.damage != "" || s.failure != "" {
		s.Fatal(s.damage, s.failure)
	}
}

// size returns a size of up to so many bytes, small ones as often as large ones.
func (s *soak) size(most uint64) uint64 {
	return 1 + s.rng.Uint64N(most>>s.rng.UintN(12))
}

// starts initializes the guest, and has it allocate for the first time.
func (s *soak) starts() {
	s.Helper()
	if err := s.inst.(guest.Initializer).Initialize(context.Background()); err != nil {
		s.failed("the guest cannot be initialized: %v", err)
		return
	}
	s.takes(1)
}

// puts has the host put n bytes or more into the memory, in blocks.
func (s *soak) puts(n uint64) {
	s.Helper()
	for sum := uint64(0); sum < n; {
		s.stamp++
		b := block{size: s.size(1 << 17), contents: contents(s.stamp)}
		data := make([]byte, b.size)
		b.contents.fill(data)
		addr, err := s.heap.Put(data)
		if err != nil {
			s.Fatal(err)
		}
		b.addr = addr
		s.blocks = append(s.blocks, b)
		sum += b.size
	}
}

// frees has the host free every third block.
func (s *soak) frees() {
	s.Helper()
	kept := s.blocks[:0]
	for i, b := range s.blocks {
		if i%3 != 0 {
			kept = append(kept, b)
			continue
		}
		s.compareHost(b)
		if err := s.heap.Free(b.addr); err != nil {
			s.Fatal(err)
		}
	}
	s.blocks = kept
}

// takes has the guest allocate n bytes or more in blocks, and give back blocks at random once it has some hundreds, which
// are 17 MB or so.
func (s *soak) takes(n uint64) {
	s.Helper()
	for sum := uint64(0); sum < n && s.failure == ""; {
		s.stamp++
		b := guestBlock{size: s.size(1 << 19), seed: s.stamp % 256}
		addr, ok := s.call("take", b.size, b.seed)
		if !ok || addr == 0 {
			s.failed("the guest cannot allocate %d bytes", b.size)
			return
		}
		b.addr = addr
		s.taken = append(s.taken, b)
		sum += b.size
		for len(s.taken) > 400 {
			i := s.rng.IntN(len(s.taken))
			s.compareGuest(s.taken[i])
			s.call("give", s.taken[i].addr, s.taken[i].size)
			s.taken[i] = s.taken[len(s.taken)-1]
			s.taken = s.taken[:len(s.taken)-1]
		}
	}
}

// compare compares all bytes of both sides.
func (s *soak) compare() {
	s.Helper()
	for _, b := range s.blocks {
		s.compareHost(b)
	}
	for _, b := range s.taken {
		s.compareGuest(b)
	}
	if s.canaries != nil {
		if err := s.canaries(); err != nil {
			s.damaged("%v", err)
		}
	}
}

func (s *soak) compareHost(b block) {
	s.Helper()
	view, err := s.heap.View(b.addr, b.size)
	if err != nil {
		s.Fatal(err)
	}
	s.nChecked += b.size
	if !b.contents.are(view, 0) {
		s.damaged("the host's %d bytes at %#x have changed", b.size, b.addr)
	}
}

func (s *soak) compareGuest(b guestBlock) {
	s.Helper()
	s.nChecked += b.size
	if at, ok := s.call("check", b.addr, b.size, b.seed); ok && at != 0 {
		s.damaged("the guest's %d bytes at %#x have changed, the first one at %#x", b.size, b.addr, b.addr+at-1)
	}
}

// call calls the guest.
func (s *soak) call(name string, args ...uint64) (result uint64, ok bool) {
	s.Helper()
	results, err := s.inst.Call(context.Background(), name, args...)
	if err != nil {
		s.failed("the guest's %s(%d) failed: %v", name, args, err)
		return 0, false
	}
	if len(results) == 0 {
		return 0, true
	}
	return results[0], true
}
