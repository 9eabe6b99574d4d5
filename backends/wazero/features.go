package wazeromem

import "github.com/linmem/linmem/core/guest"

// MemoryFeatures returns what memories wazero 1.12 has: those of 32 bits, one in a module, which may be shared if the
// runtime's configuration enables experimental.CoreFeaturesThreads. A memory that begins with all 65,536 pages is of no
// use to code of the compiler: see the package doc.
func MemoryFeatures() guest.MemoryFeatures {
	return guest.MemoryFeatures{Runtime: "wazero 1.12", Shared: true, MaxMin: usablePages}
}
