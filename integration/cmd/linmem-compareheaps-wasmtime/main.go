// Command linmem-compareheaps-wasmtime is the part of linmem-compareheaps that is on wasmtime. linmem-compareheaps starts
// it; it can be run by itself too.
package main

import (
	"github.com/linmem/linmem/integration/bench/heaps/wasmtimecalls"
	"github.com/linmem/linmem/integration/engines/wasmtimeengine"
	"github.com/linmem/linmem/integration/internal/compareheaps"
)

func main() {
	compareheaps.Program{Name: "linmem-compareheaps-wasmtime", Runtime: wasmtimecalls.Runtime(), Engine: wasmtimeengine.Default()}.Main()
}
