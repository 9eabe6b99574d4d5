package heaps

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/guests"
)

// Runtime runs guests, and calls their functions in the quickest way that it has.
type Runtime struct {
	Name string

	// LeftOut says why the build does not have the runtime; "" if it has. Open then fails with it.
	LeftOut string

	// Open instantiates a module that imports nothing and exports one memory.
	Open func(ctx context.Context, wasm []byte) (*Guest, error)
}

// LeftOut returns a runtime that the build does not have.
func LeftOut(name, why string) Runtime {
	return Runtime{Name: name, LeftOut: why, Open: func(context.Context, []byte) (*Guest, error) {
		return nil, fmt.Errorf("%s is left out of this build: %s", name, why)
	}}
}

// Guest is an instance.
type Guest struct {
	Memory linmem.Memory

	// Func returns the exported function of that name, whose parameters are all i32, as many as are said; it fails for
	// another.
	Func func(name string, params int) (Func, error)

	// Close closes the instance and its runtime.
	Close func() error
}

// Func calls a function of a guest. It takes the arguments from the first of args, and leaves the result, if there is one,
// in args[0]: the upper half of an i32 is zero.
type Func func(args *Args) error

// Args are the arguments of a call, and its result.
type Args [4]uint64

// OnGuest returns the kinds that need a guest: the heap on its memory, and its own allocators, called through the runtime.
// Both have a Digest, but zig.
func OnGuest(r Runtime) []Kind {
	return []Kind{
		{"heap", func() (Opened, error) {
			return onGuest(r, guests.LibcMalloc, func(g *Guest, _ *lookup) (Allocator, error) { return openHeap(g.Memory) })
		}},
		{"libc", func() (Opened, error) { return onGuest(r, guests.LibcMalloc, openLibc) }},
		{"rust", func() (Opened, error) { return onGuest(r, guests.RustAlloc, openRust) }},
		{"zig", func() (Opened, error) { return onGuest(r, guests.ZigWasmAllocator, openZig) }},
	}
}

func onGuest(r Runtime, wasm []byte, open func(*Guest, *lookup) (Allocator, error)) (o Opened, err error) {
	g, err := r.Open(context.Background(), wasm)
	if err != nil {
		return Opened{}, err
	}
	find := &lookup{guest: g}
	a, err := open(g, find)
	if err == nil {
		err = find.err
	}
	if err != nil {
		_ = g.Close()
		return Opened{}, err
	}
	o = Opened{Allocator: a, Memory: g.Memory, close: g.Close}
	if digest, err := g.Func("digest", 2); err == nil {
		args := new(Args)
		o.Digest = func(addr, size uint64) (uint64, error) {
			args[0], args[1] = addr, size
			err := digest(args)
			return args[0], err
		}
	}
	return o, nil
}

// lookup finds functions, and keeps the first error.
type lookup struct {
	guest *Guest
	err   error
}

func (l *lookup) find(name string, params int) Func {
	f, err := l.guest.Func(name, params)
	if err != nil && l.err == nil {
		l.err = err
	}
	return f
}
