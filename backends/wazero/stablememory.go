package wazeromem

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
	"weak"

	nativemem "github.com/linmem/linmem/backends/native"
	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

var _ experimental.LinearMemory = (*stableMemory)(nil)

// stableMemory is one memory of [StableMemories].
type stableMemory struct {
	max   uint64        // pages
	limit atomic.Uint64 // pages

	mu       sync.Mutex // held to grow and to free
	begun    bool       // wazero has asked for the first size
	fallback []byte     // all that there is, if the system refuses even the first size
	users    []api.Module

	// detached says that wazero has let go of the memory: see Free.
	detached atomic.Bool

	*place // which the cleanup of a memory that is never freed is for
}

// usablePages is the size of the largest memory that code of wazero 1.12's compiler can use: with one page more, its length in
// bytes is 0 in 32 bits, and every access of the guest traps (TestLastPage). See also https://github.com/wazero/wazero/issues/2505.
const usablePages = 1<<16 - 1

// place is where a memory is.
type place struct {
	fenced bool                             // see StableMemories.FenceViews
	space  atomic.Pointer[nativemem.Memory] // nil before the first size, after the end, and if there is a fallback
	moves  atomic.Uint64
}

func newStableMemory(maximum uint64, fenced bool) *stableMemory {
	m := &stableMemory{max: maximum / linmem.PageSize, place: &place{fenced: fenced}}
	m.limit.Store(usablePages)
	runtime.AddCleanup(m, (*place).leave, m.place)
	return m
}

// Reallocate implements [experimental.LinearMemory]. It is not asked for less than there is.
func (m *stableMemory) Reallocate(size uint64) []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	nPages := size / linmem.PageSize
	if !m.begun {
		m.begun = true
		return m.begin(nPages)
	}
	if nPages > m.limit.Load() {
		return nil
	}
	space := m.space.Load()
	switch {
	case space == nil:
		if size > uint64(len(m.fallback)) {
			return nil
		}
		return m.fallback[:size]
	case m.fenced && nPages > space.NumPages():
		return m.move(space, nPages)
	}
	if _, err := space.Grow(nPages - space.NumPages()); err != nil {
		return nil
	}
	return space.Bytes()
}

// begin makes a memory of its first size, for which wazero takes no refusal.
func (m *stableMemory) begin(nPages uint64) []byte {
	least := max(nPages, 1)
	reserved := m.max
	if m.fenced {
		reserved = least // it will move anyway
	}
	for {
		reserved = max(reserved, least)
		if space, err := newSpace(nPages, reserved); err == nil {
			m.enter(space)
			return space.Bytes()
		}
		if reserved == least {
			m.fallback = make([]byte, nPages*linmem.PageSize)
			return m.fallback
		}
		reserved /= 2
	}
}

// newSpace is a variable for tests.
var newSpace = nativemem.New

// move puts a memory elsewhere.
func (m *stableMemory) move(from *nativemem.Memory, nPages uint64) []byte {
	to, err := newSpace(nPages, nPages)
	if err != nil {
		return nil
	}
	copy(to.Bytes(), from.Bytes())
	m.leave()
	m.enter(to)
	m.moves.Add(1)
	return to.Bytes()
}

// Free implements [experimental.LinearMemory]. wazero frees a memory when the first of the modules that use it is closed, be
// it the owner or one that imports it, and has the others use it on. As long as one that is known to is open, the memory
// must not go. wazero does not ask to grow it any more, but has it copied to a Go slice.
func (m *stableMemory) Free() {
	m.mu.Lock()
	inUse := slices.ContainsFunc(m.users, isOpen)
	m.mu.Unlock()
	if inUse {
		m.detached.Store(true)
		retained.Lock()
		retained.memories = append(retained.memories, m)
		retained.Unlock()
		return
	}
	m.leave()
	forgetRetained()
}

// retained are the memories that wazero has freed while modules that use them were open. There is no telling when these are
// closed, so that is looked for whenever a memory comes or goes.
var retained struct {
	sync.Mutex
	memories []*stableMemory
}

func forgetRetained() {
	retained.Lock()
	defer retained.Unlock()
	retained.memories = slices.DeleteFunc(retained.memories, func(m *stableMemory) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		if slices.ContainsFunc(m.users, isOpen) {
			return false
		}
		m.leave()
		return true
	})
}

func isOpen(mod api.Module) bool { return !mod.IsClosed() }

// located has all stable memories, by the address of their first byte.
var located sync.Map // of uintptr to weak.Pointer[stableMemory]

func (m *stableMemory) enter(space *nativemem.Memory) {
	located.Store(addressOf(space.Bytes()), weak.Make(m))
	m.space.Store(space)
}

// leave gives a place back, or makes it inaccessible. It does nothing if there is none.
func (p *place) leave() {
	space := p.space.Swap(nil)
	if space == nil {
		return
	}
	located.Delete(addressOf(space.Bytes())) // first, since the address may be another's right after
	if p.fenced && space.Revoke() == nil {
		return
	}
	_ = space.Close() // after a Revoke that is not supported, it is closed already
}

func addressOf(memory []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(memory))) }

// findStable returns the stable memory that mod uses, or nil if it uses another. The slice of an empty memory has its
// address as well.
func findStable(mod api.Module, mem api.Memory) *stableMemory {
	forgetRetained()
	first, _ := mem.Read(0, 0)
	found, ok := located.Load(addressOf(first))
	if !ok {
		return nil
	}
	m := found.(weak.Pointer[stableMemory]).Value()
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.users, mod) {
		m.users = append(slices.DeleteFunc(m.users, api.Module.IsClosed), mod)
	}
	return m
}
