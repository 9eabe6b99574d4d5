package wasmercalls_test

import (
	"testing"

	"github.com/linmem/linmem/integration/bench/heaps/heapstest"
	"github.com/linmem/linmem/integration/bench/heaps/wasmercalls"
)

func TestOnGuest(t *testing.T) { heapstest.OnGuest(t, wasmercalls.Runtime()) }
