//go:build !cgo || !(linux || darwin)

package wasmer_test

import (
	"os"
	"testing"

	"github.com/linmem/linmem/integration/matrix"
)

func TestMain(m *testing.M) {
	os.Exit(matrix.LeftOut(m, "wasmer", "wasmer-go needs cgo on Linux or macOS, and this is neither or CGO_ENABLED=0"))
}
