// Package native_test runs the matrix on the memories that have no runtime, with a guest in Go.
package native_test

import (
	"os"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/matrix"

	nativemem "github.com/linmem/linmem/backends/native"
)

var list = []engines.Engine{
	native(),
	goEngine("reference", func(pages, max uint64) (linmem.Memory, func(), error) {
		return linmemtest.NewMemory(pages, max), func() {}, nil
	}),
}

// native is the memory that the backend of that name has.
func native() engines.Engine {
	e := goEngine("native", func(pages, max uint64) (linmem.Memory, func(), error) {
		m, err := nativemem.New(pages, max)
		if err != nil {
			return nil, nil, err
		}
		return m, func() { _ = m.Close() }, nil
	})
	e.Backend, e.Needs, e.ViewsAnytime = "native", "nothing", true
	return e
}

func TestMain(m *testing.M) { os.Exit(matrix.Main(m)) }

func TestMatrix(t *testing.T) { matrix.Run(t, list...) }
