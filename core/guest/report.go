package guest

import "strings"

// Report is what the binary of a guest tells about it, as [Inspect] finds it.
type Report struct {
	Toolchain Toolchain    `json:"toolchain"`
	Memories  []MemoryType `json:"memories,omitempty"` // imported ones first, as they are numbered

	// Grows and Sizes are the instructions memory.grow and memory.size, of all memories. A growth whose result becomes an
	// address has Use [UsedAsAddress].
	Grows Sites `json:"grows"`
	Sizes Sites `json:"sizes"`

	Start      bool `json:"start,omitempty"`      // a start section: code that runs at instantiation
	Initialize bool `json:"initialize,omitempty"` // _initialize is exported: to be called once, before anything else
	Command    bool `json:"command,omitempty"`    // _start is exported: a program that runs and ends

	// Functions are the exported functions, in the order of the binary.
	Functions []Export `json:"functions,omitempty"`

	// Allocators are the exported functions that are known to be an allocator's, the best for an arena first.
	Allocators []Allocator `json:"allocators,omitempty"`

	// AllocatorImports are the allocator functions that the guest has the host provide.
	AllocatorImports []Import `json:"allocator_imports,omitempty"`

	// HeapBase is the value of the exported global __heap_base, the first byte that the linker left unused; nil if there is
	// none, or if its value is not in the binary.
	HeapBase *uint64 `json:"heap_base,omitempty"`

	// DataEnd is the first address behind all data that the binary puts into the first memory at instantiation; 0 if there
	// is none.
	DataEnd uint64 `json:"data_end,omitempty"`

	// Verdict is what follows from all this for growth by the host.
	Verdict Verdict `json:"verdict"`
}

// Function returns the exported function of that name. Its cost is a look at each.
func (r *Report) Function(name string) (f Export, ok bool) {
	for _, f := range r.Functions {
		if f.Name == name {
			return f, true
		}
	}
	return Export{}, false
}

// Toolchain is what made the guest.
type Toolchain struct {
	Name     ToolchainName `json:"name"`
	Version  string        `json:"version,omitempty"`  // as the binary gives it; may be ""
	Evidence []string      `json:"evidence,omitempty"` // what the name was concluded from, like `producers: language Go`
}

// ToolchainName names a toolchain, or "" for one that is not known.
type ToolchainName string

// The toolchains that are told apart. Clang is C and C++ with LLVM's linker, and wasi-libc most often.
const (
	Go             ToolchainName = "Go"
	TinyGo         ToolchainName = "TinyGo"
	Rust           ToolchainName = "Rust"
	Clang          ToolchainName = "Clang"
	Zig            ToolchainName = "Zig"
	AssemblyScript ToolchainName = "AssemblyScript"
	Emscripten     ToolchainName = "Emscripten"
	Kotlin         ToolchainName = "Kotlin"
)

// MemoryType is the type of a linear memory.
type MemoryType struct {
	Min      uint64   `json:"min"`            // pages
	Max      *uint64  `json:"max,omitempty"`  // pages; nil if there is no maximum
	Is64     bool     `json:"is64,omitempty"` // addresses have 64 bits
	Shared   bool     `json:"shared,omitempty"`
	Imported bool     `json:"imported,omitempty"`
	Exports  []string `json:"exports,omitempty"` // the names under which it is exported

	// PageSize is in bytes. It is that of linmem, but for the proposal custom-page-sizes.
	PageSize uint64 `json:"page_size"`
}

// Sites are places in the code.
type Sites struct {
	N     int    `json:"n"`               // how many there are
	First []Site `json:"first,omitempty"` // the first ones, at most 32
}

// Site is one instruction.
type Site struct {
	Offset   uint64 `json:"offset"`         // of the instruction, in bytes from the beginning of the binary
	Function uint32 `json:"function"`       // its index; imported functions come first
	Name     string `json:"name,omitempty"` // of the function, if the binary has it
	Memory   uint32 `json:"memory"`         // the index of the memory
	Use      Use    `json:"use"`            // of a memory.grow
}

// Use says what becomes of the result of a memory.grow.
type Use uint8

const (
	// UseUnknown says that it goes where the analysis does not follow it, like into memory.
	UseUnknown Use = iota

	// UsedAsAddress says that it is shifted by the size of a page, and the address itself kept or returned. The guest takes its
	// new pages from where memory.grow says that they are.
	UsedAsAddress

	// UsedAsStatus says that it is compared or dropped. The guest believes that it knows where the new pages are.
	UsedAsStatus
)

// Export is an exported function.
type Export struct {
	Name string `json:"name,omitempty"`
	Signature
}

// Import is an imported function.
type Import struct {
	Module string `json:"module,omitempty"`
	Name   string `json:"name,omitempty"`
	Signature
}

// Verdict says whether a guest can live with pages that the host adds to its memory by memory.grow.
type Verdict struct {
	// Late is about growth after the guest was initialized and has allocated for the first time.
	Late Judgement `json:"late"`

	// Early is about growth before either.
	Early Judgement `json:"early"`
}

// Judgement is an outcome and why, in words.
type Judgement struct {
	Outcome Outcome `json:"outcome"`
	Reason  string  `json:"reason,omitempty"`
}

// and returns what follows from two judgements of the same: the worse of them, one that is decided before one that is not.
func (j Judgement) and(other Judgement) Judgement {
	switch {
	case j.Outcome == Undecided && other.Outcome == Undecided:
		if other.Reason != "" && other.Reason != j.Reason {
			j.Reason = strings.TrimPrefix(j.Reason+"; "+other.Reason, "; ")
		}
		return j
	case j.Outcome == Undecided, other.Outcome == Corrupts && j.Outcome != Corrupts:
		return other
	}
	return j
}

// Outcome says what a guest does to pages that the host has added.
type Outcome uint8

const (
	// Undecided says that it is not known. Where something must be decided, it counts as Corrupts.
	Undecided Outcome = iota

	// Tolerates says that it leaves them alone.
	Tolerates

	// Corrupts says that it takes them for its own.
	Corrupts
)

// String returns the outcome as a word.
func (o Outcome) String() string {
	switch o {
	case Tolerates:
		return "tolerates"
	case Corrupts:
		return "corrupts"
	}
	return "undecided"
}

// MarshalText implements [encoding.TextMarshaler].
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// String returns the use as a word.
func (u Use) String() string {
	switch u {
	case UsedAsAddress:
		return "address"
	case UsedAsStatus:
		return "status"
	}
	return "unknown"
}

// MarshalText implements [encoding.TextMarshaler].
func (u Use) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
