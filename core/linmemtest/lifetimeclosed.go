package linmemtest

import (
	"context"
	"errors"
	"fmt"
	"iter"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

var closedCases = []lifetimeCase{
	{
		"closed-memory", "Once the owner is closed, what needs the memory is ErrClosed, and its size is 0.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			m := inst.Memory()
			if life, ok := m.(linmem.Lifetime); ok && life.Closed() {
				return nil, errors.New("Closed() is true before the owner is closed")
			}
			_, err := m.View(0, 1)
			return func(o *outcomes) { memoryClosed(o, m) }, err
		}),
	},
	{
		"closed-pinned", "A memory that was pinned when its owner was closed reports that too, if it can tell.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			if _, ok := inst.Memory().(linmem.Lifetime); !ok {
				return nil, skipped("the memory is no linmem.Lifetime")
			}
			m := linmem.NewPinned(inst.Memory())
			err := m.Pin()
			return func(o *outcomes) {
				memoryClosed(o, m)
				if !o.repeated {
					o.closed("Unpin", m.Unpin())
				}
				o.closed("Pin", m.Pin())
			}, err
		}),
	},
	{
		"closed-heap", "A Heap keeps its books after the close of the owner; what needs the memory is ErrClosed.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			h, err := linmem.NewHeap(inst.Memory())
			if err != nil {
				return nil, err
			}
			blocks, err := someBlocks(h)
			return func(o *outcomes) {
				heapClosed(o, h, blocks)
				o.either("AppendBinary", second(h.AppendBinary(nil)))
				o.either("Reset", h.Reset())
			}, err
		}),
	},
	{
		"closed-shared", "A Shared is as its Heap, and so are its Locals.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			h, err := linmem.NewHeap(inst.Memory())
			if err != nil {
				return nil, err
			}
			s := linmem.NewShared(h)
			ofShared, err := someBlocks(s)
			if err != nil {
				return nil, err
			}
			l := s.Local()
			ofLocal, err := someBlocks(l)
			return func(o *outcomes) {
				allocatorClosed(o.of("Local"), l, ofLocal)
				another := s.Local()
				o.closed("Put of a new Local", second(another.Put(make([]byte, 10))))
				o.works("Close of a Local", another.Close())
				if o.repeated {
					o.works("Close of a Local", l.Close())
				}
				heapClosed(o.of("Shared"), s, ofShared)
			}, err
		}),
	},
	{
		"closed-arena", "An Arena can be freed after the close of the owner; what needs the memory is ErrClosed.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			h, err := linmem.NewHeap(inst.Memory())
			if err != nil {
				return nil, err
			}
			a := h.NewArena()
			addr, err := a.Put([]byte("arena"))
			return func(o *outcomes) {
				if !o.repeated {
					o.works("Resize", a.Resize(addr, 3))
				}
				o.closed("Put", second(a.Put(make([]byte, 10))))
				o.closed("Alloc of more than there is", second(a.Alloc(20*linmem.PageSize)))
				o.either("Alloc", second(a.Alloc(10)))
				o.either("AllocAligned", second(a.AllocAligned(10, 256)))
				o.closed("View of the heap", second(h.View(addr, 3)))
				o.works("Reset", a.Reset())
				o.works("Free", a.Free())
				o.works("Check of the heap's books", booksClosed(h.Check()))
			}, err
		}),
	},
	{
		"closed-pages", "A Pages keeps its books after the close of the owner; what needs the memory is ErrClosed.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			p, err := linmem.NewPages(inst.Memory())
			if err != nil {
				return nil, err
			}
			first, err := p.Alloc(3)
			if err != nil {
				return nil, err
			}
			second, err := p.Alloc(3)
			return func(o *outcomes) { pagesClosed(o, p, first, second) }, err
		}),
	},
	{
		"closed-allocators", "An allocator that is put on a memory whose owner is closed has nothing to give.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			m := inst.Memory()
			h, err := linmem.NewHeap(m)
			if err != nil {
				return nil, err
			}
			ofHeap, errHeap := h.MarshalBinary()
			ofPages, errPages := h.Pages().MarshalBinary()
			return func(o *outcomes) {
				p, err := linmem.NewPages(m)
				if o.either("NewPages", err); err == nil {
					o.closed("Alloc of a new Pages", second(p.Alloc(1)))
				}
				h, err := linmem.NewHeap(m)
				if o.either("NewHeap", err); err == nil {
					o.closed("Alloc of a new Heap", second(h.Alloc(1)))
				}
				o.closed("RestoreHeap", second(linmem.RestoreHeap(m, ofHeap)))
				o.closed("RestorePages", second(linmem.RestorePages(m, ofPages)))
			}, errors.Join(errHeap, errPages)
		}),
	},
	{
		"closed-instance", "A closed instance has no exports, and its calls are ErrClosed.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			_, err := inst.Call(context.Background(), "load", 0)
			return func(o *outcomes) { instanceClosed(o, inst) }, err
		}),
	},
	{
		"closed-unused-instance", "That is so for one that was never called, too.",
		afterClose(func(inst guest.Instance) (func(*outcomes), error) {
			return func(o *outcomes) { instanceClosed(o, inst) }, nil
		}),
	},
}

