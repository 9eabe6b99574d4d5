package guest

import (
	"slices"
	"testing"
)

// TestFindAllocators holds which functions are taken for an allocator's, and which of them comes first.
func TestFindAllocators(t *testing.T) {
	f := func(name, params, results string) Export {
		return Export{Name: name, Signature: Signature{Params: typesOf(params), Results: typesOf(results)}}
	}
	malloc, free := f("malloc", "i", "i"), f("free", "i", "")
	newObject, pin, unpin := f("__new", "ii", "i"), f("__pin", "i", "i"), f("__unpin", "i", "")
	bindMalloc, bindFree := f("__wbindgen_malloc", "ii", "i"), f("__wbindgen_free", "iii", "")
	allocate, deallocate := f("allocate", "i", "i"), f("deallocate", "ii", "")
	alloc, dealloc := f("alloc", "i", "i"), f("dealloc", "ii", "")
	cabi, canonical := f("cabi_realloc", "iiii", "i"), f("canonical_abi_realloc", "iiii", "i")
	sbrk := f("sbrk", "i", "i")
	everyOne := []Allocator{
		{Malloc, malloc, free, Export{}},
		{AssemblyScriptRuntime, newObject, unpin, pin},
		{Malloc, bindMalloc, bindFree, Export{}},
		{Malloc, allocate, deallocate, Export{}},
		{Malloc, alloc, dealloc, Export{}},
		{CanonicalABI, cabi, Export{}, Export{}},
		{CanonicalABI, canonical, Export{}, Export{}},
		{Sbrk, sbrk, Export{}, Export{}},
	}
	all := []Export{
		sbrk, canonical, cabi, dealloc, alloc, deallocate, allocate, bindFree, bindMalloc, unpin, pin, newObject, free, malloc,
	}
	for _, tt := range []struct {
		name      string
		functions []Export
		want      []Allocator
	}{
		{"none", nil, nil},
		{"others", []Export{f("main", "ii", "i"), f("_initialize", "", ""), free, unpin, pin, dealloc}, nil},
		{"all, whatever their order", all, everyOne},
		{"malloc without free", []Export{malloc}, []Allocator{{Malloc, malloc, Export{}, Export{}}}},
		{"of 64 bits", []Export{f("malloc", "I", "I"), f("free", "I", "")}, []Allocator{{Malloc, f("malloc", "I", "I"), f("free", "I", ""), Export{}}}},
		{"malloc(size, align)", []Export{f("malloc", "ii", "i")}, []Allocator{{Malloc, f("malloc", "ii", "i"), Export{}, Export{}}}},
		{"free(addr, size, align)", []Export{alloc, f("dealloc", "iii", "")}, []Allocator{{Malloc, alloc, f("dealloc", "iii", ""), Export{}}}},
		{"malloc of three", []Export{f("malloc", "iii", "i"), free}, nil},
		{"malloc of nothing", []Export{f("malloc", "", "i")}, nil},
		{"malloc without a result", []Export{f("malloc", "i", "")}, nil},
		{"malloc with two results", []Export{f("malloc", "i", "ii")}, nil},
		{"malloc of floats", []Export{f("malloc", "f", "f")}, nil},
		{"malloc of mixed widths", []Export{f("malloc", "iI", "i")}, nil},
		{"malloc with an address of another width", []Export{f("malloc", "i", "I")}, nil},
		{"free that returns", []Export{malloc, f("free", "i", "i")}, nil},
		{"free of four", []Export{malloc, f("free", "iiii", "")}, nil},
		{"__new of one", []Export{f("__new", "i", "i"), pin, unpin}, nil},
		{"__pin without a result", []Export{newObject, f("__pin", "i", ""), unpin}, nil},
		{"__unpin of two", []Export{newObject, pin, f("__unpin", "ii", "")}, nil},
		{"__new that nothing can pin", []Export{newObject}, nil}, // the collector would take the host's regions
		{"cabi_realloc of three", []Export{f("cabi_realloc", "iii", "i")}, nil},
		{"sbrk of two", []Export{f("sbrk", "ii", "i")}, nil},
		{"allocate of a CosmWasm contract", []Export{f("interface_version_8", "", ""), allocate, f("deallocate", "i", "")}, nil},
		{"malloc of a CosmWasm contract", []Export{malloc, free, allocate, f("interface_version_7", "", "")}, everyOne[:1]},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := findAllocators("", tt.functions)
			if !slices.EqualFunc(got, tt.want, sameAllocator) {
				t.Errorf("found\n%v\nwant\n%v", got, tt.want)
			}
		})
	}
}

// typesOf returns types by letters: i and I are integers of 32 and 64 bits, f and F floats.
func typesOf(letters string) (types []ValueType) {
	for _, c := range letters {
		types = append(types, map[rune]ValueType{'i': I32, 'I': I64, 'f': F32, 'F': F64}[c])
	}
	return types
}

func sameAllocator(a, b Allocator) bool {
	same := func(a, b Export) bool {
		return a.Name == b.Name && slices.Equal(a.Params, b.Params) && slices.Equal(a.Results, b.Results)
	}
	return a.Convention == b.Convention && same(a.Alloc, b.Alloc) && same(a.Free, b.Free) && same(a.Pin, b.Pin)
}
