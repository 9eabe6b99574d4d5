//go:build cgo

package main

import (
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wasmtimeengine"
)

func engine() engines.Engine { return wasmtimeengine.Default() }
