package zigref

import (
	"encoding/binary"
	"math/bits"
)

// freeBlock is a bitmap of pages, in which a set bit is a free page. Page i of the block is bit i%8 of byte i/8.
//
// The originals have it as a slice of 128-bit integers. In a little-endian memory, which WebAssembly's is, the bytes are the
// same, and so one type serves for the array on the host and the page in the guest.
type freeBlock []byte

// segmentPages is the number of pages that the search can skip at a time: the bits of a u128, Zig's word for it.
const segmentPages = 128

func (b freeBlock) totalPages() usize { return usize(len(b)) * 8 }

func (b freeBlock) isFree(page usize) bool { return b[page/8]>>(page%8)&1 != 0 }

func (b freeBlock) setBits(start, n usize, free bool) {
	for page := start; page < start+n; page++ {
		if bit := byte(1) << (page % 8); free {
			b[page/8] |= bit
		} else {
			b[page/8] &^= bit
		}
	}
}

// use marks pages used.
func (b freeBlock) use(start, n usize) { b.setBits(start, n, false) }

// recycle marks pages free.
func (b freeBlock) recycle(start, n usize) { b.setBits(start, n, true) }

// findRecycled returns the first run of n free pages that the search meets, and whether there is one. In Zig it is
// useRecycled and takes the pages as well; here the caller does, once it has looked at what a guest may have written.
//
// Alignment is that of the page's place in the block. It is tried where the search meets a run, which is at its start, and
// again at the border of each segment that the run goes on into. With pages 3 to 300 free, that is at 3, 128 and 256; a run
// that is aligned to 2 pages is found at 128, and from 4 to 127 nothing is tried.
func (b freeBlock) findRecycled(n usize, log2Align uint8) (start usize, ok bool) {
	for first := usize(0); first < b.totalPages(); first += segmentPages {
		// A run that is too long for this segment may go on in the next, if the last page is free.
		low, high := binary.LittleEndian.Uint64(b[first/8:]), binary.LittleEndian.Uint64(b[first/8+8:])
		spillsIntoNext := high>>63 != 0
		hasEnoughBits := usize(bits.OnesCount64(low)+bits.OnesCount64(high)) >= n
		if !spillsIntoNext && !hasEnoughBits {
			continue
		}
		for page := first; page < first+segmentPages; page++ {
			count := usize(0)
			for page+count < b.totalPages() && b.isFree(page+count) {
				count++
				if count >= n && isAligned(page, log2Align) {
					return page, true
				}
			}
			page += count // a used page, or the block's end
		}
	}
	return 0, false
}

func isAligned(page usize, log2Align uint8) bool {
	return bits.TrailingZeros32(page*pageSize) >= int(log2Align)
}
