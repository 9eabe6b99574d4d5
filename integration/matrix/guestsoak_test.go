package matrix

import (
	"context"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/guests"
)

// TestSoakNotices holds that one byte that is not as it was is noticed: of the host's, of the guest's, of a canary.
func TestSoakNotices(t *testing.T) {
	all := guests.Memory()
	c := all[slices.IndexFunc(all, func(g guests.Guest) bool { return g.Name == "c_wasilibc" })]
	report, err := guest.Inspect(c.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		at   func(*soak) uint64 // the byte
	}{
		{"nothing", nil},
		{"the host's first", func(s *soak) uint64 { return s.blocks[0].addr }},
		{"the host's last", func(s *soak) uint64 { b := s.blocks[len(s.blocks)-1]; return b.addr + b.size - 1 }},
		{"the guest's first", func(s *soak) uint64 { return s.taken[0].addr }},
		{"the guest's last", func(s *soak) uint64 { b := s.taken[len(s.taken)-1]; return b.addr + b.size - 1 }},
		{"a canary", func(s *soak) uint64 {
			first := linmem.Page(1 << 16)
			for r := range s.heap.Pages().Allocated() {
				first = min(first, r.Start)
			}
			return first.Addr() - 1
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inst, stop, err := wazeroengine.Default().Open(context.Background(), c.Wasm)
			if err != nil {
				t.Fatal(err)
			}
			defer stop()
			g, err := guest.Open(context.Background(), inst, report)
			if err != nil {
				t.Fatal(err)
			}
			s := newSoak(t, inst, g.Heap)
			s.canaries = g.Verify
			s.puts(1 << 16)
			s.takes(1 << 16)
			s.compare()
			s.mustBeWhole()
			if tt.at == nil {
				return
			}
			b, err := inst.Memory().View(tt.at(s), 1)
			if err != nil {
				t.Fatal(err)
			}
			b[0] ^= 1
			if s.compare(); s.damage == "" {
				t.Error("the byte is another, and nothing is noticed")
			}
		})
	}
}
