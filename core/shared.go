package linmem

import (
	"iter"
	"sync"
)

// Shared is a [Heap] for many goroutines at a time: its methods are those of Heap, each under one lock. A goroutine that
// allocates much takes a [Local].
//
// # The guest
//
// Allocating and freeing touch neither the memory nor the guest, except to grow and, in Put and Realloc, to copy. So
// goroutines may allocate while the guest runs wherever the backend's documentation allows the guest's memory to grow and
// to be viewed meanwhile; where it does not, [Heap.Reserve], [Pages.Freeze] and a [Pinned] memory beforehand keep to that.
// What several goroutines, or a goroutine and the guest, do with the bytes of one block is theirs to order.
//
// A slice that View returned is stale once any goroutine has made the memory grow: reserve what is needed and freeze growth,
// or use a backend whose memory never moves, before sharing views.
type Shared struct {
	mu sync.Mutex
	h  *Heap
}

var (
	_ Allocator   = (*Shared)(nil)
	_ chunkSource = (*Shared)(nil)
)

// NewShared returns a Shared on h, which must not be used directly from now on. Its [Pages] must not be, either, but in
// [Shared.Do].
func NewShared(h *Heap) *Shared {
	h.shared = true
	return &Shared{h: h}
}

// Do calls f with the heap, locked. f must not call the Shared or its Locals, and must not keep the heap or an arena of it.
func (s *Shared) Do(f func(h *Heap)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(s.h)
}

// Local returns a handle with spans of its own, for one goroutine at a time. Only the first 4,096 that are open have any:
// the others go to the Shared for each call.
func (s *Shared) Local() *Local {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.h
	l := &Local{shared: s, units: h.units}
	for l.number = range uint64(len(h.locals)) {
		if h.locals[l.number] == nil {
			h.locals[l.number] = l
			return l
		}
	}
	l.number = uint64(len(h.locals))
	h.locals = append(h.locals, l)
	return l
}

// Alloc is [Heap.Alloc].
func (s *Shared) Alloc(size uint64) (addr uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Alloc(size)
}

// AllocAligned is [Heap.AllocAligned].
func (s *Shared) AllocAligned(size, align uint64) (addr uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.AllocAligned(size, align)
}

// Free is [Heap.Free].
func (s *Shared) Free(addr uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Free(addr)
}

// Resize is [Heap.Resize].
func (s *Shared) Resize(addr, size uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Resize(addr, size)
}

// Realloc is [Heap.Realloc].
func (s *Shared) Realloc(addr, size uint64) (newAddr uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Realloc(addr, size)
}

// SizeOf is [Heap.SizeOf].
func (s *Shared) SizeOf(addr uint64) (usable uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.SizeOf(addr)
}

// Put is [Heap.Put]. It copies under the lock, so that no other goroutine has the memory move meanwhile.
func (s *Shared) Put(data []byte) (addr uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Put(data)
}

// View is [Heap.View]. The slice is stale once any goroutine has made the memory grow.
func (s *Shared) View(addr, n uint64) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.View(addr, n)
}

// Reserve is [Heap.Reserve].
func (s *Shared) Reserve(n uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Reserve(n)
}

// NewArena is [Heap.NewArena]. The arena is for one goroutine at a time, and takes the lock for its chunks only, and to Put.
func (s *Shared) NewArena() *Arena { return newArena(s, s.h) }

// Reset is [Heap.Reset]. What Locals have allocated is freed as well.
func (s *Shared) Reset() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Reset()
}

// All is [Heap.All], of the allocations at one moment: they are collected first, and the heap may be changed meanwhile.
func (s *Shared) All() iter.Seq2[uint64, uint64] {
	return func(yield func(addr, usable uint64) bool) {
		s.mu.Lock()
		var all []chunk
		for addr, size := range s.h.All() {
			all = append(all, chunk{addr, size})
		}
		s.mu.Unlock()
		for _, b := range all {
			if !yield(b.addr, b.size) {
				return
			}
		}
	}
}

// Pages is [Heap.Pages]. It is not safe for concurrent use; see [Shared.Do].
func (s *Shared) Pages() *Pages { return s.h.p }

// Stats is [Heap.Stats]. The spans of Locals are counted in their classes; what their owners do meanwhile may or may not be.
func (s *Shared) Stats() HeapStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Stats()
}

// Check is [Heap.Check]. Locals may be in use meanwhile.
func (s *Shared) Check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.Check()
}

// AppendBinary is [Heap.AppendBinary], of the allocations at one moment. In the restored heap there are no Locals, and the
// free slots that they had are anybody's.
func (s *Shared) AppendBinary(b []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.AppendBinary(b)
}

// MarshalBinary is AppendBinary to nothing.
func (s *Shared) MarshalBinary() ([]byte, error) { return s.AppendBinary(nil) }

func (s *Shared) allocChunk(size, align uint64) (c chunk, resets uint64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.allocChunk(size, align)
}

func (s *Shared) freeChunk(addr, seen uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.freeChunk(addr, seen)
}

func (s *Shared) writeChunk(addr uint64, data []byte, seen uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.h.writeChunk(addr, data, seen)
}
