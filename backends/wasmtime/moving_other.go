//go:build cgo && !linux

package wasmtimemem

import (
	"fmt"

	"github.com/bytecodealliance/wasmtime-go/v44"
	linmem "github.com/linmem/linmem/core"
)

// MoveOnGrowth is for tests on Linux. On this system it fails with [linmem.ErrUnsupported].
func MoveOnGrowth(*wasmtime.Config) error {
	return &linmem.Error{Op: "wasmtimemem.MoveOnGrowth", Err: errOnlyLinux}
}

// FenceOnGrowth is for tests on Linux. On this system it fails with [linmem.ErrUnsupported].
func FenceOnGrowth(*wasmtime.Config) error {
	return &linmem.Error{Op: "wasmtimemem.FenceOnGrowth", Err: errOnlyLinux}
}

var errOnlyLinux = fmt.Errorf("%w: the settings can be reached on Linux alone", linmem.ErrUnsupported)
