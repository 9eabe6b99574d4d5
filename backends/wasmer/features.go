//go:build cgo && (linux || darwin)

package wasmermem

import "github.com/linmem/linmem/core/guest"

// MemoryFeatures returns what memories wasmer-go 1.0.4 has: those of 32 bits, one in a module, which begin with 65,535 pages
// at most. A module with a memory that begins with one more, exported or not, ends the process when it is instantiated: so
// ask for Supports before.
func MemoryFeatures() guest.MemoryFeatures {
	return guest.MemoryFeatures{Runtime: "wasmer-go 1.0.4", MaxMin: 65535}
}
