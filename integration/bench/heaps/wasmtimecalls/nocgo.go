//go:build !cgo

package wasmtimecalls

import (
	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/engines"
)

// Runtime is left out of this build.
func Runtime() heaps.Runtime { return heaps.LeftOut("wasmtime", engines.NeedsCgo) }
