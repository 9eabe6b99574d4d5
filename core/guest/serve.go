package guest

import (
	"errors"
	"fmt"
	"math"
	"math/bits"

	linmem "github.com/linmem/linmem/core"
)

// Heap is what the allocator imports of a guest are served from. [linmem.Heap], [linmem.Shared] and [linmem.Local] are
// such heaps, of the guest's own memory. Other goroutines may use a Shared meanwhile, where the backend's documentation
// allows growth and views while the guest runs.
//
// The guest can free and reallocate all that is allocated in the heap, also what the host has put there. A host that wants its
// blocks for itself has a second heap, on the same [linmem.Pages].
type Heap interface {
	Alloc(size uint64) (addr uint64, err error)
	AllocAligned(size, align uint64) (addr uint64, err error)
	Realloc(addr, size uint64) (newAddr uint64, err error)
	Free(addr uint64) error
	View(addr, n uint64) ([]byte, error)
}

var (
	_ Heap = (*linmem.Heap)(nil)
	_ Heap = (*linmem.Shared)(nil)
	_ Heap = (*linmem.Local)(nil)
)

// Imports are the allocator functions that guests import from one module of the host, by name; "" is not served. They do
// what they do in C:
//
//   - What malloc, calloc and realloc return is aligned to 16 bytes.
//   - Where there is no memory the result is 0. So it is for a calloc whose product overflows, and for an alignment that is
//     no power of two.
//   - A realloc of 0 is a malloc; one to 0 bytes leaves a block of the least size, as dlmalloc does. A free of 0 does
//     nothing.
//   - A free and a realloc of anything else that is not allocated traps, and so does what keeps the heap from working, like
//     a closed memory. [HostFunction.Call] has the error.
type Imports struct {
	Module       string
	Malloc       string // malloc(size) addr
	Calloc       string // calloc(n, size) addr
	Realloc      string // realloc(addr, size) addr
	Free         string // free(addr)
	AlignedAlloc string // aligned_alloc(align, size) addr

	// Is64 says that sizes and addresses are i64, as for a memory of 64 bits.
	Is64 bool

	// NoNull says that an address is never 0: no memory is a trap, and so is a free of 0.
	NoNull bool
}

// CImports are those of a program in C that was linked without an allocator: malloc, calloc, realloc, free and
// aligned_alloc, of the module env.
func CImports() Imports {
	return Imports{
		Module: "env",
		Malloc: "malloc", Calloc: "calloc", Realloc: "realloc", Free: "free", AlignedAlloc: "aligned_alloc",
	}
}

// SubstrateImports are those of a Substrate runtime: ext_allocator_malloc_version_1 and ext_allocator_free_version_1, of
// the module env. Their interface has no address that means none, and Substrate's own hosts trap instead: see
// [Imports.NoNull].
func SubstrateImports() Imports {
	return Imports{
		Module: "env",
		Malloc: "ext_allocator_malloc_version_1", Free: "ext_allocator_free_version_1",
		NoNull: true,
	}
}

// HostFunction is a function that serves an allocator import. It has no state, so one serves all instances. It is for those
// who implement a backend.
type HostFunction struct {
	Import

	last   uint64 // the highest address that its type can say
	noNull bool
	serve  func(f *HostFunction, h Heap, a, b uint64) (uint64, error)
}

// HostFunctions returns a function for each name in these imports; without imports, for [CImports] and [SubstrateImports].
// It fails with [linmem.ErrInvalid] if a name is there twice, or none at all.
func HostFunctions(imports ...Imports) ([]*HostFunction, error) {
	if len(imports) == 0 {
		imports = []Imports{CImports(), SubstrateImports()}
	}
	var functions []*HostFunction
	seen := make(map[[2]string]bool)
	for _, i := range imports {
		address, last := I32, uint64(math.MaxUint32)
		if i.Is64 {
			address, last = I64, math.MaxUint64
		}
		one := []ValueType{address}
		two := []ValueType{address, address}
		for _, f := range []HostFunction{
			{Import: Import{i.Module, i.Malloc, Signature{one, one}}, serve: (*HostFunction).malloc},
			{Import: Import{i.Module, i.Calloc, Signature{two, one}}, serve: (*HostFunction).calloc},
			{Import: Import{i.Module, i.Realloc, Signature{two, one}}, serve: (*HostFunction).realloc},
			{Import: Import{i.Module, i.Free, Signature{one, nil}}, serve: (*HostFunction).free},
			{Import: Import{i.Module, i.AlignedAlloc, Signature{two, one}}, serve: (*HostFunction).alignedAlloc},
		} {
			if f.Name == "" {
				continue
			}
			key := [2]string{f.Module, f.Name}
			if seen[key] {
				return nil, fmt.Errorf("%w: the import %s.%s is named twice", linmem.ErrInvalid, f.Module, f.Name)
			}
			seen[key] = true
			f.last, f.noNull = last, i.NoNull
			functions = append(functions, &f)
		}
	}
	if len(functions) == 0 {
		return nil, fmt.Errorf("%w: the imports name no function: see CImports for what they may be", linmem.ErrInvalid)
	}
	return functions, nil
}

