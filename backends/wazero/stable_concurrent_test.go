package wazeromem_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableWhileGuestGrows uses a memory from eight goroutines while the guest grows it in a loop, as the package doc
// allows: sizes, views, limits and a shared heap on pages that were reserved. The race detector is to look on.
func TestStableWhileGuestGrows(t *testing.T) {
	const goroutines, reserved, grown = 8, 64, 20000 // the latter are pages
	for _, engine := range []string{"compiler", "interpreter"} {
		t.Run(engine, func(t *testing.T) {
			mod := add(t, newRuntime(t, engines[engine]), new(wazeromem.StableMemories), "", growing)
			m := mustNew(t, mod)
			heap, err := linmem.NewHeap(m)
			if err != nil {
				t.Fatal(err)
			}
			if err := heap.Reserve(reserved * linmem.PageSize); err != nil {
				t.Fatal(err)
			}
			heap.Pages().Freeze(true)
			before := m.NumPages()
			shared := linmem.NewShared(heap)

			var wg sync.WaitGroup
			defer wg.Wait()
			var whileGrowing atomic.Uint64
			done := goGrow(t, &wg, mod, grown, func() bool { return whileGrowing.Load() >= 10*goroutines })
			var users sync.WaitGroup
			for id := range goroutines {
				users.Go(func() {
					random := rand.New(rand.NewPCG(1, uint64(id)))
					size := before
					for running := true; running && !t.Failed(); runtime.Gosched() {
						select {
						case <-done:
							running = false // once more, with all of it
						default:
						}
						if size = holdsSize(t, m, size); before < size && size < before+grown {
							whileGrowing.Add(1)
						}
						holdsPut(t, shared, random, byte(id+1))
						if err := m.LimitPages(65535 + random.Uint64N(1000)); err != nil {
							t.Error(err)
						}
					}
				})
			}
			users.Wait()
			if got := m.NumPages(); got != before+grown || !m.Stable() {
				t.Errorf("%d pages at the end, want %d; stable: %t", got, before+grown, m.Stable())
			}
		})
	}
}

// holdsSize holds that a memory does not shrink, and that all of what it says it has can be viewed; it returns the size.
func holdsSize(t *testing.T, m *wazeromem.Memory, least uint64) (size uint64) {
	t.Helper()
	size = m.NumPages()
	if size < least {
		t.Errorf("%d pages, after %d", size, least)
	}
	all, err := m.View(0, size*linmem.PageSize)
	if err != nil {
		t.Errorf("View of all %d pages: %v", size, err)
		return size
	}
	if last := all[(size-1)*linmem.PageSize:]; size > 100 && (last[0] != 0 || last[linmem.PageSize-1] != 0) {
		t.Errorf("the last of %d pages is not zero", size)
	}
	if b, err := m.View(65536*linmem.PageSize, 1); err == nil {
		t.Errorf("View past the end of any memory: %d", b)
	}
	return size
}

// holdsPut puts data, and holds that it is there until it is freed.
func holdsPut(t *testing.T, shared *linmem.Shared, random *rand.Rand, stamp byte) {
	t.Helper()
	data := bytes.Repeat([]byte{stamp}, 1+random.IntN(3000))
	addr, err := shared.Put(data)
	if err != nil {
		t.Error(err)
		return
	}
	got, err := shared.View(addr, uint64(len(data)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("what was put at %#x is not there: %v", addr, err)
	}
	if err := shared.Free(addr); err != nil {
		t.Error(err)
	}
}

// TestStableMemoriesConcurrently has goroutines open, use and close modules of one StableMemories.
func TestStableMemoriesConcurrently(t *testing.T) {
	located := wazeromem.Located()
	r, stable := newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories)
	var wg sync.WaitGroup
	for id := range 4 {
		wg.Go(func() {
			ctx := stable.Context(t.Context())
			compiled, err := r.CompileModule(ctx, growing)
			if err != nil {
				t.Error(err)
				return
			}
			for i := range uint64(50) {
				mod, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName(""))
				if err != nil {
					t.Error(err)
					return
				}
				m, err := wazeromem.New(mod, "")
				if err != nil {
					t.Error(err)
					return
				}
				if err := m.LimitPages(i + 2); err != nil {
					t.Error(err)
				}
				for range i + 1 {
					if _, err := m.Grow(1); err != nil {
						t.Error(err)
					}
				}
				_, err = m.Grow(1)
				b, viewErr := m.View((i+1)*linmem.PageSize, linmem.PageSize)
				if err == nil || viewErr != nil || b[0] != 0 {
					t.Errorf("goroutine %d: Grow past the limit: %v; View: %v", id, err, viewErr)
					return
				}
				b[0] = byte(id)
				if err := mod.Close(ctx); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := wazeromem.Located() - located; got != 0 {
		t.Errorf("%d memories can be found after all are closed", got)
	}
}
