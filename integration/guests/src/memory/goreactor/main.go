//go:build wasip1

// The guest whose allocator is Go's: a reactor. Built by ../../../build.sh.
//
// What a host knows the address of is in a map for as long: Go's collector frees what nothing in Go refers to, and moves
// nothing on the heap.
package main

import "unsafe"

// blocks are all that the host holds, by address.
var blocks = map[uint32][]byte{}

//go:wasmexport host_alloc
func hostAlloc(size uint32) uint32 {
	b := make([]byte, max(size, 1))
	addr := uint32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	blocks[addr] = b
	return addr
}

//go:wasmexport host_free
func hostFree(addr uint32) { delete(blocks, addr) }

//go:wasmexport take
func take(size, seed uint32) uint32 {
	addr := hostAlloc(size)
	b := blocks[addr][:size]
	for i := range b {
		b[i] = pattern(uint32(i), seed)
	}
	return addr
}

//go:wasmexport check
func check(block unsafe.Pointer, size, seed uint32) uint32 {
	for i, b := range unsafe.Slice((*byte)(block), size) {
		if b != pattern(uint32(i), seed) {
			return 1 + uint32(i)
		}
	}
	return 0
}

//go:wasmexport give
func give(addr, _ uint32) { hostFree(addr) }

func pattern(i, seed uint32) byte { return byte((i*7 + i>>8) ^ seed) }

func main() {}
