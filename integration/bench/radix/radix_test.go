package radix_test

import (
	"testing"

	"github.com/linmem/linmem/integration/bench/internal/firstfit"
	"github.com/linmem/linmem/integration/bench/radix"
)

func open(pages uint64) firstfit.Allocator { return radix.New(pages) }

func TestSituations(t *testing.T) { firstfit.Table(t, open) }
func TestRandom(t *testing.T)     { firstfit.Random(t, open) }
