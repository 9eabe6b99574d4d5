package native_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
)

// goEngine returns an engine whose guest is written in Go, on a memory without a runtime: whatever module it is given, it
// behaves as guests.Bytes does. So the memories without a runtime are held to the same matrix.
func goEngine(name string, newMemory func(pages, max uint64) (linmem.Memory, func(), error)) engines.Engine {
	return engines.Engine{Name: name, GoGuest: true, Open: func(context.Context, []byte) (guest.Instance, func(), error) {
		m, stop, err := newMemory(guests.BytesPages, guests.BytesMaxPages)
		if err != nil {
			return nil, nil, err
		}
		return goGuest{m}, stop, nil
	}}
}

type goGuest struct{ mem linmem.Memory }

var errTrap = errors.New("trap")

// ownAddr is where the guest keeps its own bytes: in the last quarter of its first page.
const ownAddr = linmem.PageSize * 3 / 4

func (g goGuest) Memory() linmem.Memory { return g.mem }

func (g goGuest) Call(_ context.Context, name string, args ...uint64) ([]uint64, error) {
	switch name {
	case "fnv1a":
		b, err := g.mem.View(args[0], args[1])
		if err != nil {
			return nil, errTrap
		}
		h := fnv.New64a()
		h.Write(b)
		return []uint64{h.Sum64()}, nil
	case "reverse":
		b, err := g.mem.View(args[0], args[1])
		if err != nil {
			return nil, errTrap
		}
		slices.Reverse(b)
		return nil, nil
	case "grow":
		prev, err := g.mem.Grow(args[0])
		if err != nil {
			prev = 1<<32 - 1
		}
		return []uint64{prev}, nil
	case "own":
		return []uint64{ownAddr}, nil
	case "trap":
		return nil, errTrap
	}
	return nil, fmt.Errorf("the guest has no %q", name)
}

func (g goGuest) HasExport(name string) bool {
	return slices.Contains([]string{"memory", "fnv1a", "reverse", "grow", "own", "trap"}, name)
}

func (g goGuest) Global(string) (uint64, bool) { return 0, false }
