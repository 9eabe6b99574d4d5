package linmemtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// Served is an instance of a guest whose allocator imports a backend serves, without a heap yet.
type Served struct {
	Instance guest.Instance // with the memory that the module exports as "memory"

	Bind   func(heap guest.Heap) error // has the imports be served from it
	Unbind func()

	// Another returns one more instance of the same module, served from a heap of its own by the same Allocator or by what
	// stands for it in the backend.
	Another func() (Served, error)

	// Stop closes the instance and what it needs; nil if there is nothing to do.
	Stop func()

	// TextOnly says that of the reason of a trap the runtime keeps the text alone, so that errors.Is finds nothing in it.
	TextOnly bool
}

// RunAllocator holds a backend's service of allocator imports to what [guest.Imports] says of them, each case as a subtest.
// The function instantiates a wasm module, such as an [AllocatorModule], with a host that provides the imports; without any,
// those of [guest.HostFunctions]. It does not initialize the instance if that is a [guest.Initializer].
func RunAllocator(t *testing.T, open func(wasm []byte, imports ...guest.Imports) (Served, error)) {
	t.Helper()
	for _, c := range allocatorCases {
		t.Run(c.name, func(t *testing.T) {
			err := c.check(open)
			if why := skipped(""); errors.As(err, &why) {
				t.Skip(string(why))
			}
			if err != nil {
				t.Errorf("%v\nThe rule: %s", err, c.explanation)
			}
		})
	}
}

type allocatorCase struct {
	name        string
	explanation string          // the rule that the case holds
	provided    []guest.Imports // by the host
	imported    guest.Imports   // by the guest; those of C if there is no module
	run         func(*serving)
}

// check runs one case on a guest of its own. A panic is a violation like any other.
func (c allocatorCase) check(open func([]byte, ...guest.Imports) (Served, error)) (err error) {
	s := &serving{open: open, imports: c.imported}
	if c.imported.Module == "" {
		s.imports = guest.CImports()
	}
	defer func() {
		if r := recover(); r != nil {
			err = errors.Join(s.err, fmt.Errorf("panicked: %v", r))
		}
	}()
	served, err := open(AllocatorModule(s.imports), c.provided...)
	if err != nil {
		return fmt.Errorf("instantiating the guest: %w", err)
	}
	defer s.with(served)()
	c.run(s)
	return s.err
}

// serving is a served guest with a heap on its memory, and what was found wrong.
type serving struct {
	Served
	open    func([]byte, ...guest.Imports) (Served, error)
	imports guest.Imports // of the guest
	heap    *linmem.Heap  // not bound yet
	err     error
}

// with puts a guest in place, and returns what ends it.
func (s *serving) with(served Served) (stop func()) {
	s.Served = served
	heap, err := linmem.NewHeap(served.Instance.Memory())
	s.expect(err)
	s.heap = heap
	return func() {
		served.Unbind()
		if served.Stop != nil {
			served.Stop()
		}
	}
}

func (s *serving) errorf(format string, args ...any) { s.expect(fmt.Errorf(format, args...)) }

// expect notes an error where there must be none.
func (s *serving) expect(err error) { s.err = errors.Join(s.err, err) }

// bind binds the heap.
func (s *serving) bind() { s.expect(s.Bind(s.heap)) }

// try has the guest call an import, by the name that C has for it.
func (s *serving) try(name string, args ...uint64) (result uint64, err error) {
	results, err := s.Instance.Call(context.Background(), "call_"+name, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}

// call is try of what must not fail.
func (s *serving) call(name string, args ...uint64) uint64 {
	result, err := s.try(name, args...)
	if err != nil {
		s.errorf("%s(%#x): %w", name, args, err)
	}
	return result
}

// traps is try of what must end in a trap, for a reason that has the name of the import and these words.
func (s *serving) traps(want error, words []string, name string, args ...uint64) {
	imported := map[string]string{
		"malloc": s.imports.Malloc, "calloc": s.imports.Calloc, "realloc": s.imports.Realloc, "free": s.imports.Free,
		"aligned_alloc": s.imports.AlignedAlloc,
	}[name]
	_, err := s.try(name, args...)
	if err == nil || !s.TextOnly && !errors.Is(err, want) {
		s.errorf("%s(%#x): %s, want %q", name, args, told(err), want)
		return
	}
	for _, w := range append(slices.Clone(words), s.imports.Module+"."+imported, want.Error()) {
		if !strings.Contains(err.Error(), w) {
			s.errorf("%s(%#x): %w, want %q in it", name, args, err, w)
		}
	}
}

// trapsAt is traps for an address that is not allocated.
func (s *serving) trapsAt(name string, args ...uint64) {
	s.traps(linmem.ErrNotAllocated, []string{fmt.Sprintf("%#x", args[0])}, name, args...)
}

// trapsUnbound is traps of a call that no heap is bound for.
func (s *serving) trapsUnbound() {
	s.traps(linmem.ErrInvalid, []string{"Bind"}, "malloc", 1)
}

// none has the guest call an import for what there is no memory for.
func (s *serving) none(name string, args ...uint64) {
	if got := s.call(name, args...); got != 0 {
		s.errorf("%s(%#x) = %#x, want 0", name, args, got)
	}
}

// fill writes to the whole of a block.
func (s *serving) fill(addr, n uint64, b byte) {
	copy(s.view(addr, n), slices.Repeat([]byte{b}, int(n)))
}

// holds notes a block that has not kept what was filled in.
func (s *serving) holds(addr, n uint64, b byte) {
	if got := s.view(addr, n); !slices.Equal(got, slices.Repeat([]byte{b}, int(n))) {
		s.errorf("the %d bytes at %#x are % x, want %#x in each", n, addr, got, b)
	}
}

func (s *serving) view(addr, n uint64) []byte {
	view, err := s.heap.View(addr, n)
	s.expect(err)
	return view
}

// hasBlocks holds the heap to the number of its allocations.
func (s *serving) hasBlocks(want uint64) {
	if got := s.heap.Stats().Allocs; got != want {
		s.errorf("the heap has %d allocations, want %d", got, want)
	}
}
