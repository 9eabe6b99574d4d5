package guest_test

import (
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// TestPinnedGetsNoRegions holds that a pinned guest is neither called nor grown for more pages, by any strategy.
func TestPinnedGetsNoRegions(t *testing.T) {
	for strategy, s := range pinnedScenes(t) {
		t.Run(string(strategy), func(t *testing.T) {
			if err := s.g.Pin(); err != nil {
				t.Fatal(err)
			}
			size := s.memory.NumPages()
			if _, err := s.g.Heap.Alloc(20 * linmem.PageSize); !errors.Is(err, linmem.ErrOutOfMemory) {
				t.Errorf("Alloc of more than there is: %v, want ErrOutOfMemory", err)
			}
			if got := s.memory.NumPages(); got != size {
				t.Errorf("the memory has %d pages, and had %d", got, size)
			}
			if err := s.g.Unpin(); err != nil {
				t.Error(err)
			}
			if strategy == guest.Gap {
				return // which has no more
			}
			if _, err := s.g.Heap.Alloc(20 * linmem.PageSize); err != nil {
				t.Errorf("Alloc after Unpin: %v", err)
			}
		})
	}
}

// pinnedScenes returns a guest opened by each strategy, with few pages.
func pinnedScenes(t *testing.T) map[guest.Strategy]*scene {
	f, _ := allocatingAt(200, 16*linmem.PageSize, 60*linmem.PageSize)
	scenes := map[guest.Strategy]*scene{guest.Arena: openScene(t, f, everything, guest.WithStrategy(guest.Arena))}
	for strategy, name := range map[guest.Strategy]string{guest.Grow: "rust", guest.Donate: "go", guest.Gap: "go"} {
		tc := toolchainOf(name)
		opts := append(optionsFor(tc, strategy), guest.WithHostPages(10))
		scenes[strategy] = openScene(t, newFake(tc), everything, opts...)
	}
	return scenes
}
