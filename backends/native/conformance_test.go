package nativemem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"

	nativemem "github.com/linmem/linmem/backends/native"
)

var config = linmemtest.Config{New: func(maxPages uint64) (linmem.Memory, func(), error) {
	m, err := nativemem.New(0, maxPages)
	if err != nil {
		return nil, nil, err
	}
	return m, func() { _ = m.Close() }, nil
}}

func TestConformance(t *testing.T) { linmemtest.Run(t, config) }

func BenchmarkMemory(b *testing.B) { linmemtest.RunBenchmarks(b, config) }
