// Command linmem-compareheaps-wasmer is the part of linmem-compareheaps that is on wasmer. linmem-compareheaps starts it; it
// can be run by itself too.
package main

import (
	"github.com/linmem/linmem/integration/bench/heaps/wasmercalls"
	"github.com/linmem/linmem/integration/engines/wasmerengine"
	"github.com/linmem/linmem/integration/internal/compareheaps"
)

func main() {
	compareheaps.Program{Name: "linmem-compareheaps-wasmer", Runtime: wasmercalls.Runtime(), Engine: wasmerengine.Default()}.Main()
}
