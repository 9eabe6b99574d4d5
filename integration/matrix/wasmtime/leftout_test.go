//go:build !cgo

package wasmtime_test

import (
	"testing"

	"github.com/linmem/linmem/integration/matrix"
)

func TestMatrix(t *testing.T) {
	matrix.LeftOut(t, "wasmtime", "CGO_ENABLED=0, and wasmtime-go needs cgo")
}
