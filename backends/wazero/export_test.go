package wazeromem

import nativemem "github.com/linmem/linmem/backends/native"

// ReplaceNewSpace has stable memories get their address space from another function than the operating system's, until
// restore is called.
func ReplaceNewSpace(f func(initial, max uint64) (*nativemem.Memory, error)) (restore func()) {
	old := newSpace
	newSpace = f
	return func() { newSpace = old }
}

// Located returns how many stable memories there are, those that are retained included.
func Located() (n int) {
	located.Range(func(_, _ any) bool {
		n++
		return true
	})
	return n
}

// Retained returns how many stable memories are kept although wazero has freed them.
func Retained() int {
	retained.Lock()
	defer retained.Unlock()
	return len(retained.memories)
}
