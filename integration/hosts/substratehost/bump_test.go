package substratehost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// freeingBump is the allocator of Substrate's hosts, FreeingBumpHeapAllocator of Substrate's sc_allocator, after its
// documentation: sizes are powers of two from 8 bytes to 32 MiB, each has a list of free blocks, and what no list has is
// taken from the end. Before each block are 8 bytes, in the guest's memory: the order of the size and bit 32 of one that
// is allocated, or the link to the next free one. After an error nothing works any more.
type freeingBump struct {
	mem      api.Memory
	base     uint32
	end      uint32
	free     [23]uint32 // the addresses of headers, by order
	poisoned bool
}

const (
	headerSize = 8
	occupied   = 1 << 32
	noLink     = math.MaxUint32
)

var errPoisoned = errors.New("the allocator is poisoned")

// reset forgets all blocks, as hosts do after each call.
func (f *freeingBump) reset() {
	*f = freeingBump{mem: f.mem, base: f.base, end: f.base}
	for order := range f.free {
		f.free[order] = noLink
	}
}

func (f *freeingBump) alloc(size uint32) (addr uint32, err error) {
	if f.poisoned {
		return 0, errPoisoned
	}
	defer func() { f.poisoned = err != nil }()
	order := bits.Len32(max(size, 8)-1) - 3
	if order >= len(f.free) {
		return 0, fmt.Errorf("%d bytes are more than 32 MiB", size)
	}
	header := f.free[order]
	if header != noLink {
		link, ok := f.mem.ReadUint64Le(header)
		if !ok || link&occupied != 0 {
			return 0, fmt.Errorf("the list of free blocks leads to %#x, where none is", header)
		}
		f.free[order] = uint32(link)
	} else {
		header = f.end
		end := uint64(f.end) + headerSize + 8<<order
		if end > uint64(f.mem.Size()) {
			missing := (end - uint64(f.mem.Size()) + 1<<16 - 1) >> 16
			if _, ok := f.mem.Grow(uint32(missing)); !ok {
				return 0, errors.New("the memory does not grow")
			}
		}
		f.end = uint32(end)
	}
	f.mem.WriteUint64Le(header, uint64(order)|occupied)
	return header + headerSize, nil
}

func (f *freeingBump) release(addr uint32) (err error) {
	if f.poisoned {
		return errPoisoned
	}
	defer func() { f.poisoned = err != nil }()
	header := addr - headerSize
	v, ok := f.mem.ReadUint64Le(header)
	order := uint32(v)
	if !ok || v&occupied == 0 || order >= uint32(len(f.free)) {
		return fmt.Errorf("the header %#x of the block at %#x is none of one that is allocated", v, addr)
	}
	f.mem.WriteUint64Le(header, uint64(f.free[order]))
	f.free[order] = header
	return nil
}

// bumpExecutor runs a runtime as gossamer's lib/runtime/wazero does: an allocator on the runtime's memory that is cleared
// after each call. The result is copied, where gossamer returns a view.
type bumpExecutor struct {
	runtime wazero.Runtime
	mod     api.Module
	heap    *freeingBump
}

func newBumpExecutor(ctx context.Context, wasm []byte) (*bumpExecutor, error) {
	r := wazero.NewRuntime(ctx)
	e := &bumpExecutor{runtime: r, heap: new(freeingBump)}
	i32 := []api.ValueType{api.ValueTypeI32}
	_, err := r.NewHostModuleBuilder("env").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
		addr, err := e.heap.alloc(uint32(stack[0]))
		if err != nil {
			panic(err)
		}
		stack[0] = uint64(addr)
	}), i32, i32).Export("ext_allocator_malloc_version_1").
		NewFunctionBuilder().WithGoModuleFunction(api.GoModuleFunc(func(_ context.Context, _ api.Module, stack []uint64) {
		if err := e.heap.release(uint32(stack[0])); err != nil {
			panic(err)
		}
	}), i32, nil).Export("ext_allocator_free_version_1").
		Instantiate(ctx)
	if err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	if e.mod, err = r.Instantiate(ctx, wasm); err != nil {
		return nil, errors.Join(err, r.Close(ctx))
	}
	e.heap.mem = e.mod.Memory()
	e.heap.base = (uint32(e.mod.ExportedGlobal("__heap_base").Get()) + 7) &^ 7
	e.heap.reset()
	return e, nil
}

func (e *bumpExecutor) Exec(ctx context.Context, name string, args []byte) ([]byte, error) {
	defer e.heap.reset()
	return e.exec(ctx, name, args)
}

// exec is Exec without clearing.
func (e *bumpExecutor) exec(ctx context.Context, name string, args []byte) ([]byte, error) {
	addr, err := e.heap.alloc(uint32(len(args)))
	if err != nil {
		return nil, err
	}
	if !e.mod.Memory().Write(addr, args) {
		return nil, errors.New("the arguments do not fit")
	}
	results, err := e.mod.ExportedFunction(name).Call(ctx, uint64(addr), uint64(len(args)))
	if err != nil {
		return nil, err
	}
	view, ok := e.mod.Memory().Read(uint32(results[0]), uint32(results[0]>>32))
	if !ok {
		return nil, errors.New("the result is not in the memory")
	}
	return bytes.Clone(view), nil
}
