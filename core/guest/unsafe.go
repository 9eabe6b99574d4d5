package guest

import (
	"fmt"
	"strings"

	linmem "github.com/linmem/linmem/core"
)

// UnsafeError says that no strategy is known to keep a guest and the host's pages apart, why, and what would help. It wraps
// [linmem.ErrUnsupported].
type UnsafeError struct {
	Toolchain Toolchain `json:"toolchain"`
	Verdict   Verdict   `json:"verdict"`            // of the report, and of WithVerdict where that is undecided
	Refused   []Refusal `json:"refused,omitempty"`  // each strategy that was considered
	Remedies  []Remedy  `json:"remedies,omitempty"` // the best first
}

// Refusal says why a strategy was not followed.
type Refusal struct {
	Strategy Strategy `json:"strategy"`
	Reason   string   `json:"reason,omitempty"`
}

// Remedy is what would make a strategy work.
type Remedy struct {
	Strategy Strategy `json:"strategy"` // "" for one that is not Open's
	How      string   `json:"how,omitempty"`
}

// Error returns all of it in one line.
func (e *UnsafeError) Error() string {
	var b strings.Builder
	name := string(e.Toolchain.Name)
	if name == "" {
		name = "an unknown toolchain"
	}
	fmt.Fprintf(&b, "linmem: guest.Open: no place for the host's pages is known to be safe in this guest, made by %s:", name)
	for i, r := range e.Refused {
		if i > 0 {
			b.WriteByte(';')
		}
		fmt.Fprintf(&b, " %s: %s", r.Strategy, r.Reason)
	}
	for i, r := range e.Remedies {
		if i == 0 {
			b.WriteString(". Remedies:")
		}
		fmt.Fprintf(&b, " (%d) %s", i+1, r.How)
	}
	return b.String()
}

// Unwrap returns the reason.
func (e *UnsafeError) Unwrap() error { return linmem.ErrUnsupported }

// exportAllocator says how to have a guest export an allocator, for each toolchain.
var exportAllocator = map[ToolchainName]string{
	Go: "export a //go:wasmexport function that makes a byte slice, keeps it in a global map by its address and returns " +
		"that, and one that deletes it there, and name them with WithAllocator",
	TinyGo: "build for a target that exports malloc and free, or export a function that makes a byte slice, keeps it in a " +
		"global map by its address and returns that, and name it with WithAllocator",
	Rust:           "export std::alloc::alloc as alloc(size, align), and dealloc as dealloc(addr, size, align)",
	Clang:          "link with -Wl,--export=malloc,--export=free",
	Zig:            "export functions around an allocator's alloc and free, as allocate(size) and deallocate(addr, size)",
	AssemblyScript: "compile with --exportRuntime, so that __new and __pin are exported",
	Emscripten:     "link with -sEXPORTED_FUNCTIONS=_malloc,_free",
	Kotlin:         "export functions that allocate and keep linear memory, and name them with WithAllocator",
	"":             "export malloc and free, or functions of other names to be named with WithAllocator",
}

// leaveLowMemory says how to link a guest so that its low memory is the host's, for the toolchains that can.
var leaveLowMemory = map[ToolchainName]string{
	Emscripten:     "link with -sGLOBAL_BASE=BYTES",
	AssemblyScript: "compile with --memoryBase BYTES",
	Clang:          "link with -Wl,--global-base=BYTES",
	Rust:           "link with -C link-arg=--global-base=BYTES",
}

// remediesFor returns what would make a guest safe that is not: for each strategy that could be followed, what it lacks. What
// lacks nothing was ruled out by the caller.
func remediesFor(o *opening) (remedies []Remedy) {
	if len(o.report.Memories) > 1 {
		return []Remedy{{"", "build the guest with one memory; or, if you know that a strategy fits the one that the instance has, " +
			"force it, by WithStrategy and AcceptCorruption"}}
	}
	add := func(s Strategy, format string, args ...any) {
		remedies = append(remedies, Remedy{s, fmt.Sprintf(format, args...)})
	}
	t := o.report.Toolchain.Name
	switch {
	case len(o.allocators) == 0:
		add(Arena, "%s", exportAllocator[t])
	case o.refusesArena() != "":
		add(Arena, "have the guest allocate first, and say so with WithFirstAllocation")
	default:
		add(Arena, "allow %s: the guest exports %s", Arena, o.allocators[0].Alloc.Name)
	}
	if o.report.importsAllocator() && o.ready == nil {
		add(HeapBase, "serve what the guest imports to allocate with from this heap, by WithBind and the backend's Allocator")
	}
	switch late, early := o.verdict.Late.Outcome, o.verdict.Early.Outcome; {
	case late == Undecided:
		add(Grow, "have Probe decide, and pass its verdict in WithVerdict")
	case late == Tolerates && early != Tolerates && o.firstAlloc == nil:
		add(Grow, "have the guest allocate first, and say so with WithFirstAllocation")
	case late == Tolerates:
		add(Grow, "allow %s", Grow)
	}
	_, isLimiter := o.inst.(Limiter)
	_, isInitializer := o.inst.(Initializer)
	if t == Go || t == TinyGo {
		switch {
		case !o.report.Initialize:
			add(Donate, "build it as a reactor, so that it exports _initialize")
		case !isLimiter || !isInitializer:
			add(Donate, "pass Open an instance that is an Initializer and a Limiter")
		default:
			add(Donate, "allow %s", Donate)
		}
	}
	if t == Go {
		switch {
		case !isLimiter:
			add(Gap, "pass Open an instance that is a Limiter, or have WithGuestPages cover half of what the memory can grow to")
		default:
			add(Gap, "allow %s", Gap)
		}
	}
	if how, ok := leaveLowMemory[t]; ok {
		add("", "%s, and give the pages below its data to linmem.Pages.Adopt, with linmem.WithMaxPages of as many", how)
	}
	return remedies
}
