package linmem_test

import (
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// FuzzRestore reads an input as a snapshot for a memory of some size and budget; with seal, its checksum is made right.
func FuzzRestore(f *testing.F) {
	for _, s := range snapshots(f) {
		f.Add(s.snapshot, uint16(s.size), uint16(9000), false)
		f.Add(body(f, s.snapshot), uint16(s.size), uint16(9000), true)
		f.Add(body(f, s.snapshot), uint16(20), uint16(7), true)
	}
	f.Fuzz(func(t *testing.T, snapshot []byte, size, budget uint16, seal bool) {
		if seal {
			snapshot = sealed(snapshot)
		}
		mem := &toyMemory{size: uint64(size), max: uint64(size) + 10}
		if !restoresToItself(t, mem, snapshot, linmem.WithMaxPages(uint64(budget))) {
			return
		}
		// It is as good as any other to go on with.
		p, err := linmem.RestorePages(mem, snapshot, linmem.WithMaxPages(uint64(budget)), linmem.WithPageZero())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range slices.Collect(p.Allocated()) {
			if err := p.Free(r); err != nil {
				t.Fatal(err)
			}
		}
		for range 20 {
			if _, err := p.Alloc(1); err != nil && class(err) != linmem.ErrOutOfMemory {
				t.Fatal(err)
			}
		}
		if err := p.Check(); err != nil {
			t.Fatal(err)
		}
	})
}
