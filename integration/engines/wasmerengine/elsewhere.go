//go:build !(linux || darwin)

package wasmerengine

import "github.com/linmem/linmem/integration/engines"

// Default is left out of this build.
func Default() engines.Engine {
	return engines.LeftOut("wasmer", "wasmer-go has no library for this platform, only for Linux and macOS")
}
