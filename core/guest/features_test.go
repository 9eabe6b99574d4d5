package guest_test

import (
	"errors"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

func TestMemoryFeatures(t *testing.T) {
	plain := guest.MemoryType{Min: 1, PageSize: linmem.PageSize}
	with := func(change func(*guest.MemoryType)) guest.MemoryType {
		m := plain
		change(&m)
		return m
	}
	none := guest.MemoryFeatures{Runtime: "toy 1", MaxMin: 9}
	all := guest.MemoryFeatures{Runtime: "toy 2", Several: true, Memory64: true, Shared: true}
	for _, tt := range []struct {
		name     string
		memories []guest.MemoryType
		lacks    string // what none does, or ""
		byAll    bool   // whether all has it
	}{
		{"no memory", nil, "", true},
		{"one", []guest.MemoryType{plain}, "", true},
		{"two", []guest.MemoryType{plain, plain}, "memory 1 of the module is one of several", true},
		{"64-bit", []guest.MemoryType{with(func(m *guest.MemoryType) { m.Is64 = true })}, "memory 0 of the module has 64-bit", true},
		{"shared", []guest.MemoryType{with(func(m *guest.MemoryType) { m.Shared = true })}, "shared between threads", true},
		{"at the largest", []guest.MemoryType{with(func(m *guest.MemoryType) { m.Min = 9 })}, "", true},
		{"above", []guest.MemoryType{with(func(m *guest.MemoryType) { m.Min = 10 })}, "begins with 10 pages, more than the 9", true},
		{"small pages", []guest.MemoryType{with(func(m *guest.MemoryType) { m.PageSize = 1 })}, "has pages of 1 bytes", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &guest.Report{Memories: tt.memories}
			err := none.Supports(r)
			switch {
			case tt.lacks == "" && err != nil:
				t.Errorf("refused: %v", err)
			case tt.lacks != "" && (!errors.Is(err, linmem.ErrUnsupported) || !strings.Contains(err.Error(), tt.lacks) || !strings.Contains(err.Error(), "toy 1")):
				t.Errorf("the error is %v, want ErrUnsupported with %q", err, tt.lacks)
			}
			if err := all.Supports(r); (err == nil) != tt.byAll {
				t.Errorf("a backend that has all of it: %v", err)
			}
		})
	}
}
