package wazeromem

import (
	"reflect"
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

// stableMemory is one memory of [StableMemories]. wazero has the only pointer to it that lasts, in the memory, until it
// frees that; and a [Memory] has one.
type stableMemory struct {
	max   uint64        // pages
	limit atomic.Uint64 // pages

	mu       sync.Mutex // held to grow and to free
	begun    bool       // wazero has asked for the first size
	fallback []byte     // all that there is, if the system refuses even the first size
	users    []user     // the modules that are known to use it

	// detached says that wazero has let go of the memory: see Free.
	detached atomic.Bool

	*place
}

// usablePages is the size of the largest memory that code of wazero 1.12's compiler can use: with one page more, its length
// in bytes is 0 in 32 bits, and every access of the guest traps (TestLastPage). See also
// https://github.com/wazero/wazero/issues/2505.
const usablePages = 1<<16 - 1

func newStableMemory(maximum uint64, fenced bool) *stableMemory {
	m := &stableMemory{max: maximum / linmem.PageSize, place: &place{fenced: fenced}}
	m.limit.Store(usablePages)
	runtime.AddCleanup(m, (*place).memoryIsGone, m.place)
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
	return whole(space)
}

// whole returns the bytes of a memory, with the capacity of all that is reserved: where wazero grows a memory by itself, it
// does so within the capacity. See Free.
func whole(space *nativemem.Memory) []byte {
	return space.Reservation()[:len(space.Bytes())]
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
			return whole(space)
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
	return whole(to)
}

// Free implements [experimental.LinearMemory].
//
// That wazero frees a memory does not mean that nobody uses it. It does so when the first of the modules that use it is
// closed, be it the owner or one that imports it; and a module may be closed while its code runs, by a host function or on
// another goroutine. So only the contents go at once, and these only if no module is known to be open; the addresses stay
// until the modules are collected, which those that run are not.
//
// wazero does not ask for growth any more then: it cuts more off the slice that it has, within the capacity, or copies it
// where there is none. So all that is reserved has to be there. On Linux that costs nothing; on Windows it would be paid
// for, so there a guest that grows its memory after it was closed faults.
func (m *stableMemory) Free() {
	m.mu.Lock()
	defer m.mu.Unlock()
	inUse := slices.ContainsFunc(m.users, user.isOpen)
	space := m.space.Load()
	if inUse {
		m.detached.Store(true)
	}
	m.free(inUse)
	if space != nil && (inUse || !m.fenced && runtime.GOOS != "windows") {
		_, _ = space.Grow(uint64(len(space.Reservation()))/linmem.PageSize - space.NumPages())
	}
}

// enter has a memory be at a place.
func (m *stableMemory) enter(space *nativemem.Memory) {
	located.Store(addressOf(space.Reservation()), weak.Make(m))
	m.space.Store(space)
}

// located has all stable memories that are in use, by the address of their first byte.
var located sync.Map // of uintptr to weak.Pointer[stableMemory]

func addressOf(memory []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(memory))) }

// findStable returns the stable memory that mod uses, or nil if it uses another. The slice of an empty memory has its
// address as well.
func findStable(mod api.Module, mem api.Memory) *stableMemory {
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
	m.users = slices.DeleteFunc(m.users, func(u user) bool { return !u.isOpen() })
	if u, ok := userOf(mod); ok && !slices.Contains(m.users, u) {
		m.users = append(m.users, u)
		m.used(mod)
	}
	return m
}

// user is a module that is known to use a memory. It is not kept from the collector.
type user struct {
	module weak.Pointer[byte]
	typ    reflect.Type
}

// userOf returns mod as a user, if it is behind a pointer, as wazero's modules are.
func userOf(mod api.Module) (u user, ok bool) {
	v := reflect.ValueOf(mod)
	if v.Kind() != reflect.Pointer {
		return u, false
	}
	return user{weak.Make((*byte)(v.UnsafePointer())), v.Type().Elem()}, true
}

func (u user) isOpen() bool {
	module := u.module.Value()
	return module != nil && !reflect.NewAt(u.typ, unsafe.Pointer(module)).Interface().(api.Module).IsClosed()
}
