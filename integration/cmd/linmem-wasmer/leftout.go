//go:build !cgo || !(linux || darwin)

package main

import "github.com/linmem/linmem/integration/engines"

func engine() engines.Engine {
	return engines.LeftOut("wasmer", "wasmer-go needs cgo, on Linux or macOS: build with CGO_ENABLED=1 and a C compiler")
}
