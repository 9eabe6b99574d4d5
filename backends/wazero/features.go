package wazeromem

import "github.com/linmem/linmem/core/guest"

// MemoryFeatures returns what memories wazero 1.12 has: those of 32 bits, one in a module, which may be shared if the
// runtime's configuration enables experimental.CoreFeaturesThreads.
func MemoryFeatures() guest.MemoryFeatures {
	return guest.MemoryFeatures{Runtime: "wazero 1.12", Shared: true}
}
