// Package wasmtime_test runs the matrix on wasmtime.
package wasmtime_test

import (
	"os"
	"testing"

	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wasmtimeengine"
	"github.com/linmem/linmem/integration/matrix"
)

var list = []engines.Engine{wasmtimeengine.Default(), wasmtimeengine.Memory64()}

func TestMain(m *testing.M) { os.Exit(matrix.Main(m)) }

func TestMatrix(t *testing.T) { matrix.Run(t, list...) }

func BenchmarkPool(b *testing.B) { matrix.RunPoolBenchmarks(b, list...) }
