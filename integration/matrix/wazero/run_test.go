// Package wazero_test runs the matrix on wazero.
package wazero_test

import (
	"testing"

	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/matrix"
)

func TestMatrix(t *testing.T) {
	matrix.Run(t, "wazero", wazeroengine.Compiler(), wazeroengine.Interpreter())
}
