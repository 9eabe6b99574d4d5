package wazeromem

import nativemem "github.com/linmem/linmem/backends/native"

// ReplaceNewSpace has stable memories get their address space from another function than the operating system's, until
// restore is called.
func ReplaceNewSpace(f func(initial, max uint64) (*nativemem.Memory, error)) (restore func()) {
	old := newSpace
	newSpace = f
	return func() { newSpace = old }
}

// Located returns how many stable memories there are that modules use.
func Located() (n int) {
	located.Range(func(_, _ any) bool {
		n++
		return true
	})
	return n
}

// Waiting returns how many memories are closed, and keep their addresses until modules are collected.
func Waiting() int {
	closed.mu.Lock()
	defer closed.mu.Unlock()
	return len(closed.waiting)
}

// LeaveUnknown ends the memories that are kept for modules that New was not called for.
func LeaveUnknown() {
	closed.mu.Lock()
	defer closed.mu.Unlock()
	for _, p := range closed.unknown {
		p.leave()
	}
	closed.unknown = nil
}
