package heaps

import (
	"fmt"
	"unsafe"
)

// Contents returns the bytes of a block, wherever they are.
func Contents(o Opened, addr, size uint64) ([]byte, error) {
	switch a := o.Allocator.(type) {
	case *goBlocks:
		if got := uint64(len(a.blocks[addr])); got != size {
			return nil, fmt.Errorf("%d bytes; want %d", got, size)
		}
		return a.blocks[addr], nil
	case *moderncBlocks:
		return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), size), nil // an address outside the Go heap
	}
	return o.Memory.View(addr, size)
}
