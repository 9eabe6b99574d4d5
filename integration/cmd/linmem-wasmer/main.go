// Command linmem-wasmer is linmem on wasmer. linmem starts it for --backend wasmer; it can be run by itself too.
package main

import (
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wasmerengine"
	"github.com/linmem/linmem/integration/internal/cli"
)

func main() {
	cli.Program{Name: "linmem-wasmer", Engines: []engines.Engine{wasmerengine.Default()}}.Main()
}
