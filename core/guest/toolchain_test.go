package guest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

// producers is the section of that name, with one producer to a field.
func producers(fields ...[3]string) []byte {
	var all [][]byte
	for _, f := range fields {
		all = append(all, wasmtest.Bytes(wasmtest.Sized(f[0]), 1, wasmtest.Sized(f[1]), wasmtest.Sized(f[2])))
	}
	return wasmtest.CustomSection("producers", wasmtest.Vec(all...))
}

func exporting(names ...string) wasmtest.Guest {
	g := wasmtest.Guest{}
	for _, name := range names {
		g.Funcs = append(g.Funcs, wasmtest.Func{Export: name})
	}
	return g
}

func importing(module, name string, params ...byte) wasmtest.Guest {
	return wasmtest.Guest{Imports: []wasmtest.Import{{Module: module, Name: name, Params: params}}}
}

func named(function string) wasmtest.Guest {
	return wasmtest.Guest{
		Funcs:   []wasmtest.Func{{Code: growDrop}},
		Customs: wasmtest.CustomSection("name", 1, wasmtest.Sized(1, 0, wasmtest.Sized(function))),
	}
}

func TestToolchain(t *testing.T) {
	const buildInfo = "\xff Go buildinf:\x08"
	pad := strings.Repeat("\x00", 16)
	clang, rust := [3]string{"processed-by", "clang", "18.1.2"}, [3]string{"language", "Rust", ""}
	goLang := [3]string{"language", "Go", "go1.26"}
	for _, tt := range []struct {
		name     string
		g        wasmtest.Guest
		want     guest.ToolchainName
		version  string
		evidence string // part of one
	}{
		{"nothing", wasmtest.Guest{}, "", "", ""},
		{"unknown producer", wasmtest.Guest{Customs: producers([3]string{"language", "COBOL", "85"})}, "", "", ""},
		{"Go", wasmtest.Guest{Customs: producers(goLang)}, guest.Go, "go1.26", "producers: language Go go1.26"},
		{"Go by its build id", wasmtest.Guest{Customs: wasmtest.CustomSection("go:buildid", "x")}, guest.Go, "", "go:buildid"},
		{"Go by its old build id", wasmtest.Guest{Customs: wasmtest.CustomSection("go.buildid", "x")}, guest.Go, "", "go.buildid"},
		{"Go by its build information", wasmtest.Guest{Data: []byte("junk" + buildInfo + "\x02" + pad + "\x06go1.26junk")}, guest.Go, "go1.26", "build information"},
		{"build information without a version", wasmtest.Guest{Data: []byte(buildInfo + "\x00" + pad + "\x06go1.26")}, guest.Go, "", "build information"},
		{"build information that is cut", wasmtest.Guest{Data: []byte(buildInfo + "\x02" + pad + "\x07go1.26")}, guest.Go, "", "build information"},
		{"build information with no length", wasmtest.Guest{Data: []byte(buildInfo + "\x02" + pad + "\x80")}, guest.Go, "", "build information"},
		{"build information without more", wasmtest.Guest{Data: []byte(buildInfo)}, guest.Go, "", "build information"},
		{"Go for JavaScript", importing("gojs", "runtime.wasmExit"), guest.Go, "", "import: gojs.runtime.wasmExit"},
		{"Go by a function", named("runtime.growMemory"), guest.Go, "", "function: runtime.growMemory"},
		{"TinyGo", wasmtest.Guest{Customs: producers([3]string{"language", "C99", ""}, clang, [3]string{"processed-by", "TinyGo", "0.35.0"})}, guest.TinyGo, "0.35.0", "TinyGo"},
		{"TinyGo by an export", exporting("tinygo_launch"), guest.TinyGo, "", "export: tinygo_launch"},
		{"TinyGo by an import", importing("env", "tinygo_getCurrentStackPointer"), guest.TinyGo, "", "import: env.tinygo"},
		{"TinyGo by a function", named("runtime.growHeap"), guest.TinyGo, "", "function"},
		{"Emscripten by an import", importing("env", "emscripten_notify_memory_growth", 0x7f), guest.Emscripten, "", "notify"},
		{"Emscripten by an export", exporting("emscripten_stack_get_end"), guest.Emscripten, "", "export"},
		{"Emscripten by old exports", exporting("stackSave", "stackRestore", "stackAlloc"), guest.Emscripten, "", "stackAlloc"},
		{"Emscripten by many exports", exporting("emscripten_stack_init", "_emscripten_stack_restore"), guest.Emscripten, "", "stack_init"},
		{"one old export", exporting("stackAlloc"), "", "", ""},
		{"Emscripten by a function", named("emscripten_resize_heap"), guest.Emscripten, "", "function"},
		{"Emscripten by a section", wasmtest.Guest{Customs: wasmtest.CustomSection("emscripten_metadata")}, guest.Emscripten, "", "section"},
		{"Emscripten by its producer", wasmtest.Guest{Customs: producers([3]string{"processed-by", "Emscripten", "3"})}, guest.Emscripten, "3", "producers"},
		{"AssemblyScript by an import", importing("env", "abort", 0x7f, 0x7f, 0x7f, 0x7f), guest.AssemblyScript, "", "env.abort"},
		{"abort of another type", importing("env", "abort"), "", "", ""},
		{"AssemblyScript by exports", exporting("__new", "__pin", "__unpin"), guest.AssemblyScript, "", "__new"},
		{"AssemblyScript by other exports", exporting("__collect", "__pin"), guest.AssemblyScript, "", "__collect"},
		{"AssemblyScript by a global", wasmtest.Guest{
			Globals: [][]byte{wasmtest.Bytes(0x7f, 0, constZero, 0x0b)}, Exports: [][]byte{wasmtest.Bytes(wasmtest.Sized("__rtti_base"), 3, 0)},
		}, guest.AssemblyScript, "", "__rtti_base"},
		{"AssemblyScript by a function", named("~lib/rt/tlsf/growMemory"), guest.AssemblyScript, "", "function"},
		{"AssemblyScript by its producer", wasmtest.Guest{Customs: producers([3]string{"language", "AssemblyScript", "0.27"})}, guest.AssemblyScript, "0.27", ""},
		{"Rust", wasmtest.Guest{Customs: producers(rust, [3]string{"processed-by", "rustc", "1.84.0"})}, guest.Rust, "1.84.0", "rustc 1.84.0"},
		{"Rust with C in it", wasmtest.Guest{Customs: producers(clang, rust)}, guest.Rust, "", "clang"},
		{"Rust by wasm-bindgen", importing("__wbindgen_placeholder__", "f"), guest.Rust, "", "import"},
		{"Rust by exports", exporting("__wbindgen_malloc"), guest.Rust, "", "export"},
		{"Rust by a function", named("__rust_alloc"), guest.Rust, "", "function"},
		{"Zig", wasmtest.Guest{Customs: producers([3]string{"language", "Zig", ""}, [3]string{"processed-by", "Zig", "0.14"})}, guest.Zig, "0.14", "Zig"},
		{"Clang", wasmtest.Guest{Customs: producers(clang)}, guest.Clang, "18.1.2", "clang 18.1.2"},
		{"C", wasmtest.Guest{Customs: producers([3]string{"language", "C11", ""})}, guest.Clang, "", "C11"},
		{"C++", wasmtest.Guest{Customs: producers([3]string{"language", "C_plus_plus_14", ""})}, guest.Clang, "", "C_plus_plus_14"},
		{"C#", wasmtest.Guest{Customs: producers([3]string{"language", "C#", ""})}, "", "", ""},
		{"Kotlin", wasmtest.Guest{Customs: producers([3]string{"language", "Kotlin", "2.1"})}, guest.Kotlin, "2.1", "Kotlin"},
		{"Kotlin by an import", importing("js_code", "kotlin.captureStackTrace"), guest.Kotlin, "", "captureStackTrace"},
		{"Kotlin by a function", named("kotlin.wasm.unsafe.allocate"), guest.Kotlin, "", "function"},
		{"Go and Rust", wasmtest.Guest{Customs: producers(rust, goLang)}, guest.Go, "go1.26", "contradicts itself, as it speaks for Rust as well: Go is the more dangerous"},
		{"Rust that looks like Emscripten's", func() wasmtest.Guest {
			g := exporting("emscripten_stack_get_end")
			g.Customs = producers(rust, clang)
			return g
		}(), guest.Emscripten, "", "language Rust"},
		{"AssemblyScript's exports of Clang", func() wasmtest.Guest {
			g := exporting("__new", "__pin")
			g.Customs = producers(clang)
			return g
		}(), guest.AssemblyScript, "", "speaks for Clang as well"},
	} {
		tt.g.Memories = [][]byte{onePage}
		got := inspect(t, tt.g.Binary()).Toolchain
		hasEvidence := slices.ContainsFunc(got.Evidence, func(e string) bool { return strings.Contains(e, tt.evidence) })
		if got.Name != tt.want || got.Version != tt.version || hasEvidence != (tt.want != "") {
			t.Errorf("%s: %+v, want %q %q by %q", tt.name, got, tt.want, tt.version, tt.evidence)
		}
		isContradiction := slices.ContainsFunc(got.Evidence, func(e string) bool { return strings.Contains(e, "contradicts") })
		if isContradiction != strings.Contains(tt.evidence, "as well") {
			t.Errorf("%s: contradiction %t in %q", tt.name, isContradiction, got.Evidence)
		}
	}
}
