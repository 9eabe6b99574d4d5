//go:build !cgo || !(linux || darwin)

package wasmer_test

import (
	"testing"

	"github.com/linmem/linmem/integration/matrix"
)

func TestMatrix(t *testing.T) {
	matrix.LeftOut(t, "wasmer", "wasmer-go needs cgo, on Linux or macOS, and CGO_ENABLED or the platform says no")
}
