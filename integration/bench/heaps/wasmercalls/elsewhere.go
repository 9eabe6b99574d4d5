//go:build !(linux || darwin)

package wasmercalls

import "github.com/linmem/linmem/integration/bench/heaps"

// Runtime is left out of this build.
func Runtime() heaps.Runtime {
	return heaps.LeftOut("wasmer", "wasmer-go has no library for this platform, only for Linux and macOS")
}
