package linmem_test

import (
	"errors"
	"math"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

func TestSubslice(t *testing.T) {
	data := make([]byte, 100, 200)
	for i := range data {
		data[i] = byte(i)
	}
	for _, tt := range []struct {
		name    string
		data    []byte
		addr, n uint64
		ok      bool
	}{
		{"All", data, 0, 100, true},
		{"First", data, 0, 1, true},
		{"Last", data, 99, 1, true},
		{"NothingAtTheEnd", data, 100, 0, true},
		{"NothingInside", data, 50, 0, true},
		{"NothingOfNothing", nil, 0, 0, true},
		{"NothingPastTheEnd", data, 101, 0, false},
		{"OnePastTheEnd", data, 100, 1, false},
		{"AcrossTheEnd", data, 99, 2, false},
		{"IntoTheCapacity", data, 0, 101, false},
		{"SomethingOfNothing", nil, 0, 1, false},
		{"SumWrapsToZero", data, 1, math.MaxUint64, false},
		{"SumWrapsInside", data, 50, math.MaxUint64 - 9, false},
		{"AddrIsTheLargest", data, math.MaxUint64, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := linmem.Subslice("Test.View", tt.data, tt.addr, tt.n)
			if !tt.ok {
				e := (*linmem.Error)(nil)
				if !errors.Is(err, linmem.ErrOutOfBounds) || !errors.As(err, &e) ||
					e.Op != "Test.View" || e.Addr != tt.addr || e.Size != tt.n {
					t.Errorf("Subslice(%d, %d) = %v, %#v, want ErrOutOfBounds with these numbers", tt.addr, tt.n, got, err)
				}
				return
			}
			if err != nil || got == nil || uint64(len(got)) != tt.n || uint64(cap(got)) != tt.n {
				t.Fatalf("Subslice(%d, %d) = %v of capacity %d, %v", tt.addr, tt.n, got, cap(got), err)
			}
			if tt.n > 0 && &got[0] != &data[tt.addr] {
				t.Error("it is other bytes")
			}
		})
	}
}
