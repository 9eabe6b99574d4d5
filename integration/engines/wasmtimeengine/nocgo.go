//go:build !cgo

package wasmtimeengine

import "github.com/linmem/linmem/integration/engines"

// Default is left out of this build.
func Default() engines.Engine { return engines.LeftOut("wasmtime", engines.NeedsCgo) }

// Memory64 is left out of this build.
func Memory64() engines.Engine { return engines.LeftOut("wasmtime-memory64", engines.NeedsCgo) }
