package linmemtest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

var keptCases = []lifetimeCase{
	{
		"heap-kept", "A Heap keeps what its memory needs: it works on when nobody keeps the instance.",
		func(open opener) error {
			return open.keep(func(inst guest.Instance) (use func(n int) error, err error) {
				heap, err := linmem.NewHeap(inst.Memory())
				if err != nil {
					return nil, err
				}
				return newHeapUse(heap, 2).steps, nil
			})
		},
	},
	{
		"memory-kept", "A Memory keeps what it needs: it works on when nobody keeps the instance.",
		func(open opener) error {
			return open.keep(func(inst guest.Instance) (use func(n int) error, err error) {
				return (&memoryUse{m: inst.Memory()}).steps, nil
			})
		},
	},
	{
		"instance-kept", "An Instance keeps what it needs: its calls work on when nobody keeps the runtime's own objects.",
		func(open opener) error {
			return open.keep(func(inst guest.Instance) (use func(n int) error, err error) {
				return (&instanceUse{inst: inst}).steps, nil
			})
		},
	},
}

// keep opens an instance, keeps of it what the function that from returns keeps, and has that take steps, while the
// collector runs and others come and go.
func (o opener) keep(from func(guest.Instance) (use func(n int) error, err error)) error {
	inst, _, err := o.open()
	if err != nil {
		return err
	}
	use, err := from(inst)
	if err != nil {
		return err
	}
	const rounds, steps = 20, 100
	for round := range rounds {
		collect()
		if err := o.visit(round%2 == 0); err != nil {
			return err
		}
		if err := use(steps); err != nil {
			return fmt.Errorf("after %d collections: %w", 2*(round+1), err)
		}
	}
	return nil
}

// heapUse is a random use of a heap, with the contents that each block must have.
type heapUse struct {
	heap   *linmem.Heap
	random *rand.Rand
	blocks map[uint64][]byte // by address
}

func newHeapUse(heap *linmem.Heap, seed uint64) *heapUse {
	return &heapUse{heap, rand.New(rand.NewPCG(seed, 0)), make(map[uint64][]byte)}
}

// maxBlocks of maxBlockSize bytes each are half of what the module's memory can have.
const (
	maxBlocks    = 40
	maxBlockSize = 40_000
)

// steps takes n steps, and compares all contents.
func (u *heapUse) steps(n int) error {
	for range n {
		if err := u.step(); err != nil {
			return err
		}
	}
	for addr := range u.blocks {
		if err := u.compare(addr); err != nil {
			return err
		}
	}
	return u.heap.Check()
}

func (u *heapUse) step() error {
	if len(u.blocks) == 0 || len(u.blocks) < maxBlocks && u.random.IntN(2) == 0 {
		data := u.data()
		addr, err := u.heap.Put(data)
		if err != nil {
			return err
		}
		if u.blocks[addr] != nil {
			return fmt.Errorf("the result of Put, %#x, is allocated already", addr)
		}
		u.blocks[addr] = data
		return nil
	}
	addresses := slices.Sorted(maps.Keys(u.blocks)) // so that a seed is one use
	addr := addresses[u.random.IntN(len(addresses))]
	if err := u.compare(addr); err != nil {
		return err
	}
	data := u.blocks[addr]
	delete(u.blocks, addr)
	if u.random.IntN(3) > 0 {
		return u.heap.Free(addr)
	}
	size := 1 + u.random.IntN(maxBlockSize)
	moved, err := u.heap.Realloc(addr, uint64(size))
	if err != nil {
		return err
	}
	u.blocks[moved] = data[:min(size, len(data))]
	return nil
}

func (u *heapUse) data() []byte {
	data := make([]byte, 1+u.random.IntN(maxBlockSize)>>u.random.IntN(14))
	for i := range data {
		data[i] = byte(u.random.Uint32())
	}
	return data
}

func (u *heapUse) compare(addr uint64) error {
	want := u.blocks[addr]
	got, err := u.heap.View(addr, uint64(len(want)))
	if err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the %d bytes at %#x are not those that were put there", len(want), addr)
	}
	return nil
}

// memoryUse counts up in a byte at the end of each page.
type memoryUse struct {
	m     linmem.Memory
	count byte
}

func (u *memoryUse) steps(n int) error {
	for range n {
		pages := u.m.NumPages()
		for page := range pages {
			view, err := u.m.View(page*linmem.PageSize, linmem.PageSize)
			if err != nil {
				return err
			}
			last := &view[linmem.PageSize-1]
			if *last != u.count {
				return fmt.Errorf("the last byte of page %d is %#x, want %#x", page, *last, u.count)
			}
			*last = u.count + 1
		}
		u.count++
	}
	// The new page counts from 0, so all do.
	pages := u.m.NumPages()
	if _, err := u.m.Grow(1); err != nil {
		return err
	}
	for page := range pages {
		view, err := u.m.View((page+1)*linmem.PageSize-1, 1)
		if err != nil {
			return err
		}
		view[0] = 0
	}
	u.count = 0
	return nil
}

// instanceUse calls the guest, which counts up in its memory.
type instanceUse struct {
	inst  guest.Instance
	count byte
}

func (u *instanceUse) steps(n int) error {
	const addr = 1000
	ctx := context.Background()
	for range n {
		got, err := u.inst.Call(ctx, "load", addr)
		if err != nil {
			return err
		}
		if !slices.Equal(got, []uint64{uint64(u.count)}) {
			return fmt.Errorf("the guest reads %#x, want %#x", got, u.count)
		}
		u.count++
		if _, err := u.inst.Call(ctx, "store", addr, uint64(u.count)); err != nil {
			return err
		}
	}
	if _, err := u.inst.Call(ctx, "grow", 1); err != nil {
		return err
	}
	if got, ok := u.inst.Global("global"); got != globalValue || !ok || !u.inst.HasExport("load") {
		return fmt.Errorf("the global is %d, %t, want %d; or an export is missing", got, ok, globalValue)
	}
	typed, ok := u.inst.(guest.Typed)
	if !ok {
		return nil
	}
	if sig, ok := typed.Signature("store"); !ok || len(sig.Params) != 2 || len(sig.Results) != 0 {
		return fmt.Errorf("the signature of store is %v, %t", sig, ok)
	}
	return nil
}
