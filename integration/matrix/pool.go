package matrix

import (
	"bytes"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// reusesInstances holds what a host relies on that keeps an instance for many requests. Either it has nothing in the heap
// between them, and Reset makes each find the same addresses; or it has put something there once, and goes back to how that
// was: to the heap of a snapshot, and to the bytes of what was live then.
func reusesInstances(f *fixture) {
	heap, err := linmem.NewHeap(f.mem)
	if err != nil {
		f.Fatal(err)
	}
	first := f.request(heap, 1)
	for seed := range byte(3) {
		if err := heap.Reset(); err != nil {
			f.Fatal(err)
		}
		if again := f.request(heap, seed+2); !slices.Equal(again, first) {
			f.Fatalf("after Reset a request finds %#x, and %#x before", again, first)
		}
	}

	if err := heap.Reset(); err != nil {
		f.Fatal(err)
	}
	config := bytes.Repeat([]byte("what every request needs; "), 9000)
	kept, err := heap.Put(config)
	if err != nil {
		f.Fatal(err)
	}
	snapshot, err := heap.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	end := f.mem.NumPages()
	saved := map[uint64][]byte{}
	for addr, size := range heap.All() {
		saved[addr] = slices.Clone(f.view(addr, size))
	}

	first = nil
	for seed := range byte(4) {
		got := f.request(heap, seed+9)
		if first == nil {
			first = got
		} else if !slices.Equal(got, first) {
			f.Fatalf("a request in a restored heap finds %#x, and %#x before", got, first)
		}
		copy(f.view(kept, 100), make([]byte, 100)) // a request that does harm

		// Pages that the request added are past the end of the snapshot, and would be the guest's; but this guest adds none.
		if heap, err = linmem.RestoreHeap(f.mem, snapshot); err != nil {
			f.Fatal(err)
		}
		if now := f.mem.NumPages(); now > end {
			if err := heap.Pages().Adopt(linmem.Range{Start: linmem.Page(end), Len: now - end}); err != nil {
				f.Fatal(err)
			}
		}
		for addr, b := range saved {
			copy(f.view(addr, uint64(len(b))), b)
		}
		f.guestHashes(kept, config)
		if err := heap.Check(); err != nil {
			f.Fatal(err)
		}
	}
	if grown := f.mem.NumPages() - end; grown == 0 {
		f.Error("no request has grown the memory, which is the case that matters")
	}
}

// request leaves blocks behind, which the guest has looked at, and returns their addresses.
func (f *fixture) request(heap *linmem.Heap, seed byte) (addrs []uint64) {
	f.Helper()
	for i := range 60 {
		data := bytes.Repeat([]byte{seed, byte(i)}, 1+i*i*2)
		addr, err := heap.Put(data)
		if err != nil {
			f.Fatal(err)
		}
		addrs = append(addrs, addr)
		if i%20 == 0 {
			f.guestHashes(addr, data)
		}
	}
	return addrs
}
