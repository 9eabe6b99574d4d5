//go:build cgo && (linux || darwin)

package main

import (
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wasmerengine"
)

func engine() engines.Engine { return wasmerengine.Default() }
