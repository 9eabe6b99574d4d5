//go:build !cgo && (linux || darwin)

package wasmerengine

import "github.com/linmem/linmem/integration/engines"

// Default is left out of this build.
func Default() engines.Engine { return engines.LeftOut("wasmer", engines.NeedsCgo) }
