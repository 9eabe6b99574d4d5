package guest

import (
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// MemoryFeatures says which memories a backend has: those that its runtime can do, and its Go API can reach. Each backend
// has a function of this name.
type MemoryFeatures struct {
	Runtime string // for messages, like "wazero 1.12"

	Several  bool // of one module
	Memory64 bool // whose addresses have 64 bits
	Shared   bool // between threads

	// MaxMin is how many pages a memory can begin with at most; 0 stands for all that its type allows.
	MaxMin uint64
}

// Supports returns nil if the backend has the memories of the module, and otherwise an error that wraps
// [linmem.ErrUnsupported] and says what it lacks. It is for hosts that are given modules: a runtime's own error for one that
// it does not compile says less, and some do not come back at all. Whether a feature is enabled in the runtime's
// configuration is not known here.
func (f MemoryFeatures) Supports(r *Report) error {
	fail := func(memory int, lacks string, args ...any) error {
		return &linmem.Error{Op: "MemoryFeatures.Supports", Err: fmt.Errorf("%w: memory %d of the module %s, which %s lacks: run it on "+
			"another runtime, or build it anew", linmem.ErrUnsupported, memory, fmt.Sprintf(lacks, args...), f.Runtime)}
	}
	for i, m := range r.Memories {
		switch {
		case i > 0 && !f.Several:
			return fail(i, "is one of several")
		case m.Is64 && !f.Memory64:
			return fail(i, "has 64-bit addresses")
		case m.Shared && !f.Shared:
			return fail(i, "is shared between threads")
		case m.PageSize != linmem.PageSize:
			return fail(i, "has pages of %d bytes", m.PageSize)
		case f.MaxMin > 0 && m.Min > f.MaxMin:
			return fail(i, "begins with %d pages, more than the %d", m.Min, f.MaxMin)
		}
	}
	return nil
}
