package heaps

import (
	"context"
	"fmt"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
)

// Served is a guest that allocates by itself. A turn is a pair of malloc and free in a loop of the guest's, which the host
// calls for many turns at once.
type Served struct {
	inst  guest.Instance
	size  uint64
	close func()
}

// OpenServed returns a guest that allocates from the host's heap, through its imports.
func OpenServed(e engines.Engine, size uint64) (*Served, error) {
	s, err := openServed(e, "c_imports", size)
	if err != nil {
		return nil, err
	}
	h, err := linmem.NewHeap(s.inst.Memory())
	if err == nil {
		err = s.inst.(engines.Binder).Bind(h)
	}
	if err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// OpenOwn returns a guest that allocates from wasi-libc's malloc, which is in the guest.
func OpenOwn(e engines.Engine, size uint64) (*Served, error) {
	return openServed(e, "c_wasilibc", size)
}

func openServed(e engines.Engine, name string, size uint64) (*Served, error) {
	all := guests.Memory()
	i := slices.IndexFunc(all, func(g guests.Guest) bool { return g.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("there is no guest %q", name)
	}
	inst, stop, err := e.Open(context.Background(), all[i].Wasm)
	if err != nil {
		return nil, err
	}
	return &Served{inst, size, stop}, nil
}

// Turns implements [Workload].
func (s *Served) Turns(n int) error {
	_, err := s.inst.Call(context.Background(), "pairs", uint64(n), s.size)
	return err
}

// Close closes the guest.
func (s *Served) Close() { s.close() }
