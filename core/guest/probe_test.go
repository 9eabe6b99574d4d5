package guest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// lab makes instances of a kind of guest to be probed, and holds that each is closed once.
type lab struct {
	t         *testing.T
	tc        fakeToolchain
	abilities ability
	change    func(f *fake, n int) // of the nth instance, from 0 on; may be nil
	made      []*fake
	stopped   map[*fake]int
}

func newLab(t *testing.T, tc fakeToolchain) *lab {
	l := &lab{t: t, tc: tc, abilities: everything, stopped: map[*fake]int{}}
	t.Cleanup(func() {
		for i, f := range l.made {
			if l.stopped[f] != 1 {
				t.Errorf("instance %d was closed %d times", i, l.stopped[f])
			}
		}
	})
	return l
}

func (l *lab) newInstance(context.Context) (guest.Instance, func(), error) {
	f := newFake(l.tc)
	if l.tc.more != nil {
		exportingOf("malloc").add(f)
	}
	inst := f.as(l.t, l.abilities)
	if l.change != nil {
		l.change(f, len(l.made))
	}
	l.made = append(l.made, f)
	return inst, func() { l.stopped[f]++; f.closed = true }, nil
}

// report is that of the guest, undecided.
func (l *lab) report() *guest.Report {
	f := newFake(l.tc)
	if l.tc.more != nil {
		exportingOf("malloc").add(f)
	}
	f.report.Verdict = outcomes(guest.Undecided, guest.Undecided)
	return f.report
}

func (l *lab) probe(w guest.Workload) *guest.Verdict {
	l.t.Helper()
	v, err := guest.Probe(l.t.Context(), l.newInstance, l.report(), w)
	if err != nil {
		l.t.Fatalf("Probe: %v", err)
	}
	return v
}

func holdsOutcomes(t *testing.T, got, want guest.Verdict) {
	t.Helper()
	if got.Late.Outcome != want.Late.Outcome || got.Early.Outcome != want.Early.Outcome {
		t.Errorf("late %+v, early %+v; want %s and %s", got.Late, got.Early, want.Late.Outcome, want.Early.Outcome)
	}
}

// TestProbe holds the verdict to what each toolchain does, by its known allocator and by a workload of one's own.
func TestProbe(t *testing.T) {
	own := guest.Workload{Alloc: func(_ context.Context, inst guest.Instance, size uint64) (uint64, error) {
		f := inst.(initializingLimiting).fake
		b, err := f.heap.malloc(size, true)
		if errors.Is(err, errNone) {
			return 0, linmem.ErrOutOfMemory
		} else if err != nil {
			return 0, err
		}
		return b.addr, nil
	}}
	for _, tc := range fakeToolchains {
		named, err := guest.NewWorkload(newLab(t, tc).report(), "malloc")
		if err != nil {
			t.Fatal(err)
		}
		for name, w := range map[string]guest.Workload{"known": {}, "named": named, "own": own} {
			if name != "known" && tc.made != guest.AssemblyScript {
				continue // how a block is asked for makes no difference to what follows
			}
			t.Run(tc.name+"/"+name, func(t *testing.T) {
				l := newLab(t, tc)
				v := l.probe(w)
				holdsOutcomes(t, *v, tc.probed)
				if v.Late.Reason == "" || v.Early.Reason == "" {
					t.Errorf("a judgement without a reason: %+v", v)
				}
				if len(l.made) != 2 {
					t.Errorf("%d instances were made, want 2", len(l.made))
				}
			})
		}
	}
}

// TestProbeWrites holds that each block is written to, all of it, as the guest might.
func TestProbeWrites(t *testing.T) {
	l := newLab(t, toolchainOf("rust"))
	var newest *fakeBlock
	nChecked := 0
	l.probe(guest.Workload{Alloc: func(_ context.Context, inst guest.Instance, size uint64) (uint64, error) {
		f := inst.(initializingLimiting).fake
		if newest != nil {
			got, err := f.memory.View(newest.addr, newest.size)
			if err != nil {
				return 0, err
			}
			if bytes.Equal(got, newest.pattern()) {
				t.Errorf("the block of %d bytes at %#x holds what the guest wrote there", newest.size, newest.addr)
			}
			nChecked++
		}
		isSmall := size <= 64<<10 // the others are longer than a pattern, perhaps
		b, err := f.heap.malloc(size, !isSmall)
		if err != nil {
			return 0, err
		}
		newest = nil
		if isSmall {
			newest, b.lent = b, true
		}
		return b.addr, nil
	}})
	if nChecked == 0 {
		t.Error("no block was looked at")
	}
}

