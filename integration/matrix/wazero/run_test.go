// Package wazero_test runs the matrix on wazero.
package wazero_test

import (
	"os"
	"testing"

	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/matrix"
)

var list = []engines.Engine{wazeroengine.Compiler(), wazeroengine.Moving(), wazeroengine.Interpreter()}

func TestMain(m *testing.M) { os.Exit(matrix.Main(m)) }

func TestMatrix(t *testing.T) { matrix.Run(t, list...) }

func BenchmarkPool(b *testing.B) { matrix.RunPoolBenchmarks(b, list...) }