// The reasons of a trap, or of an address of 0, that no heap gives.
var (
	errUnbound = fmt.Errorf("%w: no heap is bound to the guest that calls: have the Allocator Bind one after instantiation",
		linmem.ErrInvalid)
	errOverflow  = fmt.Errorf("%w: the product overflows", linmem.ErrOutOfMemory)
	errTooFar    = fmt.Errorf("%w: the heap's addresses are past 4 GiB, and the import has 32 bits: set Is64", linmem.ErrOutOfMemory)
	errLost      = fmt.Errorf("%w: the block moved past 4 GiB, and the import has 32 bits: set Is64", linmem.ErrInvalid)
	errAlignment = fmt.Errorf("%w: the alignment is no power of two", linmem.ErrInvalid)
	errNull      = fmt.Errorf("%w: the address is 0", linmem.ErrNotAllocated)
)

// Call serves one call of a guest from its heap; a nil heap says that it has none, which is an error. The arguments are raw
// values: a function with one takes the first, and the upper half of an i32 is ignored. The result is 0 where the function
// has none.
//
// An error is a [*linmem.Error] that names the import and the address, to be turned into a trap. Nothing was changed by such
// a call, but if a realloc left what an i32 can say. The cost is that of the heap's method; calloc writes its bytes as well.
// It makes no Go allocation unless there is an error.
func (f *HostFunction) Call(h Heap, args [2]uint64) (result uint64, err error) {
	if h == nil {
		return 0, f.trap(0, 0, errUnbound)
	}
	return f.serve(f, h, args[0]&f.last, args[1]&f.last)
}

// minBlock is the least size of a block, in bytes, and the alignment of all: from that size on, [linmem.Heap.Alloc] keeps
// it.
const minBlock = 16

func (f *HostFunction) malloc(h Heap, size, _ uint64) (uint64, error) {
	return f.alloc(h, size, minBlock)
}

func (f *HostFunction) calloc(h Heap, n, size uint64) (uint64, error) {
	high, size := bits.Mul64(n, size)
	if high != 0 {
		return f.none(0, math.MaxUint64, errOverflow)
	}
	addr, err := f.alloc(h, size, minBlock)
	if addr == 0 || size == 0 {
		return addr, err
	}
	view, err := h.View(addr, size)
	if err != nil {
		_ = h.Free(addr) // the error that matters is that of View
		return 0, f.trap(addr, size, err)
	}
	clear(view)
	return addr, nil
}

func (f *HostFunction) realloc(h Heap, addr, size uint64) (uint64, error) {
	if addr == 0 {
		return f.alloc(h, size, minBlock)
	}
	size = max(size, minBlock)
	newAddr, err := h.Realloc(addr, size)
	switch {
	case err != nil:
		return f.none(addr, size, err)
	case !f.reaches(newAddr, size):
		return 0, f.trap(addr, size, errLost)
	}
	return newAddr, nil
}

func (f *HostFunction) free(h Heap, addr, _ uint64) (uint64, error) {
	if addr == 0 && f.noNull {
		return 0, f.trap(0, 0, errNull)
	}
	if addr == 0 {
		return 0, nil
	}
	if err := h.Free(addr); err != nil {
		return 0, f.trap(addr, 0, err)
	}
	return 0, nil
}

func (f *HostFunction) alignedAlloc(h Heap, align, size uint64) (uint64, error) {
	if bits.OnesCount64(align) == 1 {
		return f.alloc(h, size, align)
	}
	if f.noNull {
		return 0, f.trap(0, size, errAlignment)
	}
	return 0, nil
}

func (f *HostFunction) alloc(h Heap, size, align uint64) (addr uint64, err error) {
	size = max(size, minBlock)
	switch {
	case size > f.last:
		err = errOverflow
	case align <= minBlock:
		addr, err = h.Alloc(size)
	default:
		addr, err = h.AllocAligned(size, align)
	}
	if err != nil {
		return f.none(0, size, err)
	}
	if !f.reaches(addr, size) {
		if err := h.Free(addr); err != nil {
			return 0, f.trap(addr, size, err)
		}
		return f.none(addr, size, errTooFar)
	}
	return addr, nil
}

// reaches reports whether addresses can say where all of a block is.
func (f *HostFunction) reaches(addr, size uint64) bool { return addr <= f.last-(size-1) }

// none returns what a guest gets where there is nothing to give it.
func (f *HostFunction) none(addr, size uint64, err error) (uint64, error) {
	if !f.noNull && errors.Is(err, linmem.ErrOutOfMemory) {
		return 0, nil
	}
	return 0, f.trap(addr, size, err)
}

// trap returns an error in the name of the import, for the reason of the heap's error.
func (f *HostFunction) trap(addr, size uint64, err error) error {
	var e *linmem.Error
	if errors.As(err, &e) {
		err = e.Err
	}
	return &linmem.Error{Op: f.Module + "." + f.Name, Addr: addr, Size: size, Err: err}
}
