package wazeromem_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

const gib = 1 << 30

// addressSpace returns how much of it the process has taken, in bytes.
func addressSpace(t testing.TB) (n int64) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(status), "VmSize:")
	if _, err := fmt.Sscanf(rest, "%d kB", &n); !ok || err != nil {
		t.Fatalf("no VmSize in /proc/self/status: %v", err)
	}
	return n << 10
}

// mapping sums over the mappings that overlap the n bytes from first on: what they have of that range, and what is
// resident in them.
func mapping(t testing.TB, first uintptr, n uint64) (mapped, resident uint64) {
	t.Helper()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	start, end := uint64(first), uint64(first)+n
	inside := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var from, to, kib uint64
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); err == nil {
			if inside = from < end && start < to; inside {
				mapped += min(to, end) - max(from, start)
			}
		} else if _, err := fmt.Sscanf(lines.Text(), "Rss: %d kB", &kib); err == nil && inside {
			resident += kib << 10
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return mapped, resident
}

// TestStableGivenBack holds that pages go back to the system when a module is closed, whoever closes it, and its addresses
// when it is collected.
func TestStableGivenBack(t *testing.T) {
	const size = 1024 // pages that are touched: 64 MiB
	// (module (memory (export "memory") 1024) (func (export "spin") (loop (br 0))))
	spinning := []byte("\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x05\x04\x01\x00\x80\x08" +
		"\x07\x11\x02\x06memory\x02\x00\x04spin\x00\x00" + "\x0a\x09\x01\x07\x00\x03\x40\x0c\x00\x0b\x0b")
	for _, tt := range []struct {
		name string
		end  func(t *testing.T, r wazero.Runtime, mod api.Module)
	}{
		{"module closed", func(t *testing.T, _ wazero.Runtime, mod api.Module) { mustClose(t, mod) }},
		{"runtime closed", func(t *testing.T, r wazero.Runtime, _ api.Module) { mustClose(t, r) }},
		{"call timed out", func(t *testing.T, _ wazero.Runtime, mod api.Module) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if _, err := mod.ExportedFunction("spin").Call(ctx); err == nil || !mod.IsClosed() {
				t.Errorf("the call ends with %v, the module closed: %t", err, mod.IsClosed())
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRuntime(t, wazero.NewRuntimeConfig().WithCloseOnContextDone(true))
			before := addressSpace(t)
			mod := add(t, r, new(wazeromem.StableMemories), "", spinning)
			all := mustView(t, mustNew(t, mod), 0, size*linmem.PageSize)
			for i := range all {
				all[i] = 1
			}
			first, n := uintptr(unsafe.Pointer(unsafe.SliceData(all))), uint64(len(all))
			if mapped, resident := mapping(t, first, n); mapped != n || resident < n {
				t.Fatalf("%d bytes are mapped and %d resident of %d that were written", mapped, resident, n)
			}
			if got := addressSpace(t) - before; got < 4*gib-gib/64 { // the Go runtime gives some of its own back
				t.Errorf("the memory takes %d bytes of address space, want 4 GiB", got)
			}
			tt.end(t, r, mod)
			if _, resident := mapping(t, first, n); resident > n/16 {
				t.Errorf("%d bytes are still resident", resident)
			}
			settles(t, "the addresses", func() error {
				if got := addressSpace(t) - before; got > gib {
					return fmt.Errorf("%d bytes of address space are left", got)
				}
				if mapped, _ := mapping(t, first, n); mapped != 0 {
					return fmt.Errorf("%d bytes are still mapped", mapped)
				}
				return nil
			})
		})
	}
}

// TestStableLimitedByRuntime holds that a memory takes the address space that it may use, and no more.
func TestStableLimitedByRuntime(t *testing.T) {
	before := addressSpace(t)
	r := newRuntime(t, engines["compiler"].WithMemoryLimitPages(10))
	for range 100 {
		mustNew(t, add(t, r, new(wazeromem.StableMemories), "", unbounded))
	}
	if got := addressSpace(t) - before; got > gib {
		t.Errorf("100 memories of 10 pages at most take %d bytes of address space", got)
	}
}

