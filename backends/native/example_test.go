package nativemem_test

import (
	"fmt"
	"log"

	nativemem "github.com/linmem/linmem/backends/native"
	linmem "github.com/linmem/linmem/core"
)

// The page allocator works on a memory without a runtime as it does on a guest's.
func Example() {
	mem, err := nativemem.New(1, 16)
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = mem.Close() }()
	pages, err := linmem.NewPages(mem)
	if err != nil {
		log.Fatal(err)
	}

	run, err := pages.Alloc(2)
	if err != nil {
		log.Fatal(err)
	}
	buf, err := mem.View(run.Addr(), run.Bytes())
	if err != nil {
		log.Fatal(err)
	}
	copy(buf, "hello")
	fmt.Printf("%s at %#x, %d pages in all\n", buf[:5], run.Addr(), mem.NumPages())

	// The view outlives growth, as this memory never moves.
	if err := pages.Reserve(8); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %d pages in all\n", buf[:5], mem.NumPages())

	if err := pages.Free(run); err != nil {
		log.Fatal(err)
	}
	if err := mem.Discard(run.Addr(), run.Bytes()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(buf[0])

	// Output:
	// hello at 0x10000, 3 pages in all
	// hello, 11 pages in all
	// 0
}
