package guest_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

// Pieces of code.
var (
	constZero  = wasmtest.Bytes(0x41, 0)
	growDrop   = wasmtest.Bytes(0x41, 1, 0x40, 0, 0x1a)                                // status
	growKept   = wasmtest.Bytes(0x41, 0, 0x41, 1, 0x40, 0, 0x41, 16, 0x74, 0x36, 2, 0) // address
	growStored = wasmtest.Bytes(0x41, 0, 0x41, 1, 0x40, 0, 0x36, 2, 0)                 // unknown
	sizeDrop   = wasmtest.Bytes(0x3f, 0, 0x1a)
	loaded     = wasmtest.Bytes(0x28, 2, 0, 0x1a)
	onePage    = []byte{0, 1}
	i32        = []byte{0x7f}
)

func inspect(t testing.TB, binary []byte) *guest.Report {
	t.Helper()
	r, err := guest.Inspect(binary)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestInspect(t *testing.T) {
	one, alloc := []guest.ValueType{guest.I32}, guest.Signature{Params: []guest.ValueType{guest.I32}, Results: []guest.ValueType{guest.I32}}
	binary := wasmtest.Guest{
		Imports: []wasmtest.Import{
			{Module: "env", Name: "calloc", Params: []byte{0x7f, 0x7f}, Results: i32},
			{Module: "env", Name: "calloc", Params: i32, Results: i32}, // not of that type
			{Module: "env", Name: "print", Params: i32},
		},
		Memories: [][]byte{{1, 2, 9}},
		Globals:  [][]byte{wasmtest.Bytes(0x7f, 0, 0x41, wasmtest.S(-65536), 0x0b)},
		Exports: [][]byte{
			wasmtest.Bytes(wasmtest.Sized("memory"), 2, 0), wasmtest.Bytes(wasmtest.Sized("heap"), 2, 0),
			wasmtest.Bytes(wasmtest.Sized("__heap_base"), 3, 0),
		},
		Funcs: []wasmtest.Func{
			{Params: i32, Results: i32, Export: "malloc", Code: wasmtest.Bytes(growKept, constZero)},
			{Params: i32, Export: "free", Code: sizeDrop},
			{Export: "_initialize", Code: growDrop},
		},
		Customs: wasmtest.CustomSection("name", 1, wasmtest.Sized(wasmtest.Vec(wasmtest.Bytes(3, wasmtest.Sized("dlmalloc"))))),
	}.Binary()
	at := func(code []byte) uint64 { return uint64(bytes.Index(binary, code)) }
	nine, base := uint64(9), uint64(1<<32-65536)
	malloc, free := guest.Export{Name: "malloc", Signature: alloc}, guest.Export{Name: "free", Signature: guest.Signature{Params: one}}
	want := &guest.Report{
		Memories:  []guest.MemoryType{{Min: 2, Max: &nine, Exports: []string{"memory", "heap"}, PageSize: linmem.PageSize}},
		Functions: []guest.Export{malloc, free, {Name: "_initialize"}},
		Grows: guest.Sites{N: 2, First: []guest.Site{
			{Offset: at(growKept) + 4, Function: 3, Name: "dlmalloc", Use: guest.UsedAsAddress},
			{Offset: at(growDrop) + 2, Function: 5, Name: "_initialize", Use: guest.UsedAsStatus},
		}},
		Sizes:      guest.Sites{N: 1, First: []guest.Site{{Offset: at(sizeDrop), Function: 4, Name: "free"}}},
		Initialize: true,
		Allocators: []guest.Allocator{{Convention: guest.Malloc, Alloc: malloc, Free: free}},
		AllocatorImports: []guest.Import{{Module: "env", Name: "calloc", Signature: guest.Signature{
			Params: []guest.ValueType{guest.I32, guest.I32}, Results: one,
		}}},
		HeapBase: &base,
	}
	got := inspect(t, binary)
	got.Verdict = guest.Verdict{} // see TestVerdict
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestInspectStart(t *testing.T) {
	types := wasmtest.Section(wasmtest.Types, 1, 0x60, 0, 0)
	functions, code := wasmtest.Section(wasmtest.Functions, 1, 0), wasmtest.Section(wasmtest.Code, 1, 2, 0, 0x0b)
	for _, tt := range []struct {
		name               string
		between            []byte
		isStart, isCommand bool
	}{
		{"neither", nil, false, false},
		{"start section", wasmtest.Section(wasmtest.Start, 0), true, false},
		{"command", wasmtest.Section(wasmtest.Exports, 1, wasmtest.Sized("_start"), 0, 0), false, true},
	} {
		r := inspect(t, wasmtest.Module(types, functions, tt.between, code))
		if r.Start != tt.isStart || r.Command != tt.isCommand || r.Initialize {
			t.Errorf("%s: start %t, command %t, initialize %t", tt.name, r.Start, r.Command, r.Initialize)
		}
	}
}

func TestHeapBase(t *testing.T) {
	none, small := (*uint64)(nil), uint64(1024)
	large := uint64(1 << 40)
	for _, tt := range []struct {
		name, export string
		kind         int
		global       []byte
		want         *uint64
	}{
		{"i32", "__heap_base", 3, wasmtest.Bytes(0x7f, 0, 0x41, wasmtest.S(1024), 0x0b), &small},
		{"i64", "__heap_base", 3, wasmtest.Bytes(0x7e, 0, 0x42, wasmtest.S(1<<40), 0x0b), &large},
		{"another name", "__data_end", 3, wasmtest.Bytes(0x7f, 0, 0x41, wasmtest.S(1024), 0x0b), none},
		{"mutable", "__heap_base", 3, wasmtest.Bytes(0x7f, 1, 0x41, wasmtest.S(1024), 0x0b), none},
		{"not a constant", "__heap_base", 3, wasmtest.Bytes(0x7f, 0, 0x41, 1, 0x41, 2, 0x6a, 0x0b), none},
		{"a memory", "__heap_base", 2, wasmtest.Bytes(0x7f, 0, 0x41, wasmtest.S(1024), 0x0b), none},
	} {
		r := inspect(t, wasmtest.Guest{
			Memories: [][]byte{onePage}, Globals: [][]byte{tt.global},
			Exports: [][]byte{wasmtest.Bytes(wasmtest.Sized(tt.export), tt.kind, 0)},
		}.Binary())
		if !reflect.DeepEqual(r.HeapBase, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, r.HeapBase, tt.want)
		}
	}
}

func TestManySites(t *testing.T) {
	const n, most = 40, 32
	code := wasmtest.Bytes(bytes.Repeat(sizeDrop, n), bytes.Repeat(growDrop, n))
	r := inspect(t, wasmtest.Guest{Memories: [][]byte{onePage}, Funcs: []wasmtest.Func{{Code: code}}}.Binary())
	for what, s := range map[string]guest.Sites{"memory.grow": r.Grows, "memory.size": r.Sizes} {
		if s.N != n || len(s.First) != most || !slices.IsSortedFunc(s.First, func(a, b guest.Site) int { return int(a.Offset) - int(b.Offset) }) {
			t.Errorf("%d times %s, %d places", s.N, what, len(s.First))
		}
	}
}

// TestDataIsNoCode has memory.grow in everything but code.
func TestDataIsNoCode(t *testing.T) {
	grow := strings.Repeat("\x40\x00", 50)
	r := inspect(t, wasmtest.Guest{
		Memories: [][]byte{onePage},
		Exports:  [][]byte{wasmtest.Bytes(wasmtest.Sized(grow), 2, 0)},
		Funcs:    []wasmtest.Func{{Code: wasmtest.Bytes(0x44, grow[:8], 0x1a)}},
		Data:     []byte(grow),
		Customs:  wasmtest.CustomSection("name", grow),
	}.Binary())
	if r.Grows.N != 0 {
		t.Errorf("%d times memory.grow, at %v", r.Grows.N, r.Grows.First)
	}
}

func TestFormatError(t *testing.T) {
	component := "\x00asm\x0d\x00\x01\x00"
	_, err := guest.Inspect([]byte(component))
	e := (*guest.FormatError)(nil)
	if !errors.As(err, &e) || !errors.Is(err, linmem.ErrInvalid) || e.Offset != 4 {
		t.Fatalf("a component: %v", err)
	}
	for _, want := range []string{"guest.Inspect", "byte 0x4", "component", "inspect the core module inside"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// TestBrokenHints breaks the sections that only hint.
func TestBrokenHints(t *testing.T) {
	for _, name := range []string{"name", "producers", "go:buildid"} {
		for _, contents := range []string{"", "\xff", "\xff\xff\xff\xff\x0f", "\x01\xff\x7f", "\x01\x08language\x01"} {
			r := inspect(t, wasmtest.Guest{
				Memories: [][]byte{onePage}, Funcs: []wasmtest.Func{{Export: "f", Code: growKept}},
				Customs: wasmtest.CustomSection(name, contents),
			}.Binary())
			if r.Grows.First[0].Name != "f" {
				t.Errorf("section %s of %q: the function is called %q", name, contents, r.Grows.First[0].Name)
			}
		}
	}
}

// fuzzSeeds are modules that between them have most of what there is.
func fuzzSeeds() [][]byte {
	g := wasmtest.Guest{
		Imports:  []wasmtest.Import{{Module: "env", Name: "abort", Params: []byte{0x7f, 0x7f, 0x7f, 0x7f}}},
		Memories: [][]byte{onePage},
		Globals:  [][]byte{wasmtest.Bytes(0x7f, 0, 0x41, 8, 0x0b)},
		Exports:  [][]byte{wasmtest.Bytes(wasmtest.Sized("__heap_base"), 3, 0)},
		Elements: wasmtest.Section(wasmtest.Elements, 1, 0, 0x41, 0, 0x0b, 1, 1),
		Data:     []byte("\xff Go buildinf:\x08\x02                \x08go1.26.8"),
		Customs: slices.Concat(
			wasmtest.CustomSection("name", 1, wasmtest.Sized(1, 1, wasmtest.Sized("sbrk"))),
			wasmtest.CustomSection("producers", 1, wasmtest.Sized("language"), 1, wasmtest.Sized("Rust"), wasmtest.Sized("1.84")),
		),
	}
	seeds := [][]byte{nil, []byte(wasmtest.Header), []byte("\x00asm\x0d\x00\x01\x00")}
	for _, code := range [][]byte{
		growDrop, growKept, growStored, sizeDrop,
		wasmtest.Bytes(0x03, 0x40, 0x20, 0, 0x41, 16, 0x74, loaded, growKept, 0x0d, 0, 0x0b),
		wasmtest.Bytes(0x02, 0x7f, 0x41, 1, 0x40, 0, 0x41, 0, 0x0e, 1, 0, 0, 0x0b, 0x1a),
		wasmtest.Bytes(0x41, 0, 0x04, 0x40, growKept, 0x05, growDrop, 0x0b, 0x10, 1),
		wasmtest.Bytes(0x06, 0x40, growKept, 0x07, 0, 0x19, 0x0b, 0x1f, 0x40, 1, 2, 0, 0x0b),
		wasmtest.Bytes(0xfd, 12, "0123456789abcdef", 0x1a, 0xfe, 3, 0, 0xfc, 9, 0, 0xfb, 30),
		wasmtest.Bytes(0x10, 2, 0x41, 16, 0x74, loaded),
	} {
		g.Funcs = []wasmtest.Func{{Locals: i32, Export: "malloc", Code: code}, {Results: i32, Code: wasmtest.Bytes(0x41, 1, 0x40, 0)}}
		seeds = append(seeds, g.Binary())
	}
	return seeds
}

func FuzzInspect(f *testing.F) {
	for _, seed := range fuzzSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, binary []byte) { checkInspect(t, binary) })
}

// checkInspect holds a report to what is true of any.
func checkInspect(t *testing.T, binary []byte) {
	t.Helper()
	r, err := guest.Inspect(binary)
	if err != nil {
		e := (*guest.FormatError)(nil)
		if r != nil || !errors.As(err, &e) || e.Offset > uint64(len(binary)) || e.Reason == "" {
			t.Fatalf("%x: %v", binary, err)
		}
		return
	}
	for opcode, s := range map[byte]guest.Sites{0x40: r.Grows, 0x3f: r.Sizes} {
		if len(s.First) != min(s.N, 32) {
			t.Fatalf("%x: %d sites, %d places", binary, s.N, len(s.First))
		}
		for _, site := range s.First {
			if binary[site.Offset] != opcode || int(site.Memory) >= len(r.Memories) {
				t.Fatalf("%x: no site: %v", binary, site)
			}
		}
	}
	if r.Verdict.Late.Reason == "" || r.Verdict.Early.Reason == "" {
		t.Fatalf("%x: a verdict without a reason", binary)
	}
}

// TestInspectDamaged changes each byte of some modules.
func TestInspectDamaged(t *testing.T) {
	for _, seed := range fuzzSeeds() {
		for i := range seed {
			for _, c := range []byte{0, 1, 0x0b, 0x40, 0x7f, 0x80, 0xff, seed[i] + 1, seed[i] ^ 0x80} {
				damaged := slices.Clone(seed)
				damaged[i] = c
				checkInspect(t, damaged)
			}
		}
	}
}

// TestReportIsApart changes the binary behind the report.
func TestReportIsApart(t *testing.T) {
	binary := fuzzSeeds()[5]
	r, want := inspect(t, binary), inspect(t, slices.Clone(binary))
	for i := range binary {
		binary[i] = 0xff
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("the report changed with the binary: %+v, want %+v", r, want)
	}
}

// BenchmarkInspect inspects a module of 2 MB of the kinds of instructions that compilers write most of.
func BenchmarkInspect(b *testing.B) {
	const nFuncs, nPieces = 2_000, 100
	rng := rand.New(rand.NewPCG(1, 2))
	pieces := [][]byte{
		wasmtest.Bytes(0x20, 1, 0x21, 0), wasmtest.Bytes(0x20, 0, 0x41, wasmtest.S(1<<20), 0x6a, 0x21, 1),
		wasmtest.Bytes(0x20, 0, 0x28, 2, wasmtest.U(300), 0x21, 1), wasmtest.Bytes(0x20, 0, 0x20, 1, 0x36, 2, 8),
		wasmtest.Bytes(0x02, 0x40, 0x20, 0, 0x0d, 0, 0x20, 1, 0x21, 0, 0x0b), wasmtest.Bytes(0x10, wasmtest.U(nFuncs-1)),
		wasmtest.Bytes(0x03, 0x40, 0x20, 0, 0x45, 0x0d, 0, 0x0b), wasmtest.Bytes(0x41, 0, 0x20, 1, 0x46, 0x04, 0x40, 0x0f, 0x0b),
	}
	g := wasmtest.Guest{Memories: [][]byte{onePage}, Data: bytes.Repeat([]byte("linear memory "), 40_000)}
	for range nFuncs {
		var code []byte
		for range nPieces {
			code = append(code, pieces[rng.IntN(len(pieces))]...)
		}
		g.Funcs = append(g.Funcs, wasmtest.Func{Locals: []byte{0x7f, 0x7f}, Code: code})
	}
	g.Funcs[nFuncs/2].Code = append(g.Funcs[nFuncs/2].Code, growKept...)
	binary := g.Binary()
	b.SetBytes(int64(len(binary)))
	b.ReportAllocs()
	for b.Loop() {
		if r := inspect(b, binary); r.Verdict.Late.Outcome != guest.Tolerates {
			b.Fatal(r.Verdict.Late.Reason)
		}
	}
}

// TestInspectIsLinear holds that the report of a hostile binary is no larger than a few times the binary: here many functions
// are exported under names of a byte or two, all of one type with many parameters.
func TestInspectIsLinear(t *testing.T) {
	const n = 5000
	functions, exports := wasmtest.U(n), wasmtest.U(n)
	for i := range n {
		functions = append(functions, 0)
		name := []byte{byte('a' + i%26), byte('a' + i/26%26), byte('a' + i/676)}
		exports = append(exports, wasmtest.Bytes(3, name, 0, wasmtest.U(uint64(i)))...)
	}
	code := wasmtest.Bytes(wasmtest.U(n), bytes.Repeat([]byte{2, 0, 0x0b}, n))
	module := wasmtest.Module(
		wasmtest.Section(wasmtest.Types, 1, 0x60, wasmtest.U(n), bytes.Repeat([]byte{0x7f}, n), 0),
		wasmtest.Section(wasmtest.Functions, functions),
		wasmtest.Section(wasmtest.Exports, exports),
		wasmtest.Section(wasmtest.Code, code),
	)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r := inspect(t, module)
	runtime.ReadMemStats(&after)
	if len(r.Functions) != n || len(r.Functions[n-1].Params) != n {
		t.Fatalf("%d functions, want %d with as many parameters", len(r.Functions), n)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 100*uint64(len(module)) {
		t.Errorf("Inspect of %d bytes allocates %d", len(module), allocated)
	}
}