// TestStableComeAndGo has instances come and go, some together: 8 TiB of address space in all.
func TestStableComeAndGo(t *testing.T) {
	r, stable := newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories)
	before, located := addressSpace(t), wazeromem.Located()
	var open []api.Module
	for range 2000 {
		mod := add(t, r, stable, "", unbounded)
		mustView(t, mustNew(t, mod), 0, 1)[0] = 1
		if open = append(open, mod); len(open) > 5 {
			mustClose(t, open[2])
			open = append(open[:2], open[3:]...)
		}
	}
	for _, mod := range open {
		mustClose(t, mod)
	}
	if got := wazeromem.Located() - located; got != 0 {
		t.Errorf("%d of 2,000 memories can still be found", got)
	}
	settles(t, "2,000 instances", func() error {
		if got := addressSpace(t) - before; got > gib {
			return fmt.Errorf("%d bytes of address space are left", got)
		}
		return nil
	})
}

// outOfBounds cannot be instantiated: (module (memory 1) (data (i32.const 65536) "x"))
const outOfBounds = "\x00asm\x01\x00\x00\x00" + "\x05\x03\x01\x00\x01" + "\x0b\x09\x01\x00\x41\x80\x80\x04\x0b\x01x"

// startTraps neither: (module (func unreachable) (memory 1) (start 0))
const startTraps = "\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00" + "\x05\x03\x01\x00\x01" + "\x08\x01\x00" +
	"\x0a\x05\x01\x03\x00\x00\x0b"

// TestStableCollected holds that a memory goes with its module when that is collected and was never closed: where the
// instantiation failed, in a runtime that lives on, and where everything was dropped.
func TestStableCollected(t *testing.T) {
	for _, tt := range []struct {
		name string
		lose func(t *testing.T, r wazero.Runtime, ctx context.Context)
	}{
		{"data out of bounds", func(t *testing.T, r wazero.Runtime, ctx context.Context) {
			if _, err := r.Instantiate(ctx, []byte(outOfBounds)); err == nil {
				t.Error("a module with data past its memory can be instantiated")
			}
		}},
		{"start traps", func(t *testing.T, r wazero.Runtime, ctx context.Context) {
			if _, err := r.Instantiate(ctx, []byte(startTraps)); err == nil {
				t.Error("a module whose start function traps can be instantiated")
			}
		}},
		{"dropped", func(t *testing.T, _ wazero.Runtime, ctx context.Context) {
			mod, err := wazero.NewRuntimeWithConfig(ctx, engines["interpreter"]).Instantiate(ctx, linmemtest.Module(1, 65536))
			if err != nil {
				t.Error(err)
				return
			}
			mustView(t, mustNew(t, mod), 0, 1)[0] = 1
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRuntime(t, engines["compiler"])
			ctx := new(wazeromem.StableMemories).Context(t.Context())
			before, located := addressSpace(t), wazeromem.Located()
			for range 10 {
				tt.lose(t, r, ctx)
			}
			settles(t, "10 memories", func() error {
				if left := addressSpace(t) - before; left > gib || wazeromem.Located() > located {
					return fmt.Errorf("%d bytes of address space are left, and %d can be found", left, wazeromem.Located()-located)
				}
				return nil
			})
		})
	}
}

// TestStableUsedWhileCollecting holds that a memory stays as long as its module does, whatever the collector does.
func TestStableUsedWhileCollecting(t *testing.T) {
	m := mustNew(t, add(t, newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories), "", unbounded))
	for i := range 10 {
		runtime.GC()
		mustGrow(t, m, 1)
		b := mustView(t, m, 0, m.NumPages()*linmem.PageSize)
		if b[0]++; b[0] != byte(i+1) || !m.Stable() {
			t.Fatalf("byte 0 is %d after %d collections, stable: %t", b[0], i+1, m.Stable())
		}
	}
}
