//go:build cgo

// Package wasmtime_test runs the matrix on wasmtime.
package wasmtime_test

import (
	"testing"

	"github.com/linmem/linmem/integration/engines/wasmtimeengine"
	"github.com/linmem/linmem/integration/matrix"
)

func TestMatrix(t *testing.T) {
	matrix.Run(t, "wasmtime", wasmtimeengine.Default())
}
