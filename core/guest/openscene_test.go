package guest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// scene is an opened guest: what the host has in its heap, and what the guest does beside it.
type scene struct {
	*fake
	g    *guest.Guest
	rng  *rand.Rand
	mine []hostBlock
	id   uint64
}

type hostBlock struct{ addr, id, size uint64 }

// scenePages is how many pages guest and host get in scenes where that is to be said: small, so that the guest comes to the
// end of them.
const scenePages = 40

// openScene opens a guest that must open.
func openScene(t *testing.T, f *fake, a ability, opts ...guest.OpenOption) *scene {
	t.Helper()
	s := &scene{fake: f, rng: rand.New(rand.NewPCG(1, 2))}
	all := append([]guest.OpenOption{
		guest.WithGuestPages(scenePages), guest.WithHostPages(scenePages),
		guest.WithBind(func(h *linmem.Heap) error { f.heap.host = h; return nil }),
	}, opts...)
	g, err := guest.Open(t.Context(), f.as(t, a), f.report, all...)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	s.g = g
	return s
}

// put puts that many bytes into the heap, in blocks of all sizes. One of four goes again.
func (s *scene) put(nBytes uint64) error {
	for done := uint64(0); done < nBytes; {
		size := 1 + s.rng.Uint64N(6<<10)
		if s.rng.IntN(12) == 0 {
			size += s.rng.Uint64N(70 << 10)
		}
		s.id++
		addr, err := s.g.Heap.Put(pattern(s.id, size))
		if err != nil {
			return fmt.Errorf("Put of %d bytes: %w", size, err)
		}
		done += size
		s.mine = append(s.mine, hostBlock{addr, s.id, size})
		if s.rng.IntN(4) == 0 {
			i := s.rng.IntN(len(s.mine))
			if err := s.g.Heap.Free(s.mine[i].addr); err != nil {
				return err
			}
			s.mine[i] = s.mine[len(s.mine)-1]
			s.mine = s.mine[:len(s.mine)-1]
		}
	}
	return nil
}

// compareHost returns which of the host's bytes somebody wrote over.
func (s *scene) compareHost() error {
	for _, b := range s.mine {
		got, err := s.g.Heap.View(b.addr, b.size)
		if err != nil {
			return err
		}
		if err := compare("the host's block", b.addr, got, pattern(b.id, b.size)); err != nil {
			return err
		}
	}
	return nil
}

// play has host and guest take turns, and returns what the host can see of what the guest did to it (noticed), and what the
// host did to the guest (suffered).
func (s *scene) play(hostBytes, guestBytes uint64) (noticed, suffered error) {
	for range 2 {
		if err := s.put(hostBytes / 2); err != nil {
			return err, nil
		}
		suffered = errors.Join(suffered, s.heap.work(s.rng, guestBytes/2))
	}
	return errors.Join(s.g.Verify(), s.compareHost(), s.g.Heap.Check()), errors.Join(suffered, s.check())
}
