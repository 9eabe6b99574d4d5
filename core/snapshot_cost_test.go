package linmem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// What a snapshot says is believed only as far as the memory goes.
func TestRestoreCosts(t *testing.T) {
	large := func(own uint64) []byte {
		p, err := linmem.NewPages(&toyMemory{size: 1 << 40, max: spacePages})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Alloc(own); err != nil {
			t.Fatal(err)
		}
		return save(t, p)
	}
	small, huge := large(1), large(1<<20)
	tests := []struct {
		name     string
		size     uint64
		snapshot []byte
		ok       bool
		limit    uint64 // bytes
	}{
		{"FarForeign", 1 << 41, small, true, 8 << 10},
		{"LargerMemory", 100, small, false, 4 << 10},
		{"MuchOwnedOfALargerMemory", 100, huge, false, 4 << 10},
		{"MuchOwned", 1 << 41, huge, true, 1 << 20 * 3 / 8 * 3 / 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var err error
			n := bytesAllocated(func() {
				_, err = linmem.RestorePages(&toyMemory{size: tt.size, max: spacePages}, tt.snapshot)
			})
			if (err == nil) != tt.ok {
				t.Errorf("returned the error %v", err)
			}
			if n > tt.limit {
				t.Errorf("allocates %d bytes, want %d at most", n, tt.limit)
			}
		})
	}
}
