// Command linmem says what wasm guests tolerate in their memory, and puts bytes there, from the host.
//
// It is pure Go and runs guests on wazero. For wasmtime and wasmer it starts its siblings linmem-wasmtime and
// linmem-wasmer.
package main

import (
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/internal/cli"
)

func main() {
	cli.Program{
		Name:     "linmem",
		Engines:  []engines.Engine{wazeroengine.Default()},
		Siblings: []string{"wasmtime", "wasmer"},
	}.Main()
}
