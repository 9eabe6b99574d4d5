//go:build cgo

package wasmtimemem

import "github.com/linmem/linmem/core/guest"

// MemoryFeatures returns what memories wasmtime-go 44 has: of 32 and 64 bits, and several in a module. Shared ones have no
// Go API.
func MemoryFeatures() guest.MemoryFeatures {
	return guest.MemoryFeatures{Runtime: "wasmtime-go 44", Several: true, Memory64: true}
}
