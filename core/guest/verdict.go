package guest

import (
	"fmt"
	"slices"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/internal/wasm"
)

// judge concludes from a report what a guest does to pages of the host's. Uses are those of all its growths.
//
// What is concluded here was held against guests of each toolchain. Where it is not sure it says so: [Probe] tries it out.
func judge(m *wasm.Module, r *Report, uses []Use) Verdict {
	both := func(o Outcome, format string, args ...any) Verdict {
		j := Judgement{Outcome: o, Reason: fmt.Sprintf(format, args...)}
		return Verdict{Late: j, Early: j}
	}
	if len(r.Memories) == 0 {
		return both(Tolerates, "it has no memory, so that there is nothing to corrupt, and nothing to allocate from")
	}
	if reason := corruptors[r.Toolchain.Name]; reason != "" && (r.Grows.N+r.Sizes.N > 0 || growsByImport(m)) {
		return both(Corrupts, "it was made by %s, %s", r.Toolchain.Name, reason)
	}
	if reason := unusual(r.Memories); reason != "" {
		return both(Undecided, "%s", reason)
	}
	if r.Grows.N+r.Sizes.N == 0 {
		return both(Tolerates, "its code has neither memory.grow nor memory.size: it cannot notice that there are more pages")
	}
	if r.Toolchain.Name == AssemblyScript {
		return Verdict{
			Late: Judgement{Reason: "it was made by AssemblyScript: with the runtimes incremental and minimal it leaves others' " +
				"pages alone, with the runtime stub it takes all up to the end of the memory"},
			Early: Judgement{Reason: "it was made by AssemblyScript, whose allocator takes all up to memory.size when it begins"},
		}
	}
	if r.Grows.N == 0 {
		return both(Undecided, "it never grows its memory, but asks for its size, %s: it may take all up to there", r.Sizes.where())
	}
	return judgeUses(r, uses)
}

// corruptors are the toolchains whose allocators believe that they alone grow the memory, and what they do.
var corruptors = map[ToolchainName]string{
	Go: "whose runtime takes it that each growth follows on the one before, and writes over pages that lie between",
	TinyGo: "whose runtime takes all up to memory.size for its heap whenever that grows, " +
		"and moves its own data to the end",
	Emscripten: "whose sbrk goes on from where it was up to memory.size, and so into pages that others have added",
	Kotlin:     "whose allocator takes all up to memory.size",
}

// growsByImport reports whether the guest has the host grow the memory, as Emscripten's can.
func growsByImport(m *wasm.Module) bool {
	return slices.ContainsFunc(m.Imports, func(i wasm.Import) bool {
		return i.Name == "emscripten_resize_heap" || i.Name == "emscripten_get_heap_size"
	})
}

// unusual returns what there is about the memories that the analysis of one module's code cannot speak for.
func unusual(memories []MemoryType) string {
	if len(memories) > 1 {
		return fmt.Sprintf("it has %d memories, and addresses are not followed to the one that they are of", len(memories))
	}
	switch mem := memories[0]; {
	case mem.Imported:
		return "it imports its memory, and others that have it may grow it"
	case mem.Shared:
		return "its memory is shared, and other threads may grow it"
	case mem.PageSize != linmem.PageSize:
		return fmt.Sprintf("its memory has pages of %d bytes, not %d", mem.PageSize, linmem.PageSize)
	}
	return ""
}

// judgeUses is about a guest that grows the one memory that it has.
func judgeUses(r *Report, uses []Use) Verdict {
	var n [UsedAsStatus + 1]int
	for _, u := range uses {
		n[u]++
	}
	undecided := func(format string, args ...any) Verdict {
		j := Judgement{Reason: fmt.Sprintf(format, args...)}
		return Verdict{Late: j, Early: j}
	}
	switch {
	case n[UseUnknown] > 0:
		return undecided("what it does with the result of memory.grow could not be followed at %d of %d places (%s)",
			n[UseUnknown], len(uses), r.Grows.where())
	case n[UsedAsAddress] == 0:
		return undecided("it only looks whether memory.grow succeeded, %s: where the new pages are, it has from elsewhere, or "+
			"believes to know", r.Grows.where())
	case n[UsedAsStatus] > 0:
		return undecided("it takes its new pages from where memory.grow says that they are, but only at %d of %d places (%s): "+
			"at the others it only looks whether memory.grow succeeded", n[UsedAsAddress], len(uses), r.Grows.where())
	}
	const takes = "it takes its new pages from where memory.grow says that they are, "
	if r.Sizes.N > 0 {
		return undecided(takes+"%s, but asks for the size of its memory as well, %s: it may take all up to there for its own",
			r.Grows.where(), r.Sizes.where())
	}
	j := Judgement{Tolerates, takes + r.Grows.where() + ", and never asks for the size of its memory"}
	return Verdict{Late: j, Early: j}
}

// where says where the sites are, of which there is one at least, by the first.
func (s Sites) where() string {
	first := s.First[0]
	function := fmt.Sprintf("function %d", first.Function)
	if first.Name != "" {
		function = fmt.Sprintf("%q", first.Name)
	}
	if s.N > 1 {
		return fmt.Sprintf("at %d places, first in %s at byte %#x", s.N, function, first.Offset)
	}
	return fmt.Sprintf("in %s at byte %#x", function, first.Offset)
}
