package wasm_test

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/internal/wasm"
	. "github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

// Sections that others need before them.
var (
	oneType     = Section(Types, Vec(Bytes(0x60, 0, 0)))
	oneFunction = slices.Concat(oneType, Section(Functions, 1, 0))
	oneMemory   = Section(Memories, 1, 0, 1)
	zero        = Bytes(0x41, 0, 0x0b) // i32.const 0
)

// TestBroken breaks each part of each section. Offset is relative to the contents of the last section, if it is not the
// header's.
func TestBroken(t *testing.T) {
	const tooMany = "\xff\xff\xff\xff\x0f" // 2^32 - 1
	for _, tt := range []struct {
		name   string
		before []byte
		id     byte
		bytes  []byte
		offset int
		reason string
	}{
		{"custom: no name", nil, Custom, nil, 0, "expected the name of a custom section"},
		{"custom: name too long", nil, Custom, Bytes(2, "x"), 0, "at most the 1 bytes"},
		{"custom: name not UTF-8", nil, Custom, Bytes(1, 0xff), 1, "in UTF-8"},
		{"unknown section", nil, 14, Bytes(0), -2, "its id is 14"},
		{"section twice", oneType, Types, Bytes(0), -2, "type section comes after the type section"},
		{"section out of order", oneMemory, Functions, Bytes(0), -2, "function section comes after the memory section"},
		{"tags behind globals", Section(Globals, 0), Tags, Bytes(0), -2, "tag section comes after the global section"},

		{"types: too many", nil, Types, Bytes(tooMany), 0, "at most the 0 bytes"},
		{"types: one too few", nil, Types, Bytes(1), 0, "at most the 0 bytes"},
		{"types: rest", nil, Types, Bytes(0, 7), 1, "1 bytes more"},
		{"types: unknown form", nil, Types, Bytes(1, 0x61), 1, "not 0x61"},
		{"types: unknown form of a subtype", nil, Types, Bytes(1, 0x50, 0, 0x61), 3, "not 0x61"},
		{"types: too many parameters", nil, Types, Bytes(1, 0x60, tooMany), 2, "the number of parameters"},
		{"types: no results", nil, Types, Bytes(1, 0x60, 0), 3, "the number of results"},
		{"types: no value type", nil, Types, Bytes(1, 0x60, 1, 0x7a, 0), 3, "a value type, not 0x7a"},
		{"types: a packed parameter", nil, Types, Bytes(1, 0x60, 1, 0x78, 0), 3, "a value type, not 0x78"},
		{"types: no heap type", nil, Types, Bytes(1, 0x60, 1, 0x63, 0x7f, 0), 4, "a heap type, not -1"},
		{"types: mutability", nil, Types, Bytes(1, 0x5f, 1, 0x78, 2), 4, "a mutability"},
		{"types: cut recursive group", nil, Types, Bytes(1, 0x4e, 2, 0x60, 0, 0), 6, "expected a type"},

		{"imports: module not UTF-8", nil, Imports, Bytes(1, 1, 0xff, 0, 0, 0), 2, "the module of an import"},
		{"imports: unknown kind", nil, Imports, Bytes(1, 0, 0, 5), 3, "the kind of an import"},
		{"imports: no such type", nil, Imports, Bytes(1, 0, 0, 0, 0), 4, "the index of a type below 0, not 0"},
		{"imports: flags of a table", nil, Imports, Bytes(1, 0, 0, 1, 0x70, 8, 0), 5, "limits of a table"},
		{"imports: table of numbers", nil, Imports, Bytes(1, 0, 0, 1, 0x7f, 0, 0), 4, "a reference type"},
		{"imports: flags of a memory", nil, Imports, Bytes(1, 0, 0, 2, 16, 0), 4, "limits of a memory"},
		{"imports: attribute of a tag", oneType, Imports, Bytes(1, 0, 0, 4, 1, 0), 4, "the attribute of a tag"},
		{"imports: cut", nil, Imports, Bytes(1, 0, 0), 3, "the kind of an import, and the bytes end"},

		{"functions: no such type", oneType, Functions, Bytes(1, 1), 1, "below 1, not 1"},
		{"functions: type of a structure", Section(Types, 1, 0x5f, 0), Functions, Bytes(1, 0), 1, "type 0 is none"},
		{"functions: without code", oneType, Functions, Bytes(1, 0), 2, "code section with the bodies of 1 functions"},

		{"tables: no 0 behind 0x40", nil, Tables, Bytes(1, 0x40, 1, 0x70, 0, 0), 2, "0 behind the 0x40"},
		{"memories: minimum of 33 bits", nil, Memories, Bytes(1, 0, "\x80\x80\x80\x80\x10"), 2, "the minimum of a memory"},
		{"memories: no maximum", nil, Memories, Bytes(1, 1, 0), 3, "the maximum of a memory"},
		{"memories: pages too large", nil, Memories, Bytes(1, 8, 0, 17), 3, "not 2^17"},
		{"tags: no such type", nil, Tags, Bytes(1, 0, 0), 2, "the index of a type"},

		{"globals: mutability", nil, Globals, Bytes(1, 0x7f, 2, zero), 2, "a mutability"},
		{"globals: instruction that is not constant", nil, Globals, Bytes(1, 0x7f, 0, 0x40, 0, 0x0b), 3, "0x40 is none"},
		{"globals: function that is not there", nil, Globals, Bytes(1, 0x70, 0, 0xd2, 0, 0x0b), 3, "a function below 0"},
		{"globals: no end", nil, Globals, Bytes(1, 0x7f, 0, 0x41, 0), 5, "an instruction, and the bytes end"},

		{"exports: name not UTF-8", nil, Exports, Bytes(1, 1, 0xc0, 0, 0), 2, "in UTF-8"},
		{"exports: unknown kind", nil, Exports, Bytes(1, 0, 5, 0), 2, "the kind of an export"},
		{"exports: no such function", nil, Exports, Bytes(1, 0, 0, 0), 3, "the index of a function below 0"},
		{"exports: no such table", nil, Exports, Bytes(1, 0, 1, 0), 3, "the index of a table below 0"},
		{"exports: no such memory", oneMemory, Exports, Bytes(1, 0, 2, 1), 3, "the index of a memory below 1"},
		{"exports: no such global", nil, Exports, Bytes(1, 0, 3, 0), 3, "the index of a global below 0"},
		{"exports: no such tag", nil, Exports, Bytes(1, 0, 4, 0), 3, "the index of a tag below 0"},
		{"start: no such function", nil, Start, Bytes(0), 0, "the start function below 0"},

		{"elements: flags", nil, Elements, Bytes(1, 8), 1, "0 to 7, not 0x8"},
		{"elements: no such table", nil, Elements, Bytes(1, 2, 0, zero, 0, 0), 2, "the index of a table"},
		{"elements: kind", nil, Elements, Bytes(1, 1, 1, 0), 2, "the kind of elements"},
		{"elements: no such function", nil, Elements, Bytes(1, 1, 0, 1, 0), 4, "the index of a function below 0"},
		{"elements: type", nil, Elements, Bytes(1, 5, 0x7f, 0), 2, "a reference type"},

		{"code: none declared", nil, Code, Bytes(1, 2, 0, 0x0b), 0, "code of the 0 functions"},
		{"code: one missing", oneFunction, Code, Bytes(0), 0, "code of the 1 functions"},
		{"code: body too long", oneFunction, Code, Bytes(1, 3, 0, 0x0b), 1, "the size of a function to be at most the 2 bytes"},
		{"code: body too short", oneFunction, Code, Bytes(1, 1, 0, 0x0b), 3, "an instruction, and the bytes end"},
		{"code: rest in a body", oneFunction, Code, Bytes(1, 3, 0, 0x0b, 1), 4, "the end of the function"},
		{"code: rest behind the bodies", oneFunction, Code, Bytes(1, 2, 0, 0x0b, 0), 4, "the end of the code section"},
		{"code: too many locals", oneFunction, Code, Bytes(1, 16, 2, tooMany, 0x7f, "\x81\x80\x80\x80\x00", 0x7f, 0x0b, 0, 0), 9, "at most 4294967295 locals"},
		{"code: local without a type", oneFunction, Code, Bytes(1, 4, 1, 1, 0x40, 0x0b), 4, "a value type"},
		{"code: cut constant", oneFunction, Code, Bytes(1, 5, 0, 0x44, 0, 0, 0), 4, "an f64, 8 bytes, and only 3 follow"},
		{"code: unknown instruction", oneFunction, Code, Bytes(1, 3, 0, 0xff, 0x0b), 3, "not ff"},

		{"data: flags", oneMemory, Data, Bytes(1, 3, 0), 1, "0 to 2, not 0x3"},
		{"data: no such memory", oneMemory, Data, Bytes(1, 2, 1, zero, 0), 2, "the index of a memory below 1"},
		{"data: too long", oneMemory, Data, Bytes(1, 1, 2, 0), 2, "at most the 1 bytes"},
		{"data: other than counted", Section(DataCount, 2), Data, Bytes(1, 1, 0), 0, "the 2 data segments"},
		{"data count without data", nil, DataCount, Bytes(1), 1, "a data section with the 1 segments"},
	} {
		section := Section(tt.id, tt.bytes)
		binary := Module(tt.before, section)
		contents := len(binary) - len(tt.bytes)
		_, err := wasm.Parse(binary)
		e := (*wasm.Error)(nil)
		if !errors.As(err, &e) || e.Offset != contents+tt.offset || !strings.Contains(e.Reason, tt.reason) {
			t.Errorf("%s: %v, want %q at byte %#x", tt.name, err, tt.reason, contents+tt.offset)
		}
	}
}

