package native_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/traces"
	"github.com/linmem/linmem/integration/traces/native"
)

// TestReplay runs a small trace of every kind of operation, with blocks of 0 bytes and some left, and a committed one.
func TestReplay(t *testing.T) {
	for _, a := range []native.Allocator{native.Glibc, native.Mimalloc} {
		t.Run(string(a), func(t *testing.T) {
			r := build(t, a)
			sed, err := traces.Load("sed")
			if err != nil {
				t.Fatal(err)
			}
			for _, trace := range []*traces.Trace{
				parse(t, "a 0 0\na 1 100 64\nr 0 70000\nr 1 0\nf 0\na 0 1\n"),
				sed,
			} {
				times, err := r.Replay(t.Context(), trace, 3)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(times.Allocator, string(a)+"-") {
					t.Errorf("replayed on %s", times.Allocator)
				}
				if times.Best <= 0 || times.Median < times.Best || times.Median > 1e6 {
					t.Errorf("%s: %+v", trace.Name, times)
				}
			}
		})
	}
}

func TestReplayErrors(t *testing.T) {
	if _, err := native.Build(t.Context(), "jemalloc"); err == nil || errors.Is(err, native.ErrMissing) {
		t.Errorf("an unknown allocator: %v", err)
	}
	r := build(t, native.Glibc)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	// Some 2^48 bytes, which is more than an address space of x86-64 has.
	var ops strings.Builder
	for id := range 256 {
		fmt.Fprintf(&ops, "a %d %d\n", id, uint64(traces.MaxSize))
	}
	tooMuch := parse(t, ops.String())
	for _, test := range []struct {
		name   string
		ctx    context.Context
		trace  *traces.Trace
		rounds int
		want   string
	}{
		{"NoRounds", t.Context(), parse(t, "a 0 1\n"), 0, "usage"},
		{"NoOperations", t.Context(), parse(t, ""), 1, "no operation"},
		{"OutOfMemory", t.Context(), tooMuch, 1, "out of memory"},
		{"Canceled", canceled, parse(t, "a 0 1\n"), 1, "canceled"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := r.Replay(test.ctx, test.trace, test.rounds); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// TestBuildWithoutCompiler holds that the error says what to install.
func TestBuildWithoutCompiler(t *testing.T) {
	t.Setenv("PATH", "")
	if _, err := native.Build(t.Context(), native.Mimalloc); !errors.Is(err, native.ErrMissing) ||
		!strings.Contains(err.Error(), "libmimalloc-dev") {
		t.Errorf("got %v", err)
	}
}

// build skips the test where the allocator cannot be had.
func build(t *testing.T, a native.Allocator) *native.Replayer {
	t.Helper()
	r, err := native.Build(t.Context(), a)
	if errors.Is(err, native.ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func parse(t *testing.T, ops string) *traces.Trace {
	t.Helper()
	trace, err := traces.Parse(strings.NewReader("linmem-trace 1\n" + ops))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}
