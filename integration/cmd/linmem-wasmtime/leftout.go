//go:build !cgo

package main

import "github.com/linmem/linmem/integration/engines"

func engine() engines.Engine {
	return engines.LeftOut("wasmtime", "wasmtime-go needs cgo: build with CGO_ENABLED=1 and a C compiler")
}
