//go:build !cgo && (linux || darwin)

package wasmercalls

import (
	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/engines"
)

// Runtime is left out of this build.
func Runtime() heaps.Runtime { return heaps.LeftOut("wasmer", engines.NeedsCgo) }
