package linmem_test

import (
	"math"

	linmem "github.com/linmem/linmem/core"
)

// Lengths and alignments that a test of arithmetic wants.
var (
	oddLens   = []uint64{0, spacePages - 1, spacePages, spacePages + 1, 1 << 63, math.MaxUint64}
	oddAligns = []uint64{0, 3, 6, 24, 1 << 47, spacePages, spacePages << 1, 1 << 63, math.MaxUint64}
)

// decode makes a step out of three bytes, whatever they are. Most of them make sense in the present state.
func (l *lockstep) decode(kind opKind, x, y byte) op {
	o := op{kind: kind}
	if kind != opRestore && kind != opOffer {
		o.kind %= numOpKinds
	}
	switch o.kind {
	case opAlloc, opReserve:
		o.n = l.length(x, y)
	case opAllocAligned:
		o.n, o.align = l.length(x, 0), 1<<(y%8)
		if l.config.rarely {
			o.align = 1 << (y % 13) // up to more than the blocks of the allocator's trees
		}
		if y >= 235 {
			o.align = oddAligns[int(y-235)%len(oddAligns)]
		}
	case opFree:
		o.r = l.pick(x, y)
	case opResize:
		o.r = l.pick(x, 0)
		switch {
		case y < 160:
			o.n = 1 + uint64(y%12)
		case y < 240:
			o.n = o.r.Len + uint64(y-160)
		case y < 250:
			o.n = oddLens[int(y)%len(oddLens)]
		default:
			o.r, o.n = l.pick(x, 255-y%8), 3
		}
	case opAdopt:
		o.r = l.pickForeign(x, y)
	case opFreeze:
		o.n = uint64(x & y & 1) // a frozen allocator is dull: thaw it more often
	case opGuestGrow, opAmbush:
		o.n = 1 + uint64(x%5)
		if y == 255 && !l.config.rarely {
			o.n = l.config.max // and the host gets no more
		}
		if o.kind == opAmbush && len(l.mem.script) >= 3 {
			o.kind = opGuestGrow
		}
	case opOffer:
		o.r = l.pickForeign(x, y)
		if y%4 == 3 {
			o.r = l.pickGift(x)
		}
		if !l.config.source || len(l.mem.script) >= 3 {
			o = op{kind: opGuestGrow, n: 1 + uint64(x%5)}
		}
	}
	return o
}

// length is mostly small.
func (l *lockstep) length(x, y byte) uint64 {
	switch {
	case y >= 250:
		return oddLens[int(x)%len(oddLens)]
	case y >= 220 && l.config.rarely:
		return 4 * uint64(x)
	case y >= 220:
		return uint64(x)
	}
	return 1 + uint64(x%8)
}

// pick returns a live run, or something that resembles one if y is high.
func (l *lockstep) pick(x, y byte) linmem.Range {
	i := int(x)
	live := l.model.allocated()
	size := linmem.Page(l.model.mem.size)
	r := linmem.Range{Start: linmem.Page(x) % (size + 2), Len: 1 + uint64(y%4)}
	if len(live) > 256 {
		i *= len(live) / 256
	}
	if len(live) > 0 {
		r = live[i%len(live)]
	}
	if y < 200 {
		return r
	}
	switch y % 8 {
	case 0:
		return linmem.Range{Start: r.Start + 1, Len: r.Len - 1}
	case 1:
		return linmem.Range{Start: r.Start, Len: r.Len - 1}
	case 2:
		return linmem.Range{Start: r.Start, Len: r.Len + 1}
	case 3:
		if len(live) > 1 {
			next := live[(i+1)%len(live)]
			return linmem.Range{Start: r.Start, Len: r.Len + next.Len}
		}
	case 4:
		if free := l.model.freeRanges(); len(free) > 0 {
			return free[i%len(free)]
		}
	case 5:
		if foreign := l.model.foreign(); len(foreign) > 0 {
			return foreign[i%len(foreign)]
		}
	case 6:
		return linmem.Range{Start: r.Start, Len: -uint64(r.Start) + uint64(y%3)} // overflows, mostly
	}
	return linmem.Range{Start: size - linmem.Page(x)%(size+1), Len: 1 + uint64(x%4)}
}

// pickForeign returns part of a foreign range, or something that resembles it if y is high.
func (l *lockstep) pickForeign(x, y byte) linmem.Range {
	size := l.model.mem.size
	switch {
	case y == 255:
		return linmem.Range{Start: linmem.Page(size - min(size, uint64(x%4))), Len: 1 + uint64(x%7)}
	case y == 254:
		return linmem.Range{Start: linmem.Page(x), Len: oddLens[int(x)%len(oddLens)]}
	case y >= 240:
		return l.pick(x, y)
	}
	foreign := l.model.foreign()
	if len(foreign) == 0 || size > uint64(len(l.model.pages)) && y%16 == 15 {
		return linmem.Range{Start: linmem.Page(len(l.model.pages)), Len: 1} // grown by the guest and not seen yet
	}
	r := foreign[int(x)%len(foreign)]
	skip := uint64(y/8) % r.Len
	if l.config.rarely && r.Len > 32 {
		skip = uint64(y/8) * (r.Len / 32) // all over it
	}
	return linmem.Range{Start: r.Start + linmem.Page(skip), Len: 1 + uint64(y)%8%(r.Len-skip+1)}
}

// pickGift returns all of a foreign range: what a guest may have to give, if it is not that of page 0.
func (l *lockstep) pickGift(x byte) linmem.Range {
	foreign := l.model.foreign()
	if len(foreign) == 0 {
		return linmem.Range{}
	}
	r := foreign[int(x)%len(foreign)]
	if r.Start == 0 && !l.config.pageZero {
		return linmem.Range{Start: 1, Len: r.Len - 1}
	}
	return r
}
