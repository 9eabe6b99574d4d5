package wazeromem_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// threads is a guest with a shared memory:
//
//	(module
//	  (memory (export "memory") 1 1000 shared)
//	  (func (export "grow") (param $delta i32) (result i32) (memory.grow (local.get $delta)))
//	  (func (export "grow-by-page") (param $times i32)
//	    (loop
//	      (drop (memory.grow (i32.const 1)))
//	      (br_if 0 (local.tee $times (i32.sub (local.get $times) (i32.const 1))))))
//	  (func (export "add") (param $addr i32) (param $times i32)
//	    (loop
//	      (drop (i32.atomic.rmw.add (local.get $addr) (i32.const 1)))
//	      (br_if 0 (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))))
var threads = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x0f\x03\x60\x01\x7f\x01\x7f\x60\x01\x7f\x00\x60\x02\x7f\x7f\x00" + "\x03\x04\x03\x00\x01\x02" +
	"\x05\x05\x01\x03\x01\xe8\x07" +
	"\x07\x26\x04\x06memory\x02\x00\x04grow\x00\x00\x0cgrow-by-page\x00\x01\x03add\x00\x02" +
	"\x0a\x34\x03" + "\x06\x00\x20\x00\x40\x00\x0b" + "\x13\x00" + growByPage +
	"\x17\x00\x03\x40\x20\x00\x41\x01\xfe\x1e\x02\x00\x1a\x20\x01\x41\x01\x6b\x22\x01\x0d\x00\x0b\x0b")

// maxShared is its maximum.
const maxShared = 1000

// runShared runs a test on shared memories, stable ones and wazero's own, in both engines.
func runShared(t *testing.T, test func(t *testing.T, engine string, mod api.Module, m *wazeromem.Memory)) {
	t.Helper()
	for name, stable := range map[string]*wazeromem.StableMemories{"stable": new(wazeromem.StableMemories), "wazero's own": nil} {
		for _, engine := range []string{"compiler", "interpreter"} {
			t.Run(engine+", "+name, func(t *testing.T) {
				config := engines[engine].WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesThreads)
				mod := add(t, newRuntime(t, config), stable, "", threads)
				m := mustNew(t, mod)
				if m.Stable() != (stable != nil) {
					t.Errorf("Stable() = %t, want %t", m.Stable(), stable != nil)
				}
				at := addressOf(mustView(t, m, 0, 1))
				test(t, engine, mod, m)
				if addressOf(mustView(t, m, 0, 1)) != at || m.Moves() != 0 {
					t.Errorf("a shared memory moves: Moves() = %d", m.Moves())
				}
			})
		}
	}
}

// TestSharedGrows has host and guest grow a memory, each on two goroutines, while two others view it: no growth is lost, and
// none counted twice.
func TestSharedGrows(t *testing.T) {
	runShared(t, func(t *testing.T, _ string, mod api.Module, m *wazeromem.Memory) {
		const each = 200
		var wg sync.WaitGroup
		var seen [maxShared]atomic.Uint32 // how often a size was returned as that before a growth
		for range 2 {
			goCall(t, &wg, mod, "grow-by-page", each)
			wg.Go(func() {
				for range each {
					prev, err := m.Grow(1)
					if err != nil {
						t.Error(err)
						return
					}
					seen[prev].Add(1)
				}
			})
			wg.Go(func() {
				size := uint64(1)
				for size < 1+4*each && !t.Failed() {
					now := m.NumPages()
					if now < size {
						t.Errorf("%d pages, after %d", now, size)
					}
					size = now
					runtime.Gosched()
					b, err := m.View(0, size*linmem.PageSize)
					if err != nil || b[(size-1)*linmem.PageSize] != 0 || b[size*linmem.PageSize-1] != 0 {
						t.Errorf("the last of %d pages cannot be viewed, or is not zero: %v", size, err)
					}
				}
			})
		}
		wg.Wait()
		byHost := uint32(0)
		for size := range seen {
			n := seen[size].Load()
			if byHost += n; n > 1 {
				t.Errorf("%d growths began at %d pages", n, size)
			}
		}
		if got := m.NumPages(); got != 1+4*each || byHost != 2*each {
			t.Errorf("%d pages, %d of them by the host, want %d and %d", got, byHost, 1+4*each, 2*each)
		}
		_, err := m.Grow(maxShared)
		wantError(t, "Grow past the maximum", err, linmem.ErrOutOfMemory)
		mustGrow(t, m, maxShared-m.NumPages())
		mustView(t, m, maxShared*linmem.PageSize-1, 1)[0] = 1
	})
}

// TestSharedAtomics has guest and host add to one word on several goroutines: no addition is lost. The interpreter's atomics
// are a mutex, which the host cannot lock, so there it does not add.
func TestSharedAtomics(t *testing.T) {
	runShared(t, func(t *testing.T, engine string, mod api.Module, m *wazeromem.Memory) {
		const addr, each = 64, 20000
		word := (*uint32)(unsafe.Pointer(unsafe.SliceData(mustView(t, m, addr, 4))))
		var wg sync.WaitGroup
		want := uint32(2 * each)
		for range 2 {
			goCall(t, &wg, mod, "add", addr, each)
		}
		if engine == "compiler" {
			want += 2 * each
			for range 2 {
				wg.Go(func() {
					for range each {
						atomic.AddUint32(word, 1)
					}
				})
			}
		}
		goCall(t, &wg, mod, "grow-by-page", 100) // which must not disturb that
		wg.Wait()
		if got := atomic.LoadUint32(word); got != want {
			t.Errorf("the word is %d, want %d", got, want)
		}
	})
}

// TestSharedLimit freezes a memory that two goroutines of the guest grow.
func TestSharedLimit(t *testing.T) {
	runShared(t, func(t *testing.T, _ string, mod api.Module, m *wazeromem.Memory) {
		if !m.Stable() {
			wantError(t, "LimitPages without StableMemories", m.LimitPages(50), linmem.ErrUnsupported)
			return
		}
		if err := m.LimitPages(50); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			goCall(t, &wg, mod, "grow-by-page", 200)
		}
		wg.Wait()
		_, err := m.Grow(1)
		wantError(t, "Grow at the limit", err, linmem.ErrOutOfMemory)
		if got := m.NumPages(); got != 50 {
			t.Errorf("%d pages, want the limit, 50", got)
		}
	})
}

// TestSharedRefusedAtOnce has growth refused on several goroutines, as the package doc allows. For -race.
func TestSharedRefusedAtOnce(t *testing.T) {
	runShared(t, func(t *testing.T, _ string, _ api.Module, m *wazeromem.Memory) {
		var wg sync.WaitGroup
		for id := range uint64(4) {
			wg.Go(func() {
				for i := range uint64(1000) {
					if _, err := m.Grow(maxShared + 1000*id + i); err == nil {
						t.Error("the memory grows past its maximum")
					}
				}
			})
		}
		wg.Wait()
	})
}