// TestProbeThenOpen holds that a guest opens by what Probe found, and is refused by it.
func TestProbeThenOpen(t *testing.T) {
	for _, tc := range fakeToolchains {
		if tc.reported.Late.Outcome != guest.Undecided {
			continue
		}
		t.Run(tc.name, func(t *testing.T) {
			v := newLab(t, tc).probe(guest.Workload{})
			opts := []guest.OpenOption{guest.WithVerdict(v), guest.WithFirstAllocation(allocateFirst)}
			if tc.probed.Late.Outcome != guest.Tolerates {
				refuses(t, newFake(tc), everything, opts...)
				return
			}
			holdsSafe(t, openScene(t, newFake(tc), everything, opts...), guest.Grow)
		})
	}
}

// TestProbeLimits holds what a probe does to the memory at most.
func TestProbeLimits(t *testing.T) {
	for _, tc := range fakeToolchains {
		for name, abilities := range map[string]ability{"limited": everything, "not to be limited": initializes} {
			for _, maxPages := range []uint64{1, fakePages, fakePages + 1, 12, 13, 64} {
				t.Run(fmt.Sprintf("%s/%s/%d", tc.name, name, maxPages), func(t *testing.T) {
					l := newLab(t, tc)
					l.abilities = abilities
					v := l.probe(guest.Workload{MaxPages: maxPages})
					most := max(maxPages, fakePages)
					if abilities&limits == 0 && (tc.made == guest.AssemblyScript || tc.made == guest.TinyGo) {
						most *= 2 // these take as many pages as there are, whatever they are asked for
					}
					for i, f := range l.made {
						if n := f.memory.Memory.NumPages(); n > most {
							t.Errorf("the memory of instance %d became %d pages", i, n)
						}
					}
					// Too few to find out is no verdict, and what was found out is the truth.
					for _, j := range [][2]guest.Outcome{
						{v.Late.Outcome, tc.probed.Late.Outcome}, {v.Early.Outcome, tc.probed.Early.Outcome},
					} {
						if j[0] != guest.Undecided && j[0] != j[1] {
							t.Errorf("%s, and the truth is %s", j[0], j[1])
						}
					}
				})
			}
		}
	}
}

// TestProbeFails holds which verdict, or error, follows from what goes wrong.
func TestProbeFails(t *testing.T) {
	const undecided, tolerates, corrupts = guest.Undecided, guest.Tolerates, guest.Corrupts
	trapAfter := func(nCalls int, damage bool) func(*fake, int) {
		return func(f *fake, instance int) {
			n := nCalls
			// Early, the host's page is the first behind the guest's; late, the guest has grown one before that.
			hostPage := fakePages + 1 - uint64(instance)
			malloc := f.exported["malloc"]
			inner := malloc.Invoke
			malloc.Invoke = func(ctx context.Context, args []uint64) ([]uint64, error) {
				if n--; n >= 0 {
					return inner(ctx, args)
				}
				if damage {
					if err := f.heap.write(hostPage*linmem.PageSize+100, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}); err != nil {
						return nil, err
					}
				}
				return nil, errMine
			}
			f.exported["malloc"] = malloc
		}
	}
	initFails := func(only int) func(*fake, int) {
		return func(f *fake, n int) {
			if n == only {
				f.onInitialize = func(context.Context) error { return errMine }
			}
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*fake, int)
		want   guest.Verdict
		err    error
	}{
		{name: "a trap at once", change: trapAfter(0, false), want: outcomes(undecided, undecided)},
		{name: "_initialize fails late", change: initFails(0), err: errMine},
		{name: "_initialize fails early", change: initFails(1), want: outcomes(tolerates, undecided)},
		{name: "LimitPages fails", change: func(f *fake, _ int) { f.onLimit = func(uint64) error { return errMine } }, err: errMine},
		{name: "LimitPages is not supported", change: func(f *fake, _ int) {
			f.onLimit = func(uint64) error { return linmem.ErrUnsupported }
		}, want: outcomes(tolerates, tolerates)},
		{name: "no growth", change: func(f *fake, _ int) {
			f.memory.refuse = func(uint64) bool { return true }
		}, want: outcomes(undecided, undecided)},
		{name: "a trap after damage", change: trapAfter(2, true), want: outcomes(corrupts, corrupts)},
		{name: "an address that is none", change: func(f *fake, _ int) {
			malloc := f.exported["malloc"]
			malloc.Invoke = func(context.Context, []uint64) ([]uint64, error) { return []uint64{math.MaxUint32}, nil }
			f.exported["malloc"] = malloc
		}, want: outcomes(undecided, undecided)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, toolchainOf("rust"))
			l.change = tt.change
			v, err := guest.Probe(t.Context(), l.newInstance, l.report(), guest.Workload{})
			if !errors.Is(err, tt.err) || (v == nil) != (tt.err != nil) {
				t.Fatalf("Probe = %v, %v, want error %v", v, err, tt.err)
			}
			if v != nil {
				holdsOutcomes(t, *v, tt.want)
			}
		})
	}
	t.Run("what the report says is kept", func(t *testing.T) {
		l := newLab(t, toolchainOf("rust"))
		l.change = trapAfter(0, false)
		r := l.report()
		r.Verdict = outcomes(tolerates, corrupts)
		v, err := guest.Probe(t.Context(), l.newInstance, r, guest.Workload{})
		if err != nil {
			t.Fatal(err)
		}
		holdsOutcomes(t, *v, r.Verdict)
		for j, reported := range map[guest.Judgement]string{v.Late: r.Verdict.Late.Reason, v.Early: r.Verdict.Early.Reason} {
			if !strings.Contains(j.Reason, reported) || !strings.Contains(j.Reason, errMine.Error()) {
				t.Errorf("the reason %q has not both what was probed and what was reported", j.Reason)
			}
		}
	})
	t.Run("what was seen is not overruled by the report", func(t *testing.T) {
		l := newLab(t, toolchainOf("go"))
		r := l.report()
		r.Verdict = outcomes(tolerates, tolerates)
		v, err := guest.Probe(t.Context(), l.newInstance, r, guest.Workload{})
		if err != nil {
			t.Fatal(err)
		}
		holdsOutcomes(t, *v, outcomes(corrupts, corrupts))
	})
}

