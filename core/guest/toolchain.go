package guest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/linmem/linmem/core/internal/wasm"
)

// clue is something in a binary that tells the toolchain that made it.
type clue struct {
	name     ToolchainName
	version  string
	evidence string
}

// detectToolchain concludes from clues, the strongest first: what the binary says of itself, then what it must have for its
// runtime, then names.
func detectToolchain(m *wasm.Module, r *Report) Toolchain {
	clues := slices.Concat(producerClues(m), goClues(m), importClues(m), exportClues(r), customClues(m), nameClues(r))
	return conclude(clues)
}

// dangerous are the toolchains in the order in which one is chosen where there are clues to several: those whose guests
// corrupt, then that whose guests may, then those that have the later ones as a part of themselves. Clang is a part of most.
var dangerous = []ToolchainName{TinyGo, Go, Emscripten, Kotlin, AssemblyScript, Rust, Zig, Clang}

// isPart reports whether clues to the toolchain part are to be expected in what whole makes.
func isPart(whole, part ToolchainName) bool {
	switch whole {
	case TinyGo:
		return part == Clang || part == Go // it compiles Go, and says so
	case Emscripten:
		return part == Clang || part == Rust
	case Rust, Zig:
		return part == Clang
	}
	return false
}

func conclude(clues []clue) (t Toolchain) {
	for _, name := range dangerous {
		if slices.ContainsFunc(clues, func(c clue) bool { return c.name == name }) {
			t.Name = name
			break
		}
	}
	var others []string
	for _, c := range clues {
		if c.name == t.Name {
			if t.Version == "" {
				t.Version = c.version
			}
			t.Evidence = append(t.Evidence, c.evidence)
		}
	}
	for _, c := range clues {
		if c.name != t.Name {
			t.Evidence = append(t.Evidence, c.evidence)
			if !isPart(t.Name, c.name) && !slices.Contains(others, string(c.name)) {
				others = append(others, string(c.name))
			}
		}
	}
	if len(others) > 0 {
		t.Evidence = append(t.Evidence, fmt.Sprintf("this contradicts itself, as it speaks for %s as well: %s is the more dangerous",
			strings.Join(others, " and "), t.Name))
	}
	return t
}

// producerClues are from the section producers, where toolchains and languages have these names.
func producerClues(m *wasm.Module) (clues []clue) {
	for _, p := range m.Producers() {
		var name ToolchainName
		switch lower := strings.ToLower(p.Name); {
		case lower == "tinygo":
			name = TinyGo
		case lower == "go", lower == "go cmd/compile":
			name = Go
		case lower == "emscripten":
			name = Emscripten
		case strings.HasPrefix(lower, "kotlin"):
			name = Kotlin
		case lower == "assemblyscript":
			name = AssemblyScript
		case lower == "rust", lower == "rustc":
			name = Rust
		case lower == "zig":
			name = Zig
		case lower == "clang", strings.HasPrefix(lower, "clang "), lower == "c_plus_plus", isC(p):
			name = Clang
		default:
			continue
		}
		c := clue{name: name, evidence: fmt.Sprintf("producers: %s %s", p.Field, p.Name)}
		if p.Version != "" {
			c.evidence += " " + p.Version
			c.version = p.Version
		}
		clues = append(clues, c)
	}
	return clues
}

// isC reports whether a producer is the language C or C++, of whatever year: C11, C_plus_plus_14.
func isC(p wasm.Producer) bool {
	rest, ok := strings.CutPrefix(p.Name, "C")
	return ok && p.Field == "language" && strings.Trim(strings.TrimPrefix(rest, "_plus_plus_"), "0123456789") == ""
}

// buildInfoMagic begins what Go's linker writes into every program's data, stripped or not.
//
// See https://pkg.go.dev/debug/buildinfo
var buildInfoMagic = []byte("\xff Go buildinf:")

// goClues are what Go's linker leaves.
func goClues(m *wasm.Module) (clues []clue) {
	for _, c := range m.Customs {
		if c.Name == "go:buildid" || c.Name == "go.buildid" {
			clues = append(clues, clue{name: Go, evidence: "custom section " + c.Name})
		}
	}
	for _, data := range m.Data {
		if i := bytes.Index(data, buildInfoMagic); i >= 0 {
			return append(clues, clue{name: Go, version: buildInfoVersion(data[i:]), evidence: "data: Go's build information"})
		}
	}
	return clues
}