// afterClose opens an instance, has prepare use it, closes it, once and then again, and holds all that happens then to the
// rules. The collector runs in between, and others have the time to take the memory's place.
func afterClose(prepare func(guest.Instance) (func(*outcomes), error)) func(opener) error {
	return func(open opener) error {
		inst, stop, err := open.open()
		if err != nil {
			return err
		}
		use, err := prepare(inst)
		if err != nil {
			stop()
			return err
		}
		stop()
		use(&outcomes{after: "after close", err: &err})
		stop()
		collect()
		if err := open.visit(false); err != nil {
			return err
		}
		use(&outcomes{after: "after close and another use of the runtime", repeated: true, err: &err})
		return err
	}
}

// outcomes notes what calls after the close of the owner returned and must not have.
type outcomes struct {
	after    string
	repeated bool   // what was freed before is not allocated
	name     string // of the type whose methods are called, with a dot
	err      *error
}

// of is for calls of that type.
func (o *outcomes) of(name string) *outcomes {
	named := *o
	named.name = name + "."
	return &named
}

func (o *outcomes) errorf(format string, args ...any) {
	*o.err = errors.Join(*o.err, fmt.Errorf(format, args...))
}

// closed holds a call that needs the memory.
func (o *outcomes) closed(call string, err error) {
	if !errors.Is(err, linmem.ErrClosed) {
		o.errorf("%s%s %s: %s, want ErrClosed", o.name, call, o.after, told(err))
	}
}

// works holds a call that does not.
func (o *outcomes) works(call string, err error) {
	if err != nil && (!o.repeated || !errors.Is(err, linmem.ErrNotAllocated) && !errors.Is(err, linmem.ErrClosed)) {
		o.errorf("%s%s %s: %w, want success", o.name, call, o.after, err)
	}
}

// either holds a call that needs the memory if there is no other way.
func (o *outcomes) either(call string, err error) {
	if err != nil && !errors.Is(err, linmem.ErrClosed) && (!o.repeated || !errors.Is(err, linmem.ErrNotAllocated)) {
		o.errorf("%s%s %s: %w, want success or ErrClosed", o.name, call, o.after, err)
	}
}

// second is the error of a call that has another result.
func second[T any](_ T, err error) error { return err }

// booksClosed is the error of a Check, which may look at the memory's size when the books are in order.
func booksClosed(err error) error {
	if errors.Is(err, linmem.ErrClosed) {
		return nil
	}
	return err
}

func memoryClosed(o *outcomes, m linmem.Memory) {
	if got := m.NumPages(); got != 0 {
		o.errorf("NumPages() = %d %s, want 0", got, o.after)
	}
	o.closed("Grow(0)", second(m.Grow(0)))
	o.closed("Grow(1)", second(m.Grow(1)))
	o.closed("View", second(m.View(0, 1)))
	o.closed("View of 0 bytes", second(m.View(0, 0)))
	if d, ok := m.(linmem.Discarder); ok {
		if err := d.Discard(0, linmem.PageSize); !errors.Is(err, linmem.ErrUnsupported) {
			o.closed("Discard", err)
		}
	}
	if life, ok := m.(linmem.Lifetime); ok && !life.Closed() {
		o.errorf("Closed() is false %s", o.after)
	}
}

// allocator is what Heap, Shared and Local have in common.
type allocator interface {
	Alloc(size uint64) (uint64, error)
	AllocAligned(size, align uint64) (uint64, error)
	Put(data []byte) (uint64, error)
	Free(addr uint64) error
	Realloc(addr, size uint64) (uint64, error)
	Resize(addr, size uint64) error
	View(addr, n uint64) ([]byte, error)
	SizeOf(addr uint64) (uint64, error)
}

// heap is what Heap and Shared have in common.
type heap interface {
	allocator
	All() iter.Seq2[uint64, uint64]
	Check() error
	MarshalBinary() ([]byte, error)
	NewArena() *linmem.Arena
	Reserve(n uint64) error
	Stats() linmem.HeapStats
}

var (
	_ heap      = (*linmem.Heap)(nil)
	_ heap      = (*linmem.Shared)(nil)
	_ allocator = (*linmem.Local)(nil)
)

// someBlocks allocates four blocks: two small ones, of a size that has room for more, and two large ones.
func someBlocks(a allocator) (blocks [4]uint64, err error) {
	for i, size := range [4]int{100, 100, 20_000, 20_000} {
		if blocks[i], err = a.Put(make([]byte, size)); err != nil {
			return blocks, err
		}
	}
	return blocks, nil
}

