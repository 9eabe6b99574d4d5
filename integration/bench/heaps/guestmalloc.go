package heaps

import linmem "github.com/linmem/linmem/core"

// libcBlocks takes 1 byte where 0 are asked for, so that null means no memory.
type libcBlocks struct {
	malloc, alignedAlloc, realloc, free Func
	args                                Args // here, since an array on the stack would move to the Go heap at each call
}

func openLibc(_ *Guest, l *lookup) (Allocator, error) {
	return &libcBlocks{
		malloc: l.find("malloc", 1), alignedAlloc: l.find("aligned_alloc", 2),
		realloc: l.find("realloc", 2), free: l.find("free", 1),
	}, nil
}

func (c *libcBlocks) Alloc(size uint64) (uint64, error) {
	c.args[0] = max(size, 1)
	return address(&c.args, c.malloc(&c.args))
}

func (c *libcBlocks) AllocAligned(size, align uint64) (uint64, error) {
	c.args[0], c.args[1] = align, max(size, 1)
	return address(&c.args, c.alignedAlloc(&c.args))
}

func (c *libcBlocks) Free(addr, _ uint64) error {
	c.args[0] = addr
	return c.free(&c.args)
}

func (c *libcBlocks) Realloc(addr, _, newSize uint64) (uint64, error) {
	c.args[0], c.args[1] = addr, max(newSize, 1)
	return address(&c.args, c.realloc(&c.args))
}

// address returns the result of a call that returns null if there is no memory.
func address(args *Args, err error) (uint64, error) {
	if err == nil && args[0] == 0 {
		err = errNoMemory
	}
	return args[0], err
}

type rustBlocks struct {
	alloc, realloc, dealloc Func
	args                    Args
}

func openRust(_ *Guest, l *lookup) (Allocator, error) {
	return &rustBlocks{alloc: l.find("alloc", 2), realloc: l.find("realloc", 4), dealloc: l.find("dealloc", 3)}, nil
}

// rustAlign is the alignment that Rust's dlmalloc has by itself in wasm32. A larger one takes it a detour.
const rustAlign = 8

func (r *rustBlocks) Alloc(size uint64) (uint64, error) {
	r.args[0], r.args[1] = size, rustAlign
	return address(&r.args, r.alloc(&r.args))
}

func (r *rustBlocks) Free(addr, size uint64) error {
	r.args[0], r.args[1], r.args[2] = addr, size, rustAlign
	return r.dealloc(&r.args)
}

func (r *rustBlocks) Realloc(addr, oldSize, newSize uint64) (uint64, error) {
	r.args = Args{addr, oldSize, rustAlign, newSize}
	return address(&r.args, r.realloc(&r.args))
}

type zigBlocks struct {
	alloc, resize, free Func
	args                Args
	m                   linmem.Memory
}

func openZig(g *Guest, l *lookup) (Allocator, error) {
	return &zigBlocks{alloc: l.find("alloc", 2), resize: l.find("resize", 4), free: l.find("free", 3), m: g.Memory}, nil
}

func (z *zigBlocks) Alloc(size uint64) (uint64, error) {
	z.args[0], z.args[1] = size, log2Align
	return address(&z.args, z.alloc(&z.args))
}

func (z *zigBlocks) Free(addr, size uint64) error {
	z.args[0], z.args[1], z.args[2] = addr, size, log2Align
	return z.free(&z.args)
}

// Realloc does what that of zigref does; the host copies.
func (z *zigBlocks) Realloc(addr, oldSize, newSize uint64) (uint64, error) {
	z.args = Args{addr, oldSize, log2Align, newSize}
	if err := z.resize(&z.args); err != nil {
		return 0, err
	} else if z.args[0] != 0 {
		return addr, nil
	}
	newAddr, err := z.Alloc(newSize)
	if err == nil {
		err = move(z.m, newAddr, addr, min(oldSize, newSize))
	}
	if err != nil {
		return 0, err
	}
	return newAddr, z.Free(addr, oldSize)
}
