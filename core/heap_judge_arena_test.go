package linmem_test

import (
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

func (l *heapLockstep) judgeArenaAlloc(o heapOp, a answer) error {
	align := defaultAlign(o.size)
	if o.kind == arenaAllocAligned {
		if align = o.align; bits.OnesCount64(align) != 1 {
			return expect(a, linmem.ErrInvalid)
		}
	}
	if a.err != nil {
		return l.outOfMemory(a, false)
	}
	if !l.used[o.arena] {
		l.used[o.arena] = true
		l.model.arenas++
	}
	return l.model.place(&block{addr: a.addr, size: o.size, kind: ofArena, arena: o.arena}, align)
}

// arenaBlock returns an arena's block at an address, if it is the arena's at all.
func (l *heapLockstep) arenaBlock(arena int, addr uint64) *block {
	if _, b := l.model.at(addr); b != nil && b.kind == ofArena && b.arena == arena && b.addr == addr {
		return b
	}
	return nil
}

func (l *heapLockstep) judgeArenaResize(o heapOp, a answer) error {
	b := l.arenaBlock(o.arena, o.addr)
	switch {
	case b == nil && class(a.err) == linmem.ErrOutOfMemory, b != nil && a.err != nil:
		return l.outOfMemory(a, false)
	case b == nil:
		return expect(a, linmem.ErrNotAllocated)
	}
	kept := min(b.size, o.size)
	if err := l.model.holds(b, kept); err != nil {
		return err
	}
	b.size = kept
	return first(l.model.forget(&block{addr: b.addr, size: 0}),
		l.model.place(&block{addr: b.addr, size: o.size, kind: ofArena, arena: o.arena}, 1))
}

// judgeArenaEnd judges a call that ends all blocks of an arena.
func (l *heapLockstep) judgeArenaEnd(o heapOp, a answer) error {
	for _, b := range l.model.ofArenaNumber(o.arena) {
		if err := l.model.forget(b); err != nil {
			return err
		}
	}
	if o.kind == arenaFree && l.used[o.arena] {
		l.used[o.arena] = false
		l.model.arenas--
	}
	return expect(a, nil)
}
