package guest_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// goWithMax returns a guest in Go whose memory can have that many pages by its type.
func goWithMax(maxPages uint64) *fake {
	f := newFake(toolchainOf("go"))
	f.memory.limit = maxPages
	f.report.Memories[0].Max = &maxPages
	return f
}

// exhaust has the guest allocate until it is refused: blocks of one size, or of any if that is 0.
func exhaust(f *fake, rng *rand.Rand, size uint64) error {
	for {
		n := size
		if n == 0 {
			n = 1 + rng.Uint64N(3*linmem.PageSize)
		}
		b, err := f.heap.malloc(n, false)
		switch {
		case errors.Is(err, errNone) && n < linmem.PageSize/2:
			return nil
		case errors.Is(err, errNone):
			size = n / 2 // a smaller one may still fit
		case err != nil:
			return err
		case rng.IntN(6) == 0:
			if err := f.heap.freeAt(b.addr); err != nil {
				return err
			}
		}
	}
}

// TestGapBorder holds the inequality M <= S + 2G + N. With as many pages in all the guest does not reach the host's region,
// whatever it allocates; with one more it does.
func TestGapBorder(t *testing.T) {
	const s = fakePages
	for _, pages := range []struct{ gap, host uint64 }{{0, 3}, {1, 3}, {1, 20}, {5, 8}, {33, 4}} {
		border := s + 2*pages.gap + pages.host
		opts := []guest.OpenOption{guest.WithStrategy(guest.Gap), guest.WithGuestPages(pages.gap), guest.WithHostPages(pages.host)}
		for _, max := range []uint64{s + pages.gap + pages.host, border - pages.gap/2, border} {
			for _, size := range []uint64{0, 500, linmem.PageSize - fakeHeader, linmem.PageSize, 5 * linmem.PageSize} {
				t.Run(fmt.Sprintf("gap %d, host %d, max %d, blocks of %d", pages.gap, pages.host, max, size), func(t *testing.T) {
					sc := openScene(t, goWithMax(max), initializes, opts...)
					if err := sc.put((pages.host - 2) * linmem.PageSize / 2); err != nil {
						t.Fatal(err)
					}
					err := exhaust(sc.fake, sc.rng, size)
					if err := errors.Join(err, sc.check(), sc.compareHost(), sc.g.Verify(), sc.g.Heap.Check()); err != nil {
						t.Error(err)
					}
					if sc.heap.brkMax > (s+pages.gap)*linmem.PageSize {
						t.Errorf("the guest believes in %#x bytes, and the region begins at page %d", sc.heap.brkMax, s+pages.gap)
					}
				})
			}
		}
		t.Run(fmt.Sprintf("gap %d, host %d, one page more", pages.gap, pages.host), func(t *testing.T) {
			e := refusal(t, goWithMax(border+1), initializes, opts...)
			if !strings.Contains(e.Refused[0].Reason, fmt.Sprintf("WithGuestPages(%d)", pages.gap+1)) {
				t.Errorf("the reason does not say that a page more is enough: %s", e.Refused[0].Reason)
			}
			openScene(t, goWithMax(border+1), initializes, append(opts, guest.WithGuestPages(pages.gap+1))...)

			sc := openScene(t, goWithMax(border+1), initializes, append(opts, guest.WithStrategy(guest.Gap, guest.AcceptCorruption))...)
			if err := exhaust(sc.fake, sc.rng, linmem.PageSize-fakeHeader); err != nil {
				t.Fatal(err)
			}
			// What the guest writes first is a tag, of which a byte may be the canary's by chance.
			start := (s + pages.gap) * linmem.PageSize
			var damage *linmem.Error
			if err := sc.g.Verify(); !errors.As(err, &damage) || damage.Addr < start || damage.Addr >= start+fakeAlign {
				t.Errorf("Verify: error %v, want one at %#x, where the region begins", err, start)
			}
		})
		t.Run(fmt.Sprintf("gap %d, host %d, limited", pages.gap, pages.host), func(t *testing.T) {
			sc := openScene(t, newFake(toolchainOf("go")), everything, opts...)
			if got := sc.memory.limit; got != border {
				t.Errorf("the limit is %d pages, want %d", got, border)
			}
			if got := sc.g.Heap.Pages().Stats(); got.Owned != pages.host-2 || got.Free != pages.host-2 {
				t.Errorf("the host owns %d pages, %d of them free, want two fewer than %d", got.Owned, got.Free, pages.host)
			}
			if err := errors.Join(exhaust(sc.fake, sc.rng, 0), sc.check(), sc.g.Verify()); err != nil {
				t.Error(err)
			}
		})
	}
}

// wantDamage holds that Verify finds a canary damaged at an address.
func wantDamage(t *testing.T, g *guest.Guest, addr uint64) {
	t.Helper()
	err := g.Verify()
	var e *linmem.Error
	if !errors.As(err, &e) || !errors.Is(err, linmem.ErrCorrupt) || e.Addr != addr {
		t.Errorf("Verify: error %v, want an *Error at %#x around ErrCorrupt", err, addr)
	}
}