// TestProbeRefuses holds what Probe says where nothing can be tried.
func TestProbeRefuses(t *testing.T) {
	l := newLab(t, toolchainOf("rust"))
	none := l.report()
	none.Allocators = nil
	decided := l.report()
	decided.Allocators, decided.Verdict = nil, outcomes(guest.Tolerates, guest.Corrupts)
	half := l.report()
	half.Allocators, half.Verdict = nil, outcomes(guest.Tolerates, guest.Undecided)
	fails := func(context.Context) (guest.Instance, func(), error) { return nil, nil, errMine }
	for _, tt := range []struct {
		name string
		make func(context.Context) (guest.Instance, func(), error)
		r    *guest.Report
		want error
	}{
		{"no function", nil, l.report(), linmem.ErrInvalid},
		{"no report", l.newInstance, nil, linmem.ErrInvalid},
		{"no allocator", l.newInstance, none, linmem.ErrInvalid},
		{"no allocator, half decided", l.newInstance, half, linmem.ErrInvalid},
		{"no allocator, decided", l.newInstance, decided, nil},
		{"no instance", fails, l.report(), errMine},
	} {
		v, err := guest.Probe(t.Context(), tt.make, tt.r, guest.Workload{})
		if !errors.Is(err, tt.want) || (v == nil) != (tt.want != nil) {
			t.Errorf("%s: Probe = %v, %v, want error %v", tt.name, v, err, tt.want)
		}
		if v != nil && *v != tt.r.Verdict {
			t.Errorf("%s: Probe = %+v, want the report's", tt.name, v)
		}
	}
	if len(l.made) > 0 {
		t.Errorf("%d instances were made", len(l.made))
	}
	r := l.report()
	for _, name := range []string{"", "missing", "free"} {
		if _, err := guest.NewWorkload(r, name); !errors.Is(err, linmem.ErrInvalid) {
			t.Errorf("NewWorkload(%q): error %v, want ErrInvalid", name, err)
		}
	}
}

// TestProbeSecondInstanceFails holds that the first instance is closed where the second cannot be made.
func TestProbeSecondInstanceFails(t *testing.T) {
	l := newLab(t, toolchainOf("rust"))
	v, err := guest.Probe(t.Context(), func(ctx context.Context) (guest.Instance, func(), error) {
		if len(l.made) == 1 {
			return nil, nil, errMine
		}
		return l.newInstance(ctx)
	}, l.report(), guest.Workload{})
	if v != nil || !errors.Is(err, errMine) || len(l.made) != 1 {
		t.Errorf("Probe = %v, %v after %d instances", v, err, len(l.made))
	}
}

// TestProbeTimeout holds that a guest which does not return, but for its context, is given up in time.
func TestProbeTimeout(t *testing.T) {
	for name, after := range map[string]int{"at once": 0, "after a round": 80} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, toolchainOf("rust"))
			l.change = func(f *fake, _ int) {
				n := after
				malloc := f.exported["malloc"]
				inner := malloc.Invoke
				malloc.Invoke = func(ctx context.Context, args []uint64) ([]uint64, error) {
					if n--; n >= 0 {
						return inner(ctx, args)
					}
					<-ctx.Done()
					return nil, ctx.Err()
				}
				f.exported["malloc"] = malloc
			}
			start := time.Now()
			v := l.probe(guest.Workload{Timeout: 50 * time.Millisecond})
			holdsOutcomes(t, *v, outcomes(guest.Undecided, guest.Undecided))
			if took := time.Since(start); took > 5*time.Second || took < 100*time.Millisecond {
				t.Errorf("it took %v for two instances of 50 ms each", took)
			}
			if !strings.Contains(v.Late.Reason, context.DeadlineExceeded.Error()) {
				t.Errorf("the reason does not say that time was up: %s", v.Late.Reason)
			}
		})
	}
}
