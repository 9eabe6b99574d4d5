package linmem_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// scene is an allocator in a state that was drawn as a picture, one character a page:
//
//	#  the guest's (or a page 0 that is withheld)
//	?  the guest's, but the allocator has not seen it yet; only at the end
//	.  free
//	a  part of the run a; any other letter but X is another run
//	X  part of a run that was not there in the picture before
type scene struct {
	mem   *guestMemory
	pages *linmem.Pages
	names map[linmem.Page]byte

	observer linmem.Option // what a restored allocator is to have; nil is as good as none
}

// draw makes the state that a picture shows. A picture that begins with an owned page needs WithPageZero.
func draw(t *testing.T, picture string, opts ...linmem.Option) *scene {
	t.Helper()
	rest := strings.TrimLeft(picture, "#")
	s := &scene{mem: &guestMemory{size: uint64(len(picture) - len(rest)), max: spacePages}, names: map[linmem.Page]byte{}}
	var err error
	if s.pages, err = linmem.NewPages(s.mem, opts...); err != nil {
		t.Fatal(err)
	}
	var holes []linmem.Range
	for len(rest) > 0 {
		tail := strings.TrimLeft(rest, rest[:1])
		what, n := rest[0], uint64(len(rest)-len(tail))
		rest = tail
		if what == '#' || what == '?' {
			s.mem.guestGrow(n)
			continue
		}
		// Nothing is free yet, so the run comes to lie at the memory's end.
		r, err := s.pages.Alloc(n)
		if err != nil {
			t.Fatal(err)
		}
		s.names[r.Start] = what
		if what == '.' {
			holes = append(holes, r)
		}
	}
	for _, r := range holes {
		delete(s.names, r.Start)
		if err := s.pages.Free(r); err != nil {
			t.Fatal(err)
		}
	}
	s.mem.asked = nil
	if got := s.String(); got != picture {
		t.Fatalf("drew %q instead of %q", got, picture)
	}
	return s
}

// drawAdopted makes the state that a picture shows of a guest's pages that are adopted, so that the allocator has not grown
// the memory yet, whatever the options say of growth.
func drawAdopted(t *testing.T, picture string, opts ...linmem.Option) *scene {
	t.Helper()
	return drawAdoptedIn(t, &guestMemory{}, picture, opts...)
}

// drawSourced is drawAdopted where further pages come from the guest's allocator.
func drawSourced(t *testing.T, picture string, opts ...linmem.Option) *scene {
	t.Helper()
	mem := &guestMemory{}
	return drawAdoptedIn(t, mem, picture, append(opts, linmem.WithSource(mem.arena))...)
}

func drawAdoptedIn(t *testing.T, mem *guestMemory, picture string, opts ...linmem.Option) *scene {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	seen := strings.TrimRight(picture, "?")
	mem.size, mem.max = uint64(len(seen)), spacePages
	s := &scene{mem: mem, names: map[linmem.Page]byte{}}
	var err error
	s.pages, err = linmem.NewPages(mem, opts...)
	must(err)
	var holes []linmem.Range
	for start := 0; start < len(seen); {
		what, n := seen[start], len(seen)-start-len(strings.TrimLeft(seen[start:], seen[start:start+1]))
		r := linmem.Range{Start: linmem.Page(start), Len: uint64(n)}
		start += n
		if what == '#' {
			continue
		}
		// Nothing else is free yet.
		must(s.pages.Adopt(r))
		_, err := s.pages.Alloc(r.Len)
		must(err)
		s.names[r.Start] = what
		if what == '.' {
			holes = append(holes, r)
		}
	}
	for _, r := range holes {
		delete(s.names, r.Start)
		must(s.pages.Free(r))
	}
	mem.guestGrow(uint64(len(picture) - len(seen)))
	if got := s.String(); got != picture {
		t.Fatalf("drew %q instead of %q", got, picture)
	}
	return s
}