func TestHeader(t *testing.T) {
	for _, tt := range []struct {
		name, binary string
		offset       int
		reason       string // "" if it is a module
	}{
		{"empty", "", 0, "expected the header"},
		{"text", "(module)", 0, "expected the header"},
		{"cut", Header[:7], 0, "expected the header"},
		{"nothing behind the header", Header, 0, ""},
		{"version", "\x00asm\x02\x00\x00\x00", 4, "version 1"},
		{"component", "\x00asm\x0d\x00\x01\x00", 4, "inspect the core module inside"},
		{"section without a size", Header + "\x01", 9, "the size of a section"},
		{"section too long", Header + "\x01\x02\x00", 9, "the size of a section to be at most the 1 bytes"},
	} {
		_, err := wasm.Parse([]byte(tt.binary))
		e := (*wasm.Error)(nil)
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		} else if !errors.As(err, &e) || e.Offset != tt.offset || !strings.Contains(e.Reason, tt.reason) {
			t.Errorf("%s: %v, want %q at byte %#x", tt.name, err, tt.reason, tt.offset)
		}
	}
}

// everything has each section, and each form of what is in them.
func everything() []byte {
	return Module(
		CustomSection("first", "x"),
		Section(Types, 5,
			0x60, 2, 0x7f, 0x7e, 1, 0x63, 0x70,
			0x4e, 2, 0x50, 0, 0x5f, 2, 0x78, 0, 0x7f, 1, 0x4f, 1, 1, 0x5e, 0x64, 0x00, 1,
			0x5d, 0,
			0x60, 0, 0,
			0x4e, 0),
		Section(Imports, 6,
			Sized("env"), Sized("function"), 0, 0,
			Sized("env"), Sized("table"), 1, 0x6f, 1, 1, 2,
			Sized("env"), Sized("memory"), 2, 3, 1, 2,
			Sized("env"), Sized("global"), 3, 0x7f, 0,
			Sized("env"), Sized("tag"), 4, 0, 4,
			Sized(""), Sized(""), 0, 4),
		Section(Functions, 2, 4, 4),
		Section(Tables, 2, 0x70, 4, 0, 0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b),
		Section(Memories, 2, 5, 1, "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 8, 7, 0),
		Section(Tags, 1, 0, 4),
		Section(Globals, 3,
			0x7f, 0, 0x41, 0x7f, 0x0b,
			0x7e, 1, 0x42, 0x80, 0x80, 0x04, 0x0b,
			0x7f, 0, 0x23, 0, 0x41, 1, 0x6a, 0x0b),
		Section(Exports, 5, Sized("f"), 0, 2, Sized("t"), 1, 2, Sized("m"), 2, 2, Sized("g"), 3, 3, Sized("e"), 4, 1),
		Section(Start, 3),
		Section(Elements, 8,
			0, zero, 1, 0, 1, 0, 1, 1, 2, 1, zero, 0, 0, 3, 0, 1, 1,
			4, zero, 1, 0xd2, 2, 0x0b, 5, 0x70, 0, 6, 1, zero, 0x70, 0, 7, 0x64, 0x70, 1, 0xd0, 0x70, 0x0b),
		Section(DataCount, 3),
		Section(Code, 2, Sized(2, "\xfe\xff\xff\xff\x0f", 0x7f, 1, 0x7b, 0x3f, 0, 0x40, 2, 0x1a, 0x1a, 0x0b), Sized(0, 0x0b)),
		Section(Data, 3, 0, zero, Sized("\x40\x00\x40\x00"), 1, Sized("passive"), 2, 2, zero, 0),
		CustomSection("last"),
	)
}

func TestEverything(t *testing.T) {
	m, err := wasm.Parse(everything())
	if err != nil {
		t.Fatal(err)
	}
	two, large, minusOne, page := uint64(2), uint64(1<<63), uint64(1<<32-1), uint64(1<<16)
	for _, tt := range []struct {
		what      string
		got, want any
	}{
		{"function types", []bool{m.Types[0].IsFunction, m.Types[1].IsFunction, m.Types[4].IsFunction}, []bool{true, false, true}},
		{"parameters", m.Types[0].Params, []byte{0x7f, 0x7e}},
		{"results", m.Types[0].Results, []byte{0x63}},
		{"imports", len(m.Imports), 6},
		{"functions", m.Functions, []uint32{0, 4, 4, 4}},
		{"memories", m.Memories, []wasm.Memory{
			{Min: 1, Max: &two, Shared: true, Imported: true, PageSize: 1 << 16},
			{Min: 1, Max: &large, Is64: true, PageSize: 1 << 16},
			{Min: 7, PageSize: 1},
		}},
		{"globals", m.Globals, []wasm.Global{
			{Type: 0x7f}, {Type: 0x7f, Const: &minusOne}, {Type: 0x7e, Mutable: true, Const: &page}, {Type: 0x7f},
		}},
		{"exports", m.Exports, []wasm.Export{
			{"f", wasm.KindFunction, 2}, {"t", wasm.KindTable, 2}, {"m", wasm.KindMemory, 2}, {"g", wasm.KindGlobal, 3}, {"e", wasm.KindTag, 1},
		}},
		{"start", m.Start, true},
		{"data", m.Data, [][]byte{[]byte("\x40\x00\x40\x00"), []byte("passive"), {}}},
		{"customs", m.Customs, []wasm.Custom{{"first", []byte("x")}, {"last", []byte{}}}},
		{"sizes", m.NumSizes, 1},
		{"memory of memory.grow", m.Grows[0].Memory, uint32(2)},
		{"function of memory.grow", m.Grows[0].Function, uint32(2)},
		{"bytes at memory.grow", everything()[m.Grows[0].Offset], byte(0x40)},
		{"bytes at memory.size", everything()[m.Sizes[0].Offset], byte(0x3f)},
	} {
		if !reflect.DeepEqual(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.what, tt.got, tt.want)
		}
	}
}