func allocatorClosed(o *outcomes, a allocator, blocks [4]uint64) {
	if !o.repeated {
		for i, b := range blocks {
			o.closed(fmt.Sprintf("View of block %d", i), second(a.View(b, 50)))
			o.works(fmt.Sprintf("SizeOf block %d", i), second(a.SizeOf(b)))
			o.either(fmt.Sprintf("Resize of block %d", i), a.Resize(b, 60))
		}
		o.closed("Realloc of a small block", second(a.Realloc(blocks[0], 5000)))
		o.closed("Realloc of a large block", second(a.Realloc(blocks[2], 20*linmem.PageSize)))
		o.works("SizeOf what was not moved", errors.Join(second(a.SizeOf(blocks[0])), second(a.SizeOf(blocks[2]))))
	}
	o.closed("Put", second(a.Put(make([]byte, 100))))
	o.closed("Put of much", second(a.Put(make([]byte, 20*linmem.PageSize))))
	o.closed("Alloc of more than there is", second(a.Alloc(20*linmem.PageSize)))
	o.closed("Alloc of more than there can be", second(a.Alloc(1<<40)))
	o.either("Alloc", second(a.Alloc(100)))
	o.either("AllocAligned", second(a.AllocAligned(100, 4096)))
	for i, b := range blocks {
		o.works(fmt.Sprintf("Free of block %d", i), a.Free(b))
		if err := a.Free(b); !errors.Is(err, linmem.ErrNotAllocated) {
			o.errorf("%sFree of block %d again %s: %s, want ErrNotAllocated", o.name, i, o.after, told(err))
		}
	}
}

func heapClosed(o *outcomes, h heap, blocks [4]uint64) {
	before := h.Stats().Allocs
	n := uint64(0)
	for range h.All() {
		n++
	}
	if n != before {
		o.errorf("%sAll has %d allocations %s, and Stats %d", o.name, n, o.after, before)
	}
	o.either("MarshalBinary", second(h.MarshalBinary()))
	o.closed("Reserve", h.Reserve(1<<30))
	allocatorClosed(o, h, blocks)
	arena := h.NewArena()
	o.closed("NewArena().Put", second(arena.Put(make([]byte, 10))))
	o.works("NewArena().Free", arena.Free())
	o.works("Check", booksClosed(h.Check()))
}

func pagesClosed(o *outcomes, p *linmem.Pages, first, third linmem.Range) {
	o.closed("Alloc of more than there is", second(p.Alloc(10)))
	o.closed("Alloc of more than there can be", second(p.Alloc(1<<40)))
	o.closed("Reserve", p.Reserve(10))
	if !o.repeated {
		o.closed("Resize of the last run", second(p.Resize(third, 10)))
		o.works("Resize to less", second(p.Resize(third, 2)))
		third.Len = 2
		o.works("Free", p.Free(first))
		o.works("Alloc of what was freed", second(p.Alloc(first.Len)))
		o.works("Free again", p.Free(linmem.Range{Start: first.Start, Len: first.Len}))
	}
	if err := p.Free(first); !errors.Is(err, linmem.ErrNotAllocated) {
		o.errorf("Free of what is free %s: %s, want ErrNotAllocated", o.after, told(err))
	}
	if _, err := p.Trim(); !errors.Is(err, linmem.ErrUnsupported) {
		o.closed("Trim", err)
	}
	n := 0
	for range p.Allocated() {
		n++
	}
	if n != 1 {
		o.errorf("%d runs are allocated %s, want 1", n, o.after)
	}
	o.either("MarshalBinary", second(p.MarshalBinary()))
	o.works("Check", booksClosed(p.Check()))
	p.Freeze(true)
	p.Freeze(false)
}

func instanceClosed(o *outcomes, inst guest.Instance) {
	for _, call := range []struct {
		name string
		args []uint64
	}{{"load", []uint64{0}}, {"store", []uint64{0, 1}}, {"grow", []uint64{1}}} {
		o.closed("Call of "+call.name, second(inst.Call(context.Background(), call.name, call.args...)))
	}
	for _, name := range []string{"load", "memory", "global"} {
		if inst.HasExport(name) {
			o.errorf("HasExport(%q) is true %s", name, o.after)
		}
	}
	if _, ok := inst.Global("global"); ok {
		o.errorf("Global has a value %s", o.after)
	}
	if typed, ok := inst.(guest.Typed); ok {
		typed.Signature("load") // which it may know from before
		if _, ok := typed.Signature("grown"); ok {
			o.errorf("Signature of what is not there has one %s", o.after)
		}
	}
	if limiter, ok := inst.(guest.Limiter); ok {
		if err := limiter.LimitPages(5); !errors.Is(err, linmem.ErrUnsupported) {
			o.closed("LimitPages", err)
		}
	}
	memoryClosed(o, inst.Memory())
}
