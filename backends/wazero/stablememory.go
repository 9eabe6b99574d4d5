package wazeromem

import (
	"math"
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
	grown    bool       // and for more
	shared   bool       // between threads, as far as is known
	fallback []byte     // all that there is, if the system refuses even the first size
	users    []user     // the modules that New was called for

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
	m.grown = true
	if m.shared {
		return whole(space)
	}
	return space.Bytes()
}

// whole returns the bytes of a memory, with the capacity of all that is reserved: after it has freed a memory, wazero grows
// it within the capacity, and a shared one, which must not move, it cannot grow otherwise. See Free.
func whole(space *nativemem.Memory) []byte {
	return space.Reservation()[:len(space.Bytes())]
}

// begin makes a memory of its first size, for which wazero takes no refusal.
func (m *stableMemory) begin(nPages uint64) []byte {
	least := max(nPages, 1)
	reserved := min(m.max, math.MaxInt/linmem.PageSize)
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
	m.grown = true
	return to.Bytes()
}

// Free implements [experimental.LinearMemory].
//
// That wazero frees a memory does not mean that nobody uses it. It does so when the first of the modules that use it is
// closed, be it the owner or one that imports it; and a module may be closed while its code runs, by a host function or on
// another goroutine. So the addresses stay until wazero's own memory is collected, which all of these keep. The contents go
// at once if it is certain that no other module uses them.
//
// wazero does not ask for growth any more then. It copies the memory where it grows beyond the capacity that it was given
// last, and within that it just uses what is there, so that has to be.
func (m *stableMemory) Free() {
	closed.makeRoom()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.detached.Store(true)
	space := m.space.Load()
	m.free(m.isAlone(), len(m.users) > 0)
	if space != nil && !m.fenced && (m.shared || !m.grown) {
		// If the system refuses, a module that goes on and grows its memory faults. On Windows it would be paid for.
		if m.shared || runtime.GOOS != "windows" {
			_, _ = space.Grow(uint64(len(space.Reservation()))/linmem.PageSize - space.NumPages())
		}
	}
}

// isAlone reports whether it is certain that only one module uses the memory, which is closed: it is the owner, and has no
// name, so that none could import anything from it.
func (m *stableMemory) isAlone() bool {
	if len(m.users) != 1 {
		return false
	}
	mod := m.users[0].module()
	if mod == nil || !mod.IsClosed() || mod.Name() != "" {
		return false
	}
	for _, d := range mod.ExportedMemoryDefinitions() {
		_, _, imported := d.Import()
		return !imported
	}
	return false
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
	if len(m.users) == 0 {
		m.endsWith(mem)
		m.shared = isShared(mem)
	}
	if u := userOf(mod); !slices.Contains(m.users, u) {
		m.users = append(slices.DeleteFunc(m.users, user.isGone), u)
	}
	return m
}

// isShared reads a public field of a type that wazero does not show.
func isShared(mem api.Memory) bool {
	v := reflect.Indirect(reflect.ValueOf(mem))
	if v.Kind() != reflect.Struct {
		return false
	}
	shared := v.FieldByName("Shared")
	return shared.Kind() == reflect.Bool && shared.Bool()
}

// user is a module that is known to use a memory, or what a caller has put around it. It is not kept from the collector.
type user struct {
	pointer weak.Pointer[byte]
	typ     reflect.Type // nil if it is not behind a pointer, as wazero's own modules are
}

func userOf(mod api.Module) user {
	v := reflect.ValueOf(mod)
	if v.Kind() != reflect.Pointer {
		return user{}
	}
	return user{weak.Make((*byte)(v.UnsafePointer())), v.Type().Elem()}
}

// module returns nil for one that is collected, or cannot be had.
func (u user) module() api.Module {
	pointer := u.pointer.Value()
	if pointer == nil || u.typ == nil {
		return nil
	}
	return reflect.NewAt(u.typ, unsafe.Pointer(pointer)).Interface().(api.Module)
}

// isGone reports whether a module is one of many that came and went: others are left, so nothing is concluded from it.
func (u user) isGone() bool {
	mod := u.module()
	return mod == nil || mod.IsClosed()
}