// buildInfoVersion returns Go's version from its build information, or "".
func buildInfoVersion(info []byte) string {
	const headerSize, flags, isInline = 32, 15, 2
	if len(info) <= headerSize || info[flags]&isInline == 0 {
		return ""
	}
	n, nBytes := binary.Uvarint(info[headerSize:])
	rest := info[headerSize+max(nBytes, 0):]
	if nBytes <= 0 || n > uint64(len(rest)) {
		return ""
	}
	return string(rest[:n])
}

// importClues are functions that only a toolchain's own host code provides.
func importClues(m *wasm.Module) (clues []clue) {
	for _, i := range m.Imports {
		if i.Kind != wasm.KindFunction {
			continue
		}
		var name ToolchainName
		switch {
		case i.Module == "gojs", i.Module == "go":
			name = Go
		case strings.HasPrefix(i.Name, "tinygo_"):
			name = TinyGo
		case strings.HasPrefix(i.Name, "emscripten_"), strings.HasPrefix(i.Name, "_emscripten_"):
			name = Emscripten
		case i.Module == "js_code", strings.HasPrefix(i.Name, "kotlin."):
			name = Kotlin
		case i.Module == "env" && i.Name == "abort" && isAbort(m.Types[i.Type]):
			name = AssemblyScript
		case strings.HasPrefix(i.Module, "__wbindgen_"):
			name = Rust
		default:
			continue
		}
		clues = addOnce(clues, clue{name: name, evidence: fmt.Sprintf("import: %s.%s", i.Module, i.Name)})
	}
	return clues
}

// isAbort reports whether a function takes AssemblyScript's message, file name, line and column.
func isAbort(t wasm.Type) bool {
	return slices.Equal(valueTypes(t.Params), []ValueType{I32, I32, I32, I32}) && len(t.Results) == 0
}

// exportClues are functions that a toolchain's runtime has.
func exportClues(r *Report) (clues []clue) {
	exported := map[string]bool{}
	for _, e := range r.Functions {
		exported[e.Name] = true
	}
	for _, e := range r.Functions {
		var name ToolchainName
		switch {
		case strings.HasPrefix(e.Name, "tinygo_"):
			name = TinyGo
		case strings.HasPrefix(e.Name, "emscripten_"), strings.HasPrefix(e.Name, "_emscripten_"),
			e.Name == "stackAlloc" && exported["stackSave"] && exported["stackRestore"]:
			name = Emscripten
		case e.Name == "__new" && (exported["__pin"] || exported["__collect"]), e.Name == "__collect" && exported["__pin"]:
			name = AssemblyScript
		case strings.HasPrefix(e.Name, "__wbindgen_"), strings.HasPrefix(e.Name, "__wbg_"):
			name = Rust
		default:
			continue
		}
		clues = addOnce(clues, clue{name: name, evidence: "export: " + e.Name})
	}
	return clues
}

// customClues are custom sections, other than producers, and Go's.
func customClues(m *wasm.Module) (clues []clue) {
	for _, c := range m.Customs {
		if strings.HasPrefix(c.Name, "emscripten_") {
			clues = addOnce(clues, clue{name: Emscripten, evidence: "custom section " + c.Name})
		}
	}
	for _, e := range m.Exports {
		if e.Kind == wasm.KindGlobal && e.Name == "__rtti_base" {
			clues = addOnce(clues, clue{name: AssemblyScript, evidence: "export: " + e.Name})
		}
	}
	return clues
}

// nameClues are the names of the functions that grow or measure the memory.
func nameClues(r *Report) (clues []clue) {
	for _, s := range slices.Concat(r.Grows.First, r.Sizes.First) {
		var name ToolchainName
		switch {
		case strings.HasPrefix(s.Name, "~lib/rt/"):
			name = AssemblyScript
		case strings.HasPrefix(s.Name, "emscripten_"):
			name = Emscripten
		case strings.HasPrefix(s.Name, "kotlin."):
			name = Kotlin
		case s.Name == "runtime.growMemory", s.Name == "runtime.sbrk":
			name = Go
		case s.Name == "runtime.growHeap":
			name = TinyGo
		case strings.HasPrefix(s.Name, "_ZN8dlmalloc"), strings.Contains(s.Name, "__rust_"), strings.HasPrefix(s.Name, "__rdl_"):
			name = Rust
		default:
			continue
		}
		clues = addOnce(clues, clue{name: name, evidence: "function: " + s.Name})
	}
	return clues
}

// addOnce adds a clue if there is none of the same kind to the same toolchain: a runtime has many names.
func addOnce(clues []clue, c clue) []clue {
	if slices.ContainsFunc(clues, func(other clue) bool { return other.name == c.name }) {
		return clues
	}
	return append(clues, c)
}
