package guest

import (
	"errors"

	"github.com/linmem/linmem/core/internal/wasm"
)

// maxSites is how many places [Sites] has at most.
const maxSites = wasm.MaxSizes

// Inspect reads a guest's binary and reports what it does to its memory, without running it. What does not follow for sure
// from the code, or from the toolchain, is [Undecided] in the verdict.
//
// The error is a [*FormatError]: the binary is no core module, or broken. Nothing else fails: names and producers that are
// broken are left out. The binary may be hostile. It is decoded, not validated: that a module can be inspected does not say
// that it can be instantiated.
//
// The cost is linear in the size of the binary, some 10 ms for one of 2 MB; see BenchmarkInspect. The report does not refer
// to the bytes.
func Inspect(binary []byte) (*Report, error) {
	m, err := wasm.Parse(binary)
	if err != nil {
		var e *wasm.Error
		errors.As(err, &e)
		return nil, &FormatError{Offset: uint64(e.Offset), Reason: e.Reason}
	}
	var uses []Use
	for _, u := range m.FollowGrowths() {
		uses = append(uses, useOf[u])
	}
	names := siteNames(m)
	types := signatures(m)
	r := &Report{
		DataEnd:  m.DataEnd,
		Memories: memories(m),
		Grows:    Sites{N: len(m.Grows)},
		Sizes:    Sites{N: m.NumSizes},
		Start:    m.Start,
	}
	for i, s := range m.Grows[:min(len(m.Grows), maxSites)] {
		r.Grows.First = append(r.Grows.First, site(s, names, uses[i]))
	}
	for _, s := range m.Sizes {
		r.Sizes.First = append(r.Sizes.First, site(s, names, UseUnknown))
	}
	r.addExports(m, types)
	for _, i := range m.Imports {
		if i.Kind != wasm.KindFunction {
			continue
		}
		if i := (Import{Module: i.Module, Name: i.Name, Signature: types[i.Type]}); isAllocatorImport(i) {
			r.AllocatorImports = append(r.AllocatorImports, i)
		}
	}
	r.Toolchain = detectToolchain(m, r)
	r.Allocators = findAllocators(r.Toolchain.Name, r.Functions)
	r.Verdict = judge(m, r, uses)
	return r, nil
}

var useOf = [...]Use{wasm.UseUnknown: UseUnknown, wasm.UseAddress: UsedAsAddress, wasm.UseStatus: UsedAsStatus}

func site(s wasm.Site, names map[uint32]string, use Use) Site {
	return Site{Offset: uint64(s.Offset), Function: s.Function, Name: names[s.Function], Memory: s.Memory, Use: use}
}

// siteNames returns what the functions with sites are called: by the name section, or else by the first export.
func siteNames(m *wasm.Module) map[uint32]string {
	names := map[uint32]string{}
	for _, sites := range [][]wasm.Site{m.Grows[:min(len(m.Grows), maxSites)], m.Sizes} {
		for _, s := range sites {
			names[s.Function] = ""
		}
	}
	for _, e := range m.Exports {
		if name, ok := names[e.Index]; ok && name == "" && e.Kind == wasm.KindFunction {
			names[e.Index] = e.Name
		}
	}
	m.NameFunctions(names)
	return names
}

func memories(m *wasm.Module) (all []MemoryType) {
	for _, mem := range m.Memories {
		all = append(all, MemoryType{
			Min: mem.Min, Max: mem.Max, Is64: mem.Is64, Shared: mem.Shared, Imported: mem.Imported, PageSize: mem.PageSize,
		})
	}
	return all
}

func (r *Report) addExports(m *wasm.Module, types []Signature) {
	for _, e := range m.Exports {
		switch e.Kind {
		case wasm.KindFunction:
			r.Initialize = r.Initialize || e.Name == "_initialize"
			r.Command = r.Command || e.Name == "_start"
			r.Functions = append(r.Functions, Export{Name: e.Name, Signature: types[m.Functions[e.Index]]})
		case wasm.KindMemory:
			mem := &r.Memories[e.Index]
			mem.Exports = append(mem.Exports, e.Name)
		case wasm.KindGlobal:
			if g := m.Globals[e.Index]; e.Name == "__heap_base" && !g.Mutable && g.Const != nil {
				base := *g.Const
				r.HeapBase = &base
			}
		}
	}
}

// signatures returns the types of functions, by index. All functions of a type share one: a hostile binary can have many
// functions of a type that has many parameters.
func signatures(m *wasm.Module) []Signature {
	types := make([]Signature, len(m.Types))
	for i, t := range m.Types {
		types[i] = Signature{Params: valueTypes(t.Params), Results: valueTypes(t.Results)}
	}
	return types
}

func valueTypes(encoded []byte) (types []ValueType) {
	for _, t := range encoded {
		types = append(types, ValueType(t))
	}
	return types
}
