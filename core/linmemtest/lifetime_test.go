package linmemtest_test

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/linmemtest"
)

// fakeOwner is what a runtime closes, when it is told or when it is collected.
type fakeOwner struct {
	mem    linmem.Memory
	closed *atomic.Bool
}

// fakeMortal is a guest.Instance, and its linmem.Memory, on a fakeOwner. It makes a mistake in each of its fields that is
// set.
type fakeMortal struct {
	fakeOwner
	keeps *fakeOwner

	keepsNothing, viewsClosed, sizedClosed, growsClosed, panicsClosed, callsClosed, exportsClosed, neverClosed bool
}

func (f fakeMortal) open([]byte) (guest.Instance, func(), error) {
	f.fakeOwner = fakeOwner{linmemtest.NewMemory(1, 200), new(atomic.Bool)}
	owner := f.fakeOwner
	runtime.SetFinalizer(&owner, func(o *fakeOwner) { o.closed.Store(true) })
	if !f.keepsNothing {
		f.keeps = &owner
	}
	return &f, func() { owner.closed.Store(true) }, nil
}

func (f *fakeMortal) Memory() linmem.Memory { return fakeMortalMemory{f} }

func (f *fakeMortal) Call(_ context.Context, name string, args ...uint64) ([]uint64, error) {
	if f.closed.Load() && !f.callsClosed {
		return nil, linmem.ErrClosed
	}
	switch name {
	case "load", "store":
		view, err := f.mem.View(args[0], 1)
		if err != nil || name == "load" {
			return []uint64{uint64(view[0])}, err
		}
		view[0] = byte(args[1])
		return nil, nil
	case "grow":
		prev, err := f.mem.Grow(args[0])
		if err != nil {
			prev = math.MaxUint32
		}
		return []uint64{prev}, nil
	}
	return nil, fmt.Errorf("%w: no function %q", linmem.ErrInvalid, name)
}

func (f *fakeMortal) HasExport(string) bool { return !f.closed.Load() || f.exportsClosed }

func (f *fakeMortal) Global(string) (uint64, bool) { return 42, !f.closed.Load() }

type fakeMortalMemory struct{ *fakeMortal }

func (m fakeMortalMemory) Closed() bool { return m.closed.Load() && !m.neverClosed }

func (m fakeMortalMemory) NumPages() uint64 {
	if m.closed.Load() && !m.sizedClosed {
		return 0
	}
	return m.mem.NumPages()
}

func (m fakeMortalMemory) Grow(delta uint64) (uint64, error) {
	if m.closed.Load() && !m.growsClosed {
		return 0, linmem.ErrClosed
	}
	return m.mem.Grow(delta)
}

func (m fakeMortalMemory) View(addr, n uint64) ([]byte, error) {
	switch {
	case m.closed.Load() && m.panicsClosed:
		panic("object has been closed already")
	case m.closed.Load() && !m.viewsClosed:
		return nil, linmem.ErrClosed
	}
	return m.mem.View(addr, n)
}

func TestLifetimesReference(t *testing.T) { linmemtest.RunLifetimes(t, fakeMortal{}.open) }

// TestLifetimeMistakes shows that each rule catches a backend that breaks it.
func TestLifetimeMistakes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		caught  []string // by these cases
		mistake fakeMortal
	}{
		{"nothing keeps the owner", []string{"heap-kept", "memory-kept", "instance-kept"}, fakeMortal{keepsNothing: true}},
		{"views of what is closed", []string{"closed-memory", "closed-heap", "closed-shared", "closed-arena"}, fakeMortal{viewsClosed: true}},
		{"a size of what is closed", []string{"closed-memory"}, fakeMortal{sizedClosed: true}},
		{"growth of what is closed", []string{"closed-memory", "closed-heap", "closed-pages"}, fakeMortal{growsClosed: true}},
		{"a panic", []string{"closed-memory", "closed-heap", "closed-shared", "closed-arena"}, fakeMortal{panicsClosed: true}},
		{"calls of what is closed", []string{"closed-instance", "closed-unused-instance"}, fakeMortal{callsClosed: true}},
		{"exports of what is closed", []string{"closed-instance", "closed-unused-instance"}, fakeMortal{exportsClosed: true}},
		{"it never knows", []string{"closed-memory", "closed-pinned"}, fakeMortal{neverClosed: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range tt.caught {
				if linmemtest.CheckLifetime(name, tt.mistake.open) == nil {
					t.Errorf("%s has not caught it", name)
				}
			}
		})
	}
}

// TestCheckLifetimes holds that the form that returns an error says which case found what, and nothing of those that passed.
func TestCheckLifetimes(t *testing.T) {
	err := linmemtest.CheckLifetimes(fakeMortal{exportsClosed: true}.open)
	if err == nil || !strings.HasPrefix(err.Error(), "closed-instance: ") {
		t.Errorf("of exports of what is closed: %v", err)
	}
}
