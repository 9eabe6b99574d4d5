package wazeromem

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
	"weak"

	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

var _ experimental.MemoryAllocator = (*Limiter)(nil)

// Limiter provides the linear memories of modules, so that their growth can be limited while they run, by the guest and the
// host alike. wazero itself has but a limit that is set before, for all. It is an [experimental.MemoryAllocator]:
//
//	limiter := new(wazeromem.Limiter)
//	mod, err := runtime.InstantiateWithConfig(limiter.Context(ctx), wasm, config)
//	inst, err := wazeromem.NewInstance(mod, "", wazeromem.WithLimiter(limiter))
//	err = inst.LimitPages(256)
//
// The zero value is ready. One Limiter serves any number of modules, on any number of goroutines; each memory has a limit of its
// own. Memories are Go slices that move when they grow past their capacity, as wazero's own are. A shared memory must not move:
// use it with WithMemoryCapacityFromMax(true).
type Limiter struct {
	mu sync.Mutex

	// wazero frees the memory of a module that is closed, but not that of one whose instantiation fails.
	memories []weak.Pointer[limitedMemory]
}

// Context returns a context in which modules are to be instantiated.
func (l *Limiter) Context(ctx context.Context) context.Context {
	return experimental.WithMemoryAllocator(ctx, l)
}

// Allocate implements [experimental.MemoryAllocator].
func (l *Limiter) Allocate(capacity, maximum uint64) experimental.LinearMemory {
	m := &limitedMemory{limiter: l, data: make([]byte, capacity), max: maximum}
	m.limit.Store(math.MaxUint64)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(nil)
	l.memories = append(l.memories, weak.Make(m))
	return m
}

// forget removes a memory from the list, and those that are gone.
func (l *Limiter) forget(gone *limitedMemory) {
	l.memories = slices.DeleteFunc(l.memories, func(p weak.Pointer[limitedMemory]) bool {
		m := p.Value()
		return m == nil || m == gone
	})
}

// find returns the memory of a module, which has one page at least.
func (l *Limiter) find(mem api.Memory) (*limitedMemory, error) {
	first, ok := mem.Read(0, 1)
	if !ok {
		return nil, fmt.Errorf("%w: the memory is empty", linmem.ErrUnsupported)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range l.memories {
		if m := p.Value(); m != nil && unsafe.SliceData(m.data) == unsafe.SliceData(first) {
			return m, nil
		}
	}
	return nil, fmt.Errorf("%w: the memory does not come from this Limiter: instantiate with its Context", linmem.ErrInvalid)
}

// move puts the bytes of a memory elsewhere.
func (l *Limiter) move(m *limitedMemory, to []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m.data = to
}

// limitedMemory implements [experimental.LinearMemory].
type limitedMemory struct {
	limiter *Limiter
	data    []byte // the capacity; its first byte is found by find, under the limiter's lock
	max     uint64 // bytes
	limit   atomic.Uint64
}

// Reallocate implements [experimental.LinearMemory].
func (m *limitedMemory) Reallocate(size uint64) []byte {
	if size > min(m.max, m.limit.Load()) {
		return nil
	}
	if size > uint64(len(m.data)) {
		// Memories that grow a page at a time are copied once each time that they double.
		grown := make([]byte, max(size, min(2*uint64(len(m.data)), m.max)))
		copy(grown, m.data)
		m.limiter.move(m, grown)
	}
	return m.data[:size]
}

// Free implements [experimental.LinearMemory].
func (m *limitedMemory) Free() {
	m.limiter.mu.Lock()
	defer m.limiter.mu.Unlock()
	m.limiter.forget(m)
}