// TestCut cuts the module everywhere. Between sections that may be a module.
func TestCut(t *testing.T) {
	whole := everything()
	nModules := 0
	for n := range whole {
		m, err := wasm.Parse(whole[:n])
		if err == nil {
			nModules++
			m.FollowGrowths()
		} else if e := (*wasm.Error)(nil); !errors.As(err, &e) || e.Offset > n {
			t.Errorf("%d bytes of a module: %v", n, err)
		}
	}
	if want := 5; nModules != want { // up to the function section, that of code is missing; behind data, a custom section
		t.Errorf("%d beginnings of a module are modules, want %d", nModules, want)
	}
}

// TestAnnounced announces as much as can be of what has its own count, and allocates nothing for it.
func TestAnnounced(t *testing.T) {
	const most = "\xff\xff\xff\xff\x0f"
	for id := Types; id <= Tags; id++ {
		var before, after runtime.MemStats
		binary := Module(Section(id, most, "\x00\x00\x00\x00"))
		runtime.ReadMemStats(&before)
		_, err := wasm.Parse(binary)
		runtime.ReadMemStats(&after)
		if n := after.TotalAlloc - before.TotalAlloc; err == nil || n > 1<<16 {
			t.Errorf("section %d with 2^32-1 elements: %v, and %d bytes were allocated", id, err, n)
		}
	}
}

