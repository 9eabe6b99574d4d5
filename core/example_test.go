package linmem_test

import (
	"errors"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// toyMemory is the least that the page allocator needs. A real one comes from the backend of a runtime.
type toyMemory struct{ size, max uint64 }

var errMaximum = errors.New("the maximum is reached")

func (m *toyMemory) NumPages() uint64 { return m.size }

func (m *toyMemory) Grow(delta uint64) (prev uint64, err error) {
	if delta > m.max-m.size {
		return 0, errMaximum
	}
	prev = m.size
	m.size += delta
	return prev, nil
}

func ExampleNewPages() {
	mem := &toyMemory{size: 2, max: 16} // the guest's first two pages
	pages, err := linmem.NewPages(mem)
	if err != nil {
		fmt.Println(err)
		return
	}

	run, err := pages.Alloc(3)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("pages %v: %d bytes at %#x\n", run, run.Bytes(), run.Addr())

	if err := pages.Free(run); err != nil {
		fmt.Println(err)
	}
	if err := pages.Free(run); errors.Is(err, linmem.ErrNotAllocated) {
		fmt.Println("freed already")
	}
	// Output:
	// pages [2,5): 196608 bytes at 0x20000
	// freed already
}

func ExamplePages_Alloc() {
	pages, err := linmem.NewPages(&toyMemory{size: 1, max: 4})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		run, err := pages.Alloc(2)
		if e := (*linmem.Error)(nil); errors.As(err, &e) {
			fmt.Printf("%s of %d bytes: out of memory: %v\n", e.Op, e.Size, errors.Is(err, linmem.ErrOutOfMemory))
			break
		}
		fmt.Println(run)
	}
	// Output:
	// [1,3)
	// Pages.Alloc of 131072 bytes: out of memory: true
}

func ExamplePages_Resize() {
	pages, err := linmem.NewPages(&toyMemory{size: 1, max: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	run, err := pages.Alloc(4)
	if err != nil {
		fmt.Println(err)
		return
	}

	run, err = pages.Resize(run, 2) // the tail is free again
	fmt.Println(run, err)
	run, err = pages.Resize(run, 6) // takes it back, and grows the memory
	fmt.Println(run, err)

	if _, err := pages.Alloc(1); err != nil {
		fmt.Println(err)
	}
	run, err = pages.Resize(run, 7) // now another run is in the way
	fmt.Println(run, errors.Is(err, linmem.ErrOutOfMemory))
	// Output:
	// [1,3) <nil>
	// [1,7) <nil>
	// [1,7) true
}

func ExamplePages_Adopt() {
	mem := &toyMemory{size: 8, max: 8} // cannot grow at all
	pages, err := linmem.NewPages(mem)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = pages.Alloc(2)
	fmt.Println(errors.Is(err, linmem.ErrOutOfMemory))

	// The guest handed out its pages 4 to 7, say from its own allocator.
	if err := pages.Adopt(linmem.Range{Start: 4, Len: 4}); err != nil {
		fmt.Println(err)
		return
	}
	run, err := pages.Alloc(2)
	fmt.Println(run, err)
	// Output:
	// true
	// [4,6) <nil>
}

func ExamplePages_Freeze() {
	pages, err := linmem.NewPages(&toyMemory{size: 1, max: 16})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := pages.Reserve(4); err != nil {
		fmt.Println(err)
		return
	}

	// From here on the memory does not move, and views of it stay valid.
	pages.Freeze(true)
	for _, n := range []uint64{3, 2, 1} {
		run, err := pages.Alloc(n)
		if errors.Is(err, linmem.ErrOutOfMemory) {
			fmt.Println(n, "pages would need growth")
			continue
		}
		fmt.Println(run)
	}
	// Output:
	// [1,4)
	// 2 pages would need growth
	// [4,5)
}

func ExampleWithObserver() {
	mem := &toyMemory{size: 1, max: 8}
	pages, err := linmem.NewPages(mem, linmem.WithObserver(&linmem.Observer{
		Grow:        func(prev, delta uint64) { fmt.Printf("grew by %d from %d\n", delta, prev) },
		GrowRefused: func(delta uint64, cause error) { fmt.Printf("did not grow by %d: %v\n", delta, cause) },
	}))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range []uint64{4, 5} {
		if _, err := pages.Alloc(n); err != nil {
			fmt.Println("out of memory:", errors.Is(err, linmem.ErrOutOfMemory))
		}
	}
	// Output:
	// grew by 4 from 1
	// did not grow by 5: the maximum is reached
	// out of memory: true
}