// String draws the present state.
func (s *scene) String() string {
	seen := s.pages.Stats().Size
	b := []byte(strings.Repeat("#", int(seen)))
	fill := func(r linmem.Range, what byte) {
		for i := r.Start; i < r.End(); i++ {
			b[i] = what
		}
	}
	for r := range s.pages.FreeRanges() {
		fill(r, '.')
	}
	for r := range s.pages.Allocated() {
		what, ok := s.names[r.Start]
		if !ok {
			what = 'X'
		}
		fill(r, what)
	}
	if size := s.mem.NumPages(); size > seen {
		b = append(b, strings.Repeat("?", int(size-seen))...)
	}
	return string(b)
}

// run returns the run of that name.
func (s *scene) run(name byte) linmem.Range {
	for r := range s.pages.Allocated() {
		if s.names[r.Start] == name {
			return r
		}
	}
	panic(fmt.Sprintf("no run %c in %q", name, s))
}

// result turns a returned Range that is not as promised into an error: a live run of n pages, or else the Range that
// comes with a failure.
func (s *scene) result(r linmem.Range, err error, n uint64, orElse linmem.Range) error {
	switch {
	case err != nil && r != orElse:
		return fmt.Errorf("returned %v beside %q, want %v", r, err, orElse)
	case err == nil && (r.Len != n || !slices.Contains(slices.Collect(s.pages.Allocated()), r)):
		return fmt.Errorf("returned %v, which is no live run of %d pages", r, n)
	}
	return err
}

// fresh is result for a new run, perhaps where an old one was.
func (s *scene) fresh(r linmem.Range, err error, n uint64) error {
	if err == nil {
		delete(s.names, r.Start)
	}
	return s.result(r, err, n, linmem.Range{})
}

func alloc(n uint64) call {
	return func(s *scene) error {
		r, err := s.pages.Alloc(n)
		return s.fresh(r, err, n)
	}
}

func allocAligned(n, align uint64) call {
	return func(s *scene) error {
		r, err := s.pages.AllocAligned(n, align)
		if err == nil && uint64(r.Start)%align != 0 {
			return fmt.Errorf("returned %v, not aligned to %d", r, align)
		}
		return s.fresh(r, err, n)
	}
}

func reserve(n uint64) call {
	return func(s *scene) error { return s.pages.Reserve(n) }
}

func resize(name byte, n uint64) call {
	return func(s *scene) error {
		was := s.run(name)
		r, err := s.pages.Resize(was, n)
		if err == nil && r.Start != was.Start {
			return fmt.Errorf("moved %v to %v", was, r)
		}
		return s.result(r, err, n, was)
	}
}

func resizeRange(start linmem.Page, length, n uint64) call {
	return func(s *scene) error {
		was := linmem.Range{Start: start, Len: length}
		r, err := s.pages.Resize(was, n)
		return s.result(r, err, n, was)
	}
}

func free(names string) call {
	return func(s *scene) error {
		for i := range names {
			if err := s.pages.Free(s.run(names[i])); err != nil {
				return err
			}
		}
		return nil
	}
}

func freeRange(start linmem.Page, length uint64) call {
	return func(s *scene) error { return s.pages.Free(linmem.Range{Start: start, Len: length}) }
}

func adopt(start linmem.Page, length uint64) call {
	return func(s *scene) error { return s.pages.Adopt(linmem.Range{Start: start, Len: length}) }
}

// then makes one call after another, up to the first that fails.
func then(calls ...call) call {
	return func(s *scene) error {
		for i, c := range calls {
			if err := c(s); err != nil {
				return fmt.Errorf("call %d: %w", i+1, err)
			}
		}
		return nil
	}
}

// failing makes a call that must fail with the given class, and goes on.
func failing(want error, c call) call {
	return func(s *scene) error {
		if err := c(s); class(err) != want {
			return errors.Join(fmt.Errorf("did not fail with %q", want.Error()), err)
		}
		return nil
	}
}

// with saves a table from repeating the type.
func with(opts ...linmem.Option) []linmem.Option { return opts }
