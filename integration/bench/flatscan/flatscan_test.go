package flatscan_test

import (
	"testing"

	"github.com/linmem/linmem/integration/bench/flatscan"
	"github.com/linmem/linmem/integration/bench/internal/firstfit"
)

func open(pages uint64) firstfit.Allocator { return flatscan.New(pages) }

func TestSituations(t *testing.T) { firstfit.Table(t, open) }
func TestRandom(t *testing.T)     { firstfit.Random(t, open) }
