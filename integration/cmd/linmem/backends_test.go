package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/png"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/guests"
)

// TestAllBackends has every backend of this build hash files of 0 and 1 bytes and of 300 MB.
func TestAllBackends(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "linmem", "linmem-wasmtime", "linmem-wasmer")
	sizes := []int64{0, 1, 300_000_000}
	if testing.Short() {
		t.Log("-short leaves out the file of 300 MB")
		sizes = sizes[:2]
	}
	withCgo := cgo(t)
	for _, size := range sizes {
		path, digest := randomFile(t, size)
		r := start(t, dir, t.TempDir(), nil, "run", "--guest", "sha256", "--json", "--backend", "all", "--in", path)
		want := []answer{{Backend: "wazero", Result: digest}}
		if withCgo {
			want = append(want, answer{Backend: "wasmtime", Result: digest}, answer{Backend: "wasmer", Result: digest})
			if r.code != 0 || r.stderr != "" {
				t.Errorf("exit code %d, standard error %q", r.code, r.stderr)
			}
		} else {
			r.wants(t, "wasmtime, wasmer: left out of this build")
		}
		got := slices.DeleteFunc(r.answers(t), func(a answer) bool { return a.Error != "" })
		if !slices.Equal(got, want) {
			t.Errorf("%d bytes: answers %+v, want %+v", size, got, want)
		}
	}
}

// TestThumbnails has every backend of this build make a thumbnail, and each alone write the same file.
func TestThumbnails(t *testing.T) {
	dir, tmp := t.TempDir(), t.TempDir()
	compile(t, dir, "linmem", "linmem-wasmtime", "linmem-wasmer")
	backends := []string{"wazero"}
	if cgo(t) {
		backends = []string{"wazero", "wasmtime", "wasmer", "all"}
	}
	in, err := filepath.Abs("../../inputs/photo.jpg")
	if err != nil {
		t.Fatal(err)
	}
	var first []byte
	for _, backend := range backends {
		cwd := t.TempDir()
		r := start(t, dir, cwd, []string{"TMPDIR=" + tmp},
			"run", "--backend", backend, "--in", in, "--out", "thumb.png", "--max-side", "100")
		data, err := os.ReadFile(filepath.Join(cwd, "thumb.png"))
		if r.code != 0 || r.stderr != "" || err != nil {
			t.Fatalf("%s: exit code %d, standard error %q, %v", backend, r.code, r.stderr, err)
		}
		if first == nil {
			first = data
		}
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if size := img.Bounds().Size(); size != image.Pt(100, 75) || !bytes.Equal(data, first) {
			t.Errorf("%s: the thumbnail has %v pixels, or is not that of wazero", backend, size)
		}
		hasFiles(t, cwd, "thumb.png")
		hasFiles(t, tmp)
	}
}

// hasFiles requires a folder to hold the files of these names, and nothing else.
func hasFiles(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if !slices.Equal(got, names) {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

// TestFailures holds that what is wrong with a guest or an input is one line for all backends that find it.
func TestFailures(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "linmem", "linmem-wasmtime", "linmem-wasmer")
	backends, all := []string{"wazero"}, "wazero"
	if cgo(t) {
		backends, all = []string{"wazero", "wasmtime", "wasmer"}, "all"
	}
	tiny := write(t, dir, "tiny.wasm", guests.Bytes)
	text := write(t, dir, "text.jpg", []byte("no picture"))
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"run --in " + text, 2, "no picture that can be read"},
		{"run --func fnv1a --guest " + tiny, 1, "no place for the host's pages is known to be safe"},
		{"run --func trap --force --guest " + tiny, 1, "failed"},
	} {
		r := start(t, dir, dir, nil, append(strings.Fields(tt.args), "--backend", all)...)
		lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
		if r.code != tt.code || r.stdout != "" || strings.Count(r.stderr, tt.says) != len(lines) {
			t.Errorf("linmem %s: exit code %d, standard output %q, standard error %q", tt.args, r.code, r.stdout, r.stderr)
		}
		for _, backend := range backends {
			if strings.Count(r.stderr, backend) == 0 {
				t.Errorf("linmem %s: %s does not fail: %q", tt.args, backend, r.stderr)
			}
		}
	}
}

// TestProbeAllBackends has every backend of this build probe a guest, to the same outcome.
func TestProbeAllBackends(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "linmem", "linmem-wasmtime", "linmem-wasmer")
	path := write(t, dir, "libc.wasm", guests.LibcMalloc)
	backends, all := []string{"wazero"}, "wazero"
	if cgo(t) {
		backends, all = []string{"wazero", "wasmtime", "wasmer"}, "all"
	}
	r := start(t, dir, dir, nil, "probe", "--json", "--backend", all, "--alloc", "malloc", "--timeout", "20s", path)
	var got []string
	for _, a := range r.answers(t) {
		if a.Late.Probed.Outcome != "tolerates" || a.Early.Probed.Outcome != "corrupts" {
			t.Errorf("%+v", a)
		}
		got = append(got, a.Backend)
	}
	if r.code != 0 || r.stderr != "" || !slices.Equal(got, backends) {
		t.Errorf("exit code %d, standard error %q, backends %q", r.code, r.stderr, got)
	}
}

// write makes a file and returns its path.
func write(t *testing.T, dir, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRunsWasmer shows that linmem-wasmer runs wasmer, which refuses a module with two memories that wasmtime accepts.
func TestRunsWasmer(t *testing.T) {
	if !cgo(t) {
		t.Skip("wasmer is left out of this build")
	}
	dir := t.TempDir()
	compile(t, dir, "linmem", "linmem-wasmtime", "linmem-wasmer")
	// (module (memory (export "memory") 1) (memory 1) (func (export "f") (param i32 i32)))
	module := "\x00asm\x01\x00\x00\x00" + "\x01\x06\x01\x60\x02\x7f\x7f\x00" + "\x03\x02\x01\x00" +
		"\x05\x05\x02\x00\x01\x00\x01" + "\x07\x0e\x02\x06memory\x02\x00\x01f\x00\x00" + "\x0a\x04\x01\x02\x00\x0b"
	path := write(t, dir, "two.wasm", []byte(module))
	if r := start(t, dir, dir, nil, "run", "--backend", "wasmtime", "--guest", path, "--func", "f", "--force"); r.code != 0 {
		t.Errorf("wasmtime: exit code %d, standard error %q", r.code, r.stderr)
	}
	r := start(t, dir, dir, nil, "run", "--backend", "wasmer", "--guest", path, "--func", "f", "--force")
	if r.code != 2 || !strings.Contains(r.stderr, "multiple memories") {
		t.Errorf("wasmer: exit code %d, standard error %q, want 2 and multiple memories refused", r.code, r.stderr)
	}
}

// randomFile makes a file of that size and returns its path and digest.
func randomFile(t *testing.T, size int64) (path, digest string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "in")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	if _, err := io.CopyN(io.MultiWriter(f, h), rand.NewChaCha8([32]byte{1}), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path, hex.EncodeToString(h.Sum(nil))
}
