package guest_test

import (
	"fmt"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// fakeToolchain is a kind of fake guest: how its allocator gets memory, what Inspect says of such a guest, and what
// becomes of pages that the host grows.
type fakeToolchain struct {
	name     string
	made     guest.ToolchainName
	reported guest.Verdict
	probed   guest.Verdict // only the outcomes

	start func(*fakeHeap) error // at initialization; may be nil
	first func(*fakeHeap) error // before the first allocation; may be nil
	more  func(h *fakeHeap, n uint64) (fakeRange, error)
	bump  bool

	fates map[guest.Strategy]fate
}

// fate is what becomes of a guest in which the host uses a strategy.
type fate int

const (
	corrupts fate = iota // and so Open must refuse it
	safe                 // and so Open must offer it
	cautious             // Open refuses it, since it is not known to be safe, and yet this fake lives
)

func outcomes(late, early guest.Outcome) guest.Verdict {
	return guest.Verdict{
		Late:  guest.Judgement{Outcome: late, Reason: "late: as the table says"},
		Early: guest.Judgement{Outcome: early, Reason: "early: as the table says"},
	}
}

var fakeToolchains = []fakeToolchain{
	{
		name: "rust", made: guest.Rust, more: useGrowsResult,
		reported: outcomes(guest.Tolerates, guest.Tolerates), probed: outcomes(guest.Tolerates, guest.Tolerates),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: cautious, guest.Grow: safe, guest.Donate: cautious, guest.Gap: cautious,
		},
	},
	{
		name: "wasi-libc-2023", made: guest.Clang, first: claimToLinkersEnd, more: useGrowsResult,
		reported: outcomes(guest.Tolerates, guest.Undecided), probed: outcomes(guest.Tolerates, guest.Tolerates),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: safe, guest.Donate: cautious, guest.Gap: cautious,
		},
	},
	{
		name: "wasi-libc-2022", made: guest.Clang, first: claimAll, more: useGrowsResult,
		reported: outcomes(guest.Tolerates, guest.Undecided), probed: outcomes(guest.Tolerates, guest.Corrupts),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: safe, guest.Donate: corrupts, guest.Gap: corrupts,
		},
	},
	{
		name: "go", made: guest.Go, start: rememberSize, more: believeInOnePiece,
		reported: outcomes(guest.Corrupts, guest.Corrupts), probed: outcomes(guest.Corrupts, guest.Corrupts),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: corrupts, guest.Donate: safe, guest.Gap: safe,
		},
	},
	{
		name: "tinygo", made: guest.TinyGo, start: claimAll, more: extendToSize,
		reported: outcomes(guest.Corrupts, guest.Corrupts), probed: outcomes(guest.Corrupts, guest.Corrupts),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: corrupts, guest.Donate: safe, guest.Gap: cautious,
		},
	},
	{
		name: "emscripten", made: guest.Emscripten, more: walkToSize,
		reported: outcomes(guest.Corrupts, guest.Corrupts), probed: outcomes(guest.Corrupts, guest.Corrupts),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: corrupts, guest.Donate: corrupts, guest.Gap: corrupts,
		},
	},
	{
		name: "assemblyscript-stub", made: guest.AssemblyScript, more: bumpToSize, bump: true,
		reported: outcomes(guest.Undecided, guest.Undecided), probed: outcomes(guest.Corrupts, guest.Corrupts),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: corrupts, guest.Donate: corrupts, guest.Gap: corrupts,
		},
	},
	{
		name: "assemblyscript-tlsf", made: guest.AssemblyScript, first: claimAll, more: addWhatWasGrown,
		reported: outcomes(guest.Undecided, guest.Undecided), probed: outcomes(guest.Tolerates, guest.Corrupts),
		fates: map[guest.Strategy]fate{
			guest.Arena: safe, guest.HeapBase: corrupts, guest.Grow: safe, guest.Donate: corrupts, guest.Gap: corrupts,
		},
	},
}

// importsAllocator is a guest that has the host provide its allocator, and exports none: it is not in the table of those
// that allocate by themselves.
var importsAllocator = fakeToolchain{
	name: "importing", made: guest.Rust,
	reported: outcomes(guest.Tolerates, guest.Tolerates),
	fates: map[guest.Strategy]fate{
		guest.HeapBase: safe, guest.Grow: safe, guest.Donate: cautious, guest.Gap: cautious,
	},
}

