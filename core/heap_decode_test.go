package linmem_test

import (
	"math"

	linmem "github.com/linmem/linmem/core"
)

// sizes is a distribution of sizes in bytes.
type sizes byte

const (
	tinySizes sizes = iota
	smallSizes
	borderSizes // near to what separates size classes
	mixedSizes  // as many between 2^n and 2^(n+1) for each n
	pageSizes
	hugeSizes
	oddSizes // that a test of arithmetic wants
)

// sizesOf are the sizes of a stream: most of one distribution, and some of the others.
func sizesOf(s sizes) []sizes { return []sizes{s, s, s, s, s, s, mixedSizes, smallSizes} }

var oddByteSizes = []uint64{
	0, 1<<32 - 1, 1 << 32, 1<<32 + 1, 1<<47 - 1, 1 << 62, 1<<63 - 1, 1 << 63, math.MaxUint64 - 65536, math.MaxUint64 - 1024,
	math.MaxUint64 - 15, math.MaxUint64 - 1, math.MaxUint64,
}

// size makes a size out of two bytes.
func (l *heapLockstep) size(x, y byte) uint64 {
	n := uint64(x) | uint64(y)<<8
	distribution := l.model.sizes[n%uint64(len(l.model.sizes))]
	if n%199 == 198 {
		distribution = oddSizes
	}
	n /= 8
	switch distribution {
	case tinySizes:
		return n % 40
	case smallSizes:
		return n % 1100
	case borderSizes:
		if live := l.model.live; len(live) > 0 && n%2 == 0 {
			return live[n/2%uint64(len(live))].size + n%3 // what is a class's size, and one more, or two
		}
		border := (8 + n%8) << (n / 8 % 15) // steps of an eighth, from 8 to 240 KiB
		return border - 1 + n%3
	case mixedSizes:
		return 1<<(n%20) + n*n%(1<<(n%20))
	case pageSizes:
		return n%5*linmem.PageSize + []uint64{0, 1, 1023, 1024, 1025, 32767, 32768, 65535}[n/5%8]
	case hugeSizes:
		return n * 4099 % (30 * linmem.PageSize)
	}
	return oddByteSizes[n%uint64(len(oddByteSizes))]
}

// alignment makes an alignment out of a byte; few are huge or wrong.
func alignment(z byte) uint64 {
	switch {
	case z < 200:
		return 1 << (z % 13)
	case z < 230:
		return 1 << (z % 19)
	case z < 240:
		return 1 << (z % 64)
	}
	return []uint64{0, 3, 12, 1<<32 - 1, 1<<63 + 1, math.MaxUint64}[int(z)%6]
}

// decode makes a step out of four bytes, whatever they are. Most of them make sense in the present state.
func (l *heapLockstep) decode(kind, x, y, z byte) heapOp {
	o := heapOp{kind: heapOpKind(kind) % numHeapOps, arena: int(z) % numArenas}
	c := l.model.heapConfig
	if o.who = 0; c.shared && o.kind <= heapView {
		o.who = int(x^y^z) % (1 + numLocals)
	}
	switch o.kind {
	case heapAlloc, heapPut, arenaAlloc, arenaPut:
		o.size = l.size(x, y)
		if o.kind == heapPut || o.kind == arenaPut {
			o.size %= c.max * linmem.PageSize // these bytes must exist
		}
	case heapReserve:
		o.size = max(1, l.size(x, y))
	case heapAllocAligned, arenaAllocAligned:
		o.size, o.align = l.size(x, y), alignment(z)
	case heapFree, heapSizeOf:
		o.addr = l.pick(x, y, z)
	case heapResize, heapRealloc:
		o.addr, o.size = l.pick(x, y, z), l.size(y, z)
		if b := l.model.first(o.addr); b != nil && x%2 == 0 {
			o.size = b.size*uint64(1+z%8)/4 + uint64(y%3)
		}
	case heapView:
		o.addr = l.pick(x, y, z|0xC0)
		if _, b := l.model.at(o.addr); b != nil {
			o.size = b.end() - o.addr - uint64(x)%min(16, b.end()-o.addr) + max(uint64(y)/16, 13) - 13
		}
	case arenaResize:
		o.addr, o.size = l.pickOfArena(o.arena, x), l.size(y, z)
	case pagesAlloc, pagesFree:
		return l.decodeUser(o, x)
	case localClose:
		if o.who = 1 + int(x)%numLocals; !c.shared {
			o = heapOp{kind: heapAlloc, size: l.size(x, y)}
		}
	case pagesFreeze:
		o.size = uint64(x & y & 1) // a frozen heap is dull: thaw it more often
	case guestGrows, guestAmbushes:
		o.size = uint64(x % 4)
		if o.kind == guestAmbushes && len(l.mem.script) >= 3 {
			o.kind = guestGrows
		}
	case guestRefuses:
		if len(l.mem.script) >= 3 {
			o.kind = guestScribbles
		}
	case heapReset, heapRestore:
		if o.size = uint64(y % 2); x%8 > 0 {
			o = heapOp{kind: heapAlloc, size: l.size(x, y)}
		}
	}
	return o
}

// decodeUser is decode of what the heap's user does with the Pages that both have.
func (l *heapLockstep) decodeUser(o heapOp, x byte) heapOp {
	runs := l.model.blocks(ofUser)
	switch {
	case !l.model.onPages:
		return heapOp{kind: heapAlloc, size: uint64(x)}
	case o.kind == pagesAlloc || len(runs) == 0:
		o.kind, o.size = pagesAlloc, uint64(1+x%3)
	default:
		run := runs[int(x)%len(runs)]
		o.addr, o.size = run.addr, run.size/linmem.PageSize
	}
	return o
}

// pick returns the address of a live block, or something that resembles one if z is high.
func (l *heapLockstep) pick(x, y, z byte) uint64 {
	n := uint64(x) | uint64(y)<<8
	blocks := l.model.blocks(ofHeap)
	if len(blocks) == 0 {
		return n * 16
	}
	b := blocks[n%uint64(len(blocks))]
	if z < 200 {
		return b.addr
	}
	size := l.mem.size * linmem.PageSize
	switch z % 10 {
	case 0:
		return b.addr + 1
	case 1, 2:
		return b.addr + n%b.end()%(b.end()-b.addr)
	case 3:
		return b.end()
	case 4:
		return b.addr - 16
	case 5:
		return b.addr / linmem.PageSize * linmem.PageSize
	case 6:
		return l.model.live[n%uint64(len(l.model.live))].addr
	case 7:
		return n * 4099 % (size + 1)
	case 8:
		return []uint64{0, 1, 16, size - 1, size, size + 16, 1<<32 + b.addr, 1<<63 + b.addr, math.MaxUint64}[n%9]
	}
	return l.freed(n)
}

// freed returns an address that a Free had, not long ago.
func (l *heapLockstep) freed(n uint64) uint64 {
	for i := len(l.log) - 1 - int(n%30); i >= 0; i-- {
		if l.log[i].kind == heapFree {
			return l.log[i].addr
		}
	}
	return n
}

// pickOfArena returns the address of a block of an arena's, mostly the last one.
func (l *heapLockstep) pickOfArena(arena int, x byte) uint64 {
	blocks := l.model.ofArenaNumber(arena)
	if len(blocks) == 0 || x%16 == 15 {
		return uint64(x) * 16
	}
	last := blocks[0]
	for _, b := range blocks {
		if b.mark > last.mark {
			last = b
		}
	}
	if x%4 == 0 {
		return blocks[int(x)%len(blocks)].addr
	}
	return last.addr
}
