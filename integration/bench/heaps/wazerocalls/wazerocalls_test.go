package wazerocalls_test

import (
	"testing"

	"github.com/linmem/linmem/integration/bench/heaps/heapstest"
	"github.com/linmem/linmem/integration/bench/heaps/wazerocalls"
)

func TestOnGuest(t *testing.T) { heapstest.OnGuest(t, wazerocalls.Runtime()) }