// toolchainOf returns the one of that name.
func toolchainOf(name string) fakeToolchain {
	for _, tc := range fakeToolchains {
		if tc.name == name {
			return tc
		}
	}
	panic("no fake toolchain " + name)
}

// growPages is the instruction memory.grow.
func growPages(h *fakeHeap, nPages uint64) (prev uint64, err error) {
	prev, err = h.mem.Grow(nPages)
	if err != nil {
		return 0, errNone
	}
	return prev, nil
}

func pagesFor(n uint64) uint64 { return roundUp(n, linmem.PageSize) / linmem.PageSize }

// useGrowsResult is dlmalloc's in Rust and wasi-libc, and Zig's: new memory is where memory.grow says.
func useGrowsResult(h *fakeHeap, n uint64) (fakeRange, error) {
	n = pagesFor(n)
	prev, err := growPages(h, n)
	return fakeRange{prev * linmem.PageSize, (prev + n) * linmem.PageSize}, err
}

// claimToLinkersEnd is wasi-libc's since 2023: __heap_end is the size that the linker gave the memory.
func claimToLinkersEnd(h *fakeHeap) error {
	return h.claim(fakeRange{h.base, fakePages * linmem.PageSize})
}

// claimAll takes all up to memory.size: wasi-libc's first malloc in 2022, TLSF's beginning, TinyGo's initialization.
func claimAll(h *fakeHeap) error {
	h.brkMax = h.end()
	return h.claim(fakeRange{h.base, h.end()})
}

// rememberSize and believeInOnePiece are Go's: see runtime/os_wasm.go and runtime/mem_wasm.go.
func rememberSize(h *fakeHeap) error {
	h.brk, h.brkMax = roundUp(h.base, linmem.PageSize), h.end()
	return nil
}

func believeInOnePiece(h *fakeHeap, n uint64) (fakeRange, error) {
	r := fakeRange{h.brk, h.brk + roundUp(n, linmem.PageSize)}
	if r.end > h.brkMax {
		if _, err := growPages(h, (r.end-h.brkMax)/linmem.PageSize); err != nil {
			return fakeRange{}, err
		}
		h.brkMax = r.end
	}
	h.brk = r.end
	return r, nil
}

// extendToSize is TinyGo's growHeap: it doubles the memory, and the heap then ends at memory.size.
func extendToSize(h *fakeHeap, n uint64) (fakeRange, error) {
	if _, err := growPages(h, max(h.mem.NumPages(), pagesFor(n))); err != nil {
		return fakeRange{}, err
	}
	r := fakeRange{h.brkMax, h.end()}
	h.brkMax = r.end
	return r, nil
}

// walkToSize is Emscripten's sbrk: a break of its own, and growth only where memory.size is below it.
func walkToSize(h *fakeHeap, n uint64) (fakeRange, error) {
	if h.brk == 0 {
		h.brk = h.base
	}
	r := fakeRange{h.brk, h.brk + roundUp(n, fakeAlign)}
	if r.end > h.end() {
		if _, err := growPages(h, pagesFor(r.end-h.end())); err != nil {
			return fakeRange{}, err
		}
	}
	h.brk = r.end
	return r, nil
}

// bumpToSize is AssemblyScript's stub: it asks for as many pages as there are, if those are more than it needs.
func bumpToSize(h *fakeHeap, n uint64) (fakeRange, error) {
	if h.brk == 0 {
		h.brk = h.base
	}
	r := fakeRange{h.brk, h.brk + roundUp(n, fakeAlign)}
	if r.end > h.end() {
		need := pagesFor(r.end - h.end())
		if _, err := growPages(h, max(need, h.mem.NumPages())); err != nil {
			if _, err := growPages(h, need); err != nil {
				return fakeRange{}, err
			}
		}
	}
	h.brk = r.end
	return r, nil
}

// addWhatWasGrown is TLSF's growMemory: what lies between memory.size before the growth and after it.
func addWhatWasGrown(h *fakeHeap, n uint64) (fakeRange, error) {
	before := h.end()
	need := pagesFor(n)
	if _, err := growPages(h, max(need, h.mem.NumPages())); err != nil {
		if _, err := growPages(h, need); err != nil {
			return fakeRange{}, err
		}
	}
	return fakeRange{before, h.end()}, nil
}

// String is for the names of tests.
func (f fate) String() string {
	switch f {
	case corrupts:
		return "corrupts"
	case safe:
		return "safe"
	case cautious:
		return "cautious"
	}
	return fmt.Sprintf("fate %d", int(f))
}
