package heaps_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/bench/heaps/heapstest"
	"github.com/linmem/linmem/integration/traces"
)

func TestNative(t *testing.T) { heapstest.Run(t, heaps.Native(), heaps.Contents) }

// recorder is an allocator that writes down how it is called. Addresses count up from 1.
type recorder struct {
	calls []string
	last  uint64
	fails int // the call that fails, from 1
}

var errRecorder = errors.New("no more")

func (r *recorder) call(format string, args ...any) (uint64, error) {
	r.calls = append(r.calls, fmt.Sprintf(format, args...))
	if len(r.calls) == r.fails {
		return 0, errRecorder
	}
	if !strings.HasPrefix(format, "free") {
		r.last++
	}
	return r.last, nil
}

func (r *recorder) Alloc(size uint64) (uint64, error) { return r.call("alloc %d", size) }

func (r *recorder) Free(addr, size uint64) error {
	_, err := r.call("free @%d %d", addr, size)
	return err
}

func (r *recorder) Realloc(addr, oldSize, newSize uint64) (uint64, error) {
	return r.call("realloc @%d %d %d", addr, oldSize, newSize)
}

// aligning is a recorder that aligns.
type aligning struct{ recorder }

func (r *aligning) AllocAligned(size, align uint64) (uint64, error) {
	return r.call("alloc %d aligned to %d", size, align)
}

func (r *recorder) String() string { return strings.Join(r.calls, "; ") }

func parse(t *testing.T, ops string) *traces.Trace {
	t.Helper()
	lines := "linmem-trace 1\n" + strings.ReplaceAll(ops, "; ", "\n") + "\n"
	parsed, err := traces.Parse(strings.NewReader(lines))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestReplay(t *testing.T) {
	for _, c := range []struct {
		name, ops string
		most      int
		want      string
		peak      uint64
	}{
		{"Pair", "a 0 64; f 0", 9, "alloc 64; free @1 64", 64},
		{"LeftLive", "a 0 64; a 1 0; a 2 8", 9, "alloc 64; alloc 0; alloc 8; free @1 64; free @2 0; free @3 8", 72},
		{"Cut", "a 0 64; a 1 9; f 0; f 1", 2, "alloc 64; alloc 9; free @1 64; free @2 9", 73},
		{"IDAgain", "a 0 1; f 0; a 0 2; f 0", 9, "alloc 1; free @1 1; alloc 2; free @2 2", 2},
		{"Realloc", "a 0 10; r 0 30; r 0 5; f 0", 9, "alloc 10; realloc @1 10 30; realloc @2 30 5; free @3 5", 30},
		{"UsualAlign", "a 0 10 16; f 0", 9, "alloc 10; free @1 10", 10},
		{"Aligned", "a 0 10 4096; f 0", 9, "alloc 10 aligned to 4096; free @1 10", 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			trace, err := heaps.Prepare(parse(t, c.ops), c.most)
			if err != nil {
				t.Fatal(err)
			}
			if trace.PeakLive != c.peak {
				t.Errorf("%d bytes live at most; want %d", trace.PeakLive, c.peak)
			}
			r := new(aligning)
			w := trace.Warm(r)
			for range 2 {
				r.recorder = recorder{}
				if err := w.Turns(1); err != nil {
					t.Fatal(err)
				}
				if got := r.String(); got != c.want {
					t.Errorf("%s\nwant %s", got, c.want)
				}
				if len(r.calls) != trace.Len() {
					t.Errorf("%d calls; Len is %d", len(r.calls), trace.Len())
				}
			}
		})
	}
}

// TestReplayWithoutAlignment holds that an alignment is left out where the allocator has none.
func TestReplayWithoutAlignment(t *testing.T) {
	trace, err := heaps.Prepare(parse(t, "a 0 10 4096"), 9)
	if err != nil {
		t.Fatal(err)
	}
	r := new(recorder)
	if err := trace.Warm(r).Turns(1); err != nil || r.String() != "alloc 10; free @1 10" {
		t.Errorf("%v, %v", r, err)
	}
}

func TestPrepareTooLarge(t *testing.T) {
	if _, err := heaps.Prepare(parse(t, "a 0 4294967296"), 9); err == nil {
		t.Error("a block of 4 GiB is no error")
	}
}

// TestErrors holds that each workload ends with the error of the allocator.
func TestErrors(t *testing.T) {
	trace, err := heaps.Prepare(parse(t, "a 0 10; r 0 20; f 0"), 9)
	if err != nil {
		t.Fatal(err)
	}
	for fails := range 3 {
		r := &recorder{fails: fails + 1}
		if err := trace.Warm(r).Turns(1); !errors.Is(err, errRecorder) {
			t.Errorf("call %d of a trace fails: %v", fails, err)
		}
	}
	for fails := range 2 {
		if err := heaps.Pair(&recorder{fails: fails + 1}, 1).Turns(1); !errors.Is(err, errRecorder) {
			t.Errorf("call %d of a pair fails: %v", fails, err)
		}
	}
	kind := heaps.Kind{Open: func() (heaps.Opened, error) { return heaps.Opened{Allocator: &recorder{fails: 2}}, nil }}
	if err := trace.Cold(kind).Turns(1); !errors.Is(err, errRecorder) {
		t.Errorf("a call of a cold trace fails: %v", err)
	}
	if _, err := heaps.Message(heaps.Opened{Allocator: heaps.Idle{}}, 1); err == nil {
		t.Error("a message to no guest is no error")
	}
}

func TestGoAllocs(t *testing.T) {
	o := open(t, heaps.GoMake)
	for _, c := range []struct {
		a    heaps.Allocator
		want float64
	}{{heaps.Idle{}, 0}, {o.Allocator, 1}} {
		got, err := heaps.GoAllocs(heaps.Pair(c.a, 64), 10_000)
		if err != nil || got < c.want || got > c.want+0.01 {
			t.Errorf("%T: %v allocations a pair, %v; want %v", c.a, got, err, c.want)
		}
	}
}

func TestLocals(t *testing.T) {
	handles, done, err := heaps.OpenLocals(2)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := done(); err != nil {
			t.Error(err)
		}
	}()
	var ws []heaps.Workload
	for _, a := range handles {
		w, err := heaps.Mix(a)
		if err != nil {
			t.Fatal(err)
		}
		ws = append(ws, w)
	}
	if got, err := heaps.Together(ws, 10*time.Millisecond); err != nil || got <= 0 {
		t.Errorf("%v turns a second, %v", got, err)
	}
}

func TestTogether(t *testing.T) {
	ws := []heaps.Workload{heaps.Pair(heaps.Idle{}, 1), heaps.Pair(heaps.Idle{}, 1)}
	if got, err := heaps.Together(ws, time.Millisecond); err != nil || got <= 0 {
		t.Errorf("%v turns a second, %v", got, err)
	}
	ws = append(ws, heaps.Pair(&recorder{fails: 1000}, 1))
	if _, err := heaps.Together(ws, time.Second); !errors.Is(err, errRecorder) {
		t.Errorf("one of three fails: %v", err)
	}
}
