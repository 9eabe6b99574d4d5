//go:build !cgo

package wasmtime_test

import (
	"os"
	"testing"

	"github.com/linmem/linmem/integration/matrix"
)

func TestMain(m *testing.M) {
	os.Exit(matrix.LeftOut(m, "wasmtime", "CGO_ENABLED=0, and wasmtime-go needs cgo"))
}
