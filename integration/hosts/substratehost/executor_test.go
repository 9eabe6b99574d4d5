package substratehost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	_ "embed"

	linmem "github.com/linmem/linmem/core"
)

//go:embed guest/astray.wasm
var astray []byte

func newExecutor(t testing.TB, wasm []byte) *Executor {
	t.Helper()
	e, err := New(context.Background(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func newBump(t testing.TB, wasm []byte) *bumpExecutor {
	t.Helper()
	e, err := newBumpExecutor(context.Background(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.runtime.Close(context.Background()) })
	return e
}

// transfers returns n transfers between about half as many accounts.
func transfers(n int) []Transfer {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	all := make([]Transfer, n)
	for i := range all {
		all[i] = Transfer{r.Uint32N(uint32(n/2 + 1)), r.Uint32N(uint32(n/2 + 1)), r.Uint64N(1 << 40)}
	}
	return all
}

// net is the oracle.
func net(all []Transfer) (changes []Change) {
	amounts := make(map[uint32]int64)
	add := func(account uint32, amount int64) {
		if _, ok := amounts[account]; !ok {
			changes = append(changes, Change{Account: account})
		}
		amounts[account] += amount
	}
	for _, t := range all {
		add(t.From, -int64(t.Amount))
		add(t.To, int64(t.Amount))
	}
	for i := range changes {
		changes[i].Amount = amounts[changes[i].Account]
	}
	return changes
}

func TestNet(t *testing.T) {
	ctx := t.Context()
	e, bump := newExecutor(t, Clearing), newBump(t, Clearing)
	for _, n := range []int{0, 1, 2, 63, 64, 1000, 20_000, 100_000, 3} {
		for by, exec := range map[string]func(context.Context, string, []byte) ([]byte, error){
			"linmem": e.Exec, "bump": bump.Exec,
		} {
			result, err := exec(ctx, "Clearing_net", EncodeTransfers(transfers(n)))
			if err != nil {
				t.Fatalf("%s: %d transfers: %v", by, n, err)
			}
			changes, err := DecodeChanges(result)
			if err != nil || !slices.Equal(changes, net(transfers(n))) {
				t.Errorf("%s: %d transfers: got %d changes that are not right, %v", by, n, len(changes), err)
			}
		}
		if err := e.Verify(); err != nil {
			t.Errorf("%d transfers: %v", n, err)
		}
		if live := e.Live(); live != 0 {
			t.Errorf("%d transfers: %d blocks are still allocated", n, live)
		}
	}
}

func TestExecErrors(t *testing.T) {
	ctx := t.Context()
	for _, tc := range []struct {
		name, function string
		wasm, args     []byte
		want           error  // nil if there is only the text
		text           string // of the error
		live           uint64 // blocks that are left
	}{
		{"no such function", "Clearing_gross", Clearing, nil, nil, "no entry point", 0},
		{"arguments of no kind", "Clearing_net", Clearing, []byte{3}, nil, "unreachable", 0},
		{"a result that is too long", "Astray_too_long", astray, nil, linmem.ErrOutOfBounds, "Astray_too_long", 1},
		{"a result elsewhere", "Astray_elsewhere", astray, nil, linmem.ErrNotAllocated, "Astray_elsewhere", 0},
		{"a double free", "Astray_double_free", astray, nil, linmem.ErrNotAllocated, "ext_allocator_free_version_1", 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			e := newExecutor(t, tc.wasm)
			result, err := e.Exec(ctx, tc.function, tc.args)
			if err == nil || !strings.Contains(err.Error(), tc.text) || tc.want != nil && !errors.Is(err, tc.want) {
				t.Errorf("got %v, %v; want %v and %q", result, err, tc.want, tc.text)
			}
			if live := e.Live(); live != tc.live {
				t.Errorf("%d blocks are still allocated, want %d", live, tc.live)
			}
			if err := e.guest.Heap.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestNewErrors(t *testing.T) {
	noRuntime, err := os.ReadFile("../extismhost/guest/redact.wasm")
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		wasm []byte
		want string
	}{
		"no wasm":          {[]byte("wasm"), "expected the header"},
		"imports of other": {noRuntime, "extism:host/env"},
		"nothing at all":   {[]byte("\x00asm\x01\x00\x00\x00"), "no memory"},
	} {
		if e, err := New(t.Context(), tc.wasm); e != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, tc.want)
		}
	}
}

func TestReset(t *testing.T) {
	ctx := t.Context()
	e := newExecutor(t, astray)
	addr, err := e.guest.Heap.Alloc(64)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := e.Exec(ctx, "Astray_too_long", []byte("args")); err == nil {
			t.Fatal("a block that the runtime should have forgotten was returned")
		}
		if e.Live() == 0 {
			t.Fatal("there is nothing to forget")
		}
		if err := e.Reset(ctx); err != nil {
			t.Fatal(err)
		}
		if live := e.Live(); live != 0 {
			t.Errorf("%d blocks are still allocated", live)
		}
		again, err := e.guest.Heap.Alloc(64)
		if err != nil || again != addr {
			t.Errorf("got a block at %#x, %v; want the first one, at %#x", again, err, addr)
		}
		if err := e.Verify(); err != nil {
			t.Error(err)
		}
	}
}

// What a runtime in Rust returns for () has no address.
func TestExecNothing(t *testing.T) {
	e := newExecutor(t, astray)
	if result, err := e.Exec(t.Context(), "Astray_nothing", []byte("x")); len(result) != 0 || err != nil {
		t.Errorf("got %v, %v", result, err)
	}
}

// A runtime that writes before its block overwrites what Substrate's allocator knows of it, and the next call of the
// allocator is its last. The heap has nothing there.
func TestUnderrun(t *testing.T) {
	ctx := t.Context()
	bump := newBump(t, astray)
	if _, err := bump.exec(ctx, "Astray_underrun", []byte("args")); err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("the allocator with headers: got %v", err)
	}
	if _, err := bump.exec(ctx, "Astray_nothing", nil); !errors.Is(err, errPoisoned) {
		t.Errorf("the allocator with headers, afterwards: got %v, want %v", err, errPoisoned)
	}

	e := newExecutor(t, astray)
	for range 3 {
		if _, err := e.Exec(ctx, "Astray_underrun", []byte("args")); err != nil {
			t.Errorf("the heap: %v", err)
		}
		if err := e.guest.Heap.Check(); err != nil {
			t.Error(err)
		}
	}
	if live := e.Live(); live != 0 {
		t.Errorf("%d blocks are still allocated", live)
	}
}

// The package doc gives these numbers.
func TestMemory(t *testing.T) {
	e, bump := newExecutor(t, Clearing), newBump(t, Clearing)
	args := EncodeTransfers(transfers(100_000))
	for range 3 {
		if _, err := bump.Exec(t.Context(), "Clearing_net", args); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Exec(t.Context(), "Clearing_net", args); err != nil {
			t.Fatal(err)
		}
	}
	nBump, n := bump.mod.Memory().Size()>>16, e.mod.Memory().Size()>>16
	if nBump != 145 || n > 100 {
		t.Errorf("got %d pages with powers of two, and %d with the heap; want 145, and 100 at most", nBump, n)
	}
}

// Substrate's allocator gives 32 MiB at most.
func TestLargeArguments(t *testing.T) {
	args := make([]byte, 32<<20+1)
	if _, err := newBump(t, astray).Exec(t.Context(), "Astray_nothing", args); err == nil {
		t.Error("the allocator with powers of two gave more than 32 MiB")
	}
	e := newExecutor(t, astray)
	if _, err := e.Exec(t.Context(), "Astray_nothing", args); err != nil {
		t.Error(err)
	}
}

func TestSCALE(t *testing.T) {
	for v, want := range map[uint32][]byte{
		0: {0}, 1: {4}, 63: {0xfc}, 64: {1, 1}, 16_383: {0xfd, 0xff}, 16_384: {2, 0, 1, 0}, 1<<30 - 1: {0xfe, 0xff, 0xff, 0xff},
	} {
		got := appendCompact(nil, v)
		if !bytes.Equal(got, want) {
			t.Errorf("%d: got %v, want %v", v, got, want)
		}
		if back, rest, ok := cutCompact(append(got, 7)); back != v || len(rest) != 1 || !ok {
			t.Errorf("%d: read %d, %v, %v", v, back, rest, ok)
		}
	}
	for _, broken := range [][]byte{nil, {3}, {1}, {2, 0, 0}, {4}, {0, 0}} {
		if changes, err := DecodeChanges(broken); err == nil {
			t.Errorf("%v: got %v", broken, changes)
		}
	}
}

func BenchmarkExec(b *testing.B) {
	ctx := b.Context()
	e, bump := newExecutor(b, Clearing), newBump(b, Clearing)
	for _, n := range []int{1, 100, 4000} {
		args := EncodeTransfers(transfers(n))
		for _, way := range []struct {
			by   string
			exec func(context.Context, string, []byte) ([]byte, error)
		}{{"bump", bump.Exec}, {"linmem", e.Exec}} {
			b.Run(fmt.Sprintf("%s/%d", way.by, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := way.exec(ctx, "Clearing_net", args); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
