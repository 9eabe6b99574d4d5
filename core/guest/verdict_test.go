package guest_test

import (
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/core/internal/wasm/wasmtest"
)

func TestVerdict(t *testing.T) {
	const un, ok, bad = guest.Undecided, guest.Tolerates, guest.Corrupts
	with := func(code ...[]byte) wasmtest.Guest {
		g := wasmtest.Guest{Memories: [][]byte{onePage}}
		for _, c := range code {
			g.Funcs = append(g.Funcs, wasmtest.Func{Code: c})
		}
		return g
	}
	by := func(language string, g wasmtest.Guest) wasmtest.Guest {
		g.Customs = producers([3]string{"language", language, ""})
		return g
	}
	memories := func(g wasmtest.Guest, memories ...[]byte) wasmtest.Guest {
		g.Memories = memories
		return g
	}
	resizing := with(nil)
	resizing.Imports = []wasmtest.Import{{Module: "env", Name: "emscripten_resize_heap", Params: i32, Results: i32}}
	for _, tt := range []struct {
		name        string
		g           wasmtest.Guest
		late, early guest.Outcome
		reason      string // part of that for late
		reasonEarly string // part of that for early; "" if the same
	}{
		{"no memory", memories(with(nil)), ok, ok, "no memory", ""},
		{"neither grows nor asks", with(nil), ok, ok, "cannot notice", ""},
		{"neither, shared", memories(with(nil), []byte{3, 1, 2}), un, un, "shared", ""},
		{"asks only", with(sizeDrop), un, un, "never grows its memory, but asks for its size, in function 0 at byte", ""},
		{"address", with(growKept), ok, ok, "from where memory.grow says that they are, in function 0", "never asks for the size"},
		{"address at two places", with(growKept, growKept), ok, ok, "at 2 places, first in function 0", "never asks"},
		{"address, asks", with(growKept, sizeDrop), un, un, "but asks for the size of its memory as well, in function 1", ""},
		{"status", with(growDrop), un, un, "only looks whether memory.grow succeeded", ""},
		{"unknown", with(growStored), un, un, "could not be followed at 1 of 1 places", ""},
		{"address and status", with(growKept, growDrop), un, un, "only at 1 of 2 places", ""},
		{"address and unknown", with(growKept, growStored), un, un, "could not be followed at 1 of 2 places", ""},
		{"address of a shared memory", memories(with(growKept), []byte{3, 1, 2}), un, un, "shared", ""},
		{"address of two memories", memories(with(growKept), onePage, onePage), un, un, "2 memories", ""},
		{"address of small pages", memories(with(growKept), []byte{8, 1, 0}), un, un, "pages of 1 bytes", ""},
		{"Go", by("Go", with(growKept)), bad, bad, "made by Go", ""},
		{"Go with a shared memory", by("Go", memories(with(growKept), []byte{3, 1, 2})), bad, bad, "made by Go", ""},
		{"Go that does not grow", by("Go", with(nil)), ok, ok, "cannot notice", ""},
		{"TinyGo", by("TinyGo", with(growDrop, sizeDrop)), bad, bad, "made by TinyGo", ""},
		{"Emscripten that asks", by("Emscripten", with(sizeDrop)), bad, bad, "made by Emscripten", ""},
		{"Emscripten by the host", by("Emscripten", resizing), bad, bad, "made by Emscripten", ""},
		{"Kotlin", by("Kotlin", with(growDrop)), bad, bad, "made by Kotlin", ""},
		{"AssemblyScript", by("AssemblyScript", with(growKept, sizeDrop)), un, un, "runtime stub", "up to memory.size"},
		{"AssemblyScript that does not grow", by("AssemblyScript", with(nil)), ok, ok, "cannot notice", ""},
		{"Rust", by("Rust", with(growKept)), ok, ok, "from where memory.grow says", ""},
	} {
		v := inspect(t, tt.g.Binary()).Verdict
		if tt.reasonEarly == "" {
			tt.reasonEarly = tt.reason
		}
		if v.Late.Outcome != tt.late || !strings.Contains(v.Late.Reason, tt.reason) {
			t.Errorf("%s: late %v, want %v because of %q", tt.name, v.Late, tt.late, tt.reason)
		}
		if v.Early.Outcome != tt.early || !strings.Contains(v.Early.Reason, tt.reasonEarly) {
			t.Errorf("%s: early %v, want %v because of %q", tt.name, v.Early, tt.early, tt.reasonEarly)
		}
	}
}

func TestVerdictOfImportedMemory(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hints []byte
		want  guest.Outcome
	}{
		{"unknown", nil, guest.Undecided},
		{"Go", producers([3]string{"language", "Go", ""}), guest.Corrupts},
	} {
		r := inspect(t, wasmtest.Module(
			wasmtest.Section(wasmtest.Types, 1, 0x60, 0, 0),
			wasmtest.Section(wasmtest.Imports, 1, wasmtest.Sized("env"), wasmtest.Sized("memory"), 2, 0, 1),
			wasmtest.Section(wasmtest.Functions, 1, 0),
			wasmtest.Section(wasmtest.Code, 1, wasmtest.Sized(0, growKept, 0x0b)),
			tt.hints,
		))
		if v := r.Verdict; v.Late.Outcome != tt.want || v.Early.Outcome != tt.want || !r.Memories[0].Imported {
			t.Errorf("%s: %+v, want %v", tt.name, v, tt.want)
		}
	}
}
