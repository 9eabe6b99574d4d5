// Command linmem-wasmtime is linmem on wasmtime. linmem starts it for --backend wasmtime; it can be run by itself too.
package main

import (
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wasmtimeengine"
	"github.com/linmem/linmem/integration/internal/cli"
)

func main() {
	cli.Program{Name: "linmem-wasmtime", Engines: []engines.Engine{wasmtimeengine.Default()}}.Main()
}
