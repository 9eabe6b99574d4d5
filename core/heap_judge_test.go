package linmem_test

import (
	"fmt"
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

// judge holds an answer to the contract, and notes what follows from it. With room, pages for what was asked could be
// had before the call.
func (l *heapLockstep) judge(o heapOp, a answer, room bool) error {
	if o.kind == heapRealloc && a.err != nil && a.addr == o.addr {
		a.addr = 0 // as good an address as any to have beside an error
	}
	switch o.kind {
	case heapAlloc, heapAllocAligned, heapPut:
		return l.judgeAlloc(o, a, room)
	case arenaAlloc, arenaAllocAligned, arenaPut:
		return l.judgeArenaAlloc(o, a)
	case heapFree, heapSizeOf, heapResize, heapRealloc:
		b := l.model.first(o.addr)
		if b == nil {
			return expect(a, linmem.ErrNotAllocated)
		}
		return l.judgeBlock(o, a, b, room)
	case heapView:
		return l.judgeView(o, a)
	case heapReserve:
		return l.judgeReserve(o, a, room)
	case heapReset:
		return l.judgeReset(a)
	case arenaReset, arenaFree:
		return l.judgeArenaEnd(o, a)
	case arenaResize:
		return l.judgeArenaResize(o, a)
	case pagesAlloc:
		if a.err == nil {
			return l.model.place(&block{addr: a.addr, size: o.size * linmem.PageSize, kind: ofUser}, linmem.PageSize)
		}
		return expect(a, linmem.ErrOutOfMemory)
	case pagesFree:
		if _, b := l.model.at(o.addr); b != nil {
			return first(expect(a, nil), l.model.forget(b))
		}
	case pagesFreeze:
		l.model.frozen = o.size == 1
	}
	return expect(a, nil)
}

// expect returns an error unless the answer is of that class.
func expect(a answer, want error) error {
	if class(a.err) != want {
		return fmt.Errorf("returned the error %v, want %v", a.err, want)
	}
	if a.err != nil && (a.addr != 0 || a.view != nil) {
		return fmt.Errorf("returned %#x, %v beside an error", a.addr, a.view)
	}
	return nil
}

// first returns the first error of several.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// outOfMemory judges a refusal for lack of memory, after which everything is as before.
func (l *heapLockstep) outOfMemory(a answer, room bool) error {
	if err := expect(a, linmem.ErrOutOfMemory); err != nil {
		return err
	}
	if room {
		return fmt.Errorf("returned the error %v, though there are pages, %+v", a.err, l.heap.Pages().Stats())
	}
	return l.model.contents()
}

func (l *heapLockstep) judgeAlloc(o heapOp, a answer, room bool) error {
	align := defaultAlign(o.size)
	if o.kind == heapAllocAligned {
		if align = o.align; bits.OnesCount64(align) != 1 {
			return expect(a, linmem.ErrInvalid)
		}
	}
	if a.err != nil {
		return l.outOfMemory(a, room)
	}
	b := &block{addr: a.addr}
	var err error
	if b.size, err = l.heap.SizeOf(b.addr); err != nil {
		return fmt.Errorf("SizeOf of the new %#x: %w", b.addr, err)
	}
	least, most := usableSize(o.size)
	if o.kind == heapAllocAligned {
		least, most = o.size, b.size
	}
	if b.size < least || b.size > most {
		return fmt.Errorf("has %d usable bytes, want %d to %d", b.size, least, most)
	}
	if o.kind == heapPut && !filled(l.model.bytes(a.addr, o.size), o.size) {
		return fmt.Errorf("did not put the data there")
	}
	return l.model.place(b, align)
}

// judgeBlock judges a call that is about a live allocation.
func (l *heapLockstep) judgeBlock(o heapOp, a answer, b *block, room bool) error {
	switch {
	case o.kind == heapFree:
		return first(expect(a, nil), l.model.forget(b))
	case o.kind == heapSizeOf:
		if err := expect(a, nil); err != nil || a.addr != b.size {
			return fmt.Errorf("returned %d, %v, want %d", a.addr, a.err, b.size)
		}
		return nil
	case a.err != nil && o.size <= b.size:
		return fmt.Errorf("returned the error %v, though %v has as many bytes", a.err, b)
	case a.err != nil:
		return l.outOfMemory(a, room && o.kind == heapRealloc)
	}
	addr := b.addr
	if o.kind == heapRealloc {
		addr = a.addr
	}
	size, err := l.heap.SizeOf(addr)
	if err != nil || size < o.size {
		return fmt.Errorf("has %d usable bytes then, %v", size, err)
	}
	kept := min(b.size, o.size)
	if err := l.model.holds(&block{addr: addr, mark: b.mark}, kept); err != nil {
		return err
	}
	// What lies past the bytes that are kept may be anybody's by now, but it is this block's until here.
	b.size = kept
	return first(l.model.forget(&block{addr: b.addr, size: 0}),
		l.model.place(&block{addr: addr, size: size}, defaultAlign(min(o.size, 16))))
}

func (l *heapLockstep) judgeView(o heapOp, a answer) error {
	_, b := l.model.at(o.addr)
	switch {
	case b == nil && l.model.arenas > 0:
		return nil // it may be memory that an arena has for later
	case b == nil || b.kind == ofUser:
		return expect(a, linmem.ErrNotAllocated)
	case b.kind == ofArena && o.size > b.addr+b.size-o.addr:
		return nil // what is behind it is the arena's, or not
	case o.size > b.addr+b.size-o.addr:
		return expect(a, linmem.ErrOutOfBounds)
	}
	if err := expect(a, nil); err != nil {
		return err
	}
	if uint64(len(a.view)) != o.size || uint64(cap(a.view)) != o.size || a.view == nil {
		return fmt.Errorf("returned %d bytes with a capacity of %d", len(a.view), cap(a.view))
	}
	if o.size > 0 && &a.view[0] != &l.mem.data[o.addr] {
		return fmt.Errorf("returned bytes that are not those at the address")
	}
	return nil
}

// judgeReserve also takes the reserved bytes, and gives them back.
func (l *heapLockstep) judgeReserve(o heapOp, a answer, room bool) error {
	if a.err != nil {
		return l.outOfMemory(a, room)
	}
	l.heap.Pages().Freeze(true)
	if l.twin != nil {
		l.twin.heap.Pages().Freeze(true)
	}
	defer func() {
		l.heap.Pages().Freeze(l.model.frozen)
		if l.twin != nil {
			l.twin.heap.Pages().Freeze(l.model.frozen)
		}
	}()
	take := heapOp{kind: heapAlloc, size: o.size}
	taken := l.call(take)
	if l.twin != nil {
		l.twin.call(take)
	}
	if err := l.judgeAlloc(take, taken, true); err != nil {
		return fmt.Errorf("what was reserved: %w", err)
	}
	give := heapOp{kind: heapFree, addr: taken.addr}
	if l.twin != nil {
		l.twin.call(give)
	}
	return l.judge(give, l.call(give), true)
}

func (l *heapLockstep) judgeReset(a answer) error {
	for _, kind := range []blockKind{ofHeap, ofArena} {
		for _, b := range l.model.blocks(kind) {
			if err := l.model.forget(b); err != nil {
				return err
			}
		}
	}
	l.used, l.model.arenas = [numArenas]bool{}, 0
	return expect(a, nil)
}
