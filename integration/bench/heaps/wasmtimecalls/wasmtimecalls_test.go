package wasmtimecalls_test

import (
	"testing"

	"github.com/linmem/linmem/integration/bench/heaps/heapstest"
	"github.com/linmem/linmem/integration/bench/heaps/wasmtimecalls"
)

func TestOnGuest(t *testing.T) { heapstest.OnGuest(t, wasmtimecalls.Runtime()) }