func TestDataCountOfMany(t *testing.T) {
	_, err := wasm.Parse(Module(Section(DataCount, "\xff\xff\xff\xff\x0f")))
	if want := fmt.Sprint(uint32(1<<32 - 1)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want an error with %s", err, want)
	}
}

func TestNames(t *testing.T) {
	names := func(entries ...[]byte) []byte { return Bytes(1, Sized(Vec(entries...))) }
	for _, tt := range []struct {
		name     string
		sections []byte
		want     string
	}{
		{"none", nil, "old"},
		{"named", CustomSection("name", 0, Sized(Sized("module")), names(Bytes(1, Sized("other")), Bytes(2, Sized("new")))), "new"},
		{"others only", CustomSection("name", names(Bytes(3, Sized("other")))), "old"},
		{"not UTF-8", CustomSection("name", names(Bytes(2, Sized("\xff")))), "old"},
		{"cut behind the name", CustomSection("name", 1, 200, 9, 2, Sized("new")), "old"},
		{"fewer than announced", CustomSection("name", 1, Sized(3, 2, Sized("new"), 7)), "new"},
		{"empty", CustomSection("name"), "old"},
		{"first of two", slices.Concat(CustomSection("name", names(Bytes(2, Sized("new")))), CustomSection("name", names(Bytes(2, Sized("newer"))))), "new"},
	} {
		m, err := wasm.Parse(Module(tt.sections))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := map[uint32]string{2: "old"}
		if m.NameFunctions(got); len(got) != 1 || got[2] != tt.want {
			t.Errorf("%s: %v, want %q", tt.name, got, tt.want)
		}
	}
}

func TestProducers(t *testing.T) {
	clang := Bytes(Sized("processed-by"), 1, Sized("clang"), Sized("18"))
	rust := Bytes(Sized("language"), 2, Sized("Rust"), Sized(""), Sized("C11"), Sized(""))
	for _, tt := range []struct {
		name     string
		contents []byte
		want     []wasm.Producer
	}{
		{"all", Vec(clang, rust), []wasm.Producer{{"processed-by", "clang", "18"}, {"language", "Rust", ""}, {"language", "C11", ""}}},
		{"cut", Vec(clang, rust)[:40], []wasm.Producer{{"processed-by", "clang", "18"}, {"language", "Rust", ""}}},
		{"nothing", nil, nil},
		{"more announced than there is", Bytes(9), nil},
	} {
		m, err := wasm.Parse(Module(CustomSection("producers", tt.contents)))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := m.Producers(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
