package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"go/build"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// exe is the ending of an executable's name.
var exe = map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// compile builds commands into a folder, which gets the environment's word on cgo.
func compile(t *testing.T, dir string, commands ...string) {
	t.Helper()
	for _, command := range commands {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, command+exe), "../"+command).CombinedOutput()
		if err != nil {
			t.Fatalf("go build %s: %v\n%s", command, err, out)
		}
	}
}

// result is what a command did.
type result struct {
	code           int
	stdout, stderr string
}

// start runs linmem from dir, with the working directory and environment given.
func start(t *testing.T, dir, cwd string, env []string, args ...string) (r result) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "linmem"+exe), args...)
	cmd.Dir, cmd.Env = cwd, append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if _, ok := err.(*exec.ExitError); !ok {
			t.Fatal(err)
		}
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// wants requires a backend's failure: one line with these words, and exit code 1.
func (r result) wants(t *testing.T, words ...string) {
	t.Helper()
	for _, word := range words {
		if r.code != 1 || !strings.Contains(r.stderr, word) || strings.Count(r.stderr, "\n") != 1 {
			t.Errorf("exit code %d, standard error %q, want 1 and one line with %q", r.code, r.stderr, word)
		}
	}
}

// TestAllBackends has every backend hash files of 0 and 1 bytes and of 300 MB, in this build's guests.
func TestAllBackends(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "linmem", "linmem-wasmtime", "linmem-wasmer")
	sizes := []int64{0, 1, 300_000_000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	for _, size := range sizes {
		path, digest := randomFile(t, size)
		r := start(t, dir, t.TempDir(), nil, "run", "--json", "--backend", "all", "--in", path)
		if !build.Default.CgoEnabled {
			t.Log("wasmtime and wasmer are left out of this build: CGO_ENABLED=0")
			if r.code != 1 || strings.Count(r.stdout, "left out of this build") != 2 {
				t.Errorf("exit code %d, standard output\n%s", r.code, r.stdout)
			}
			r.stdout, _, _ = strings.Cut(r.stdout, "{\"error\"")
			requireDigests(t, r, digest, "wazero")
			continue
		}
		if r.code != 0 || r.stderr != "" {
			t.Errorf("exit code %d, standard error %q", r.code, r.stderr)
		}
		requireDigests(t, r, digest, "wazero", "wasmtime", "wasmer")
	}
}

func requireDigests(t *testing.T, r result, digest string, backends ...string) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(r.stdout))
	for _, backend := range backends {
		var got struct{ Backend, Result string }
		if err := dec.Decode(&got); err != nil || got.Backend != backend || got.Result != digest {
			t.Errorf("answer %+v, %v, want %s of %s", got, err, digest, backend)
		}
	}
	if dec.More() {
		t.Errorf("more than %q answered:\n%s", backends, r.stdout)
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

// TestSiblings holds how a sibling is found, and what is said if it is not or if it is of no use.
func TestSiblings(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "linmem")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}

	t.Run("nowhere", func(t *testing.T) {
		r := start(t, dir, t.TempDir(), []string{"GOWORK=off"}, "run", "--backend", "wasmtime")
		r.wants(t, "linmem-wasmtime", "neither beside this program nor on PATH", "go build")
	})
	t.Run("through go run in a checkout", func(t *testing.T) {
		r := start(t, dir, here, nil, "run", "--json", "--backend", "wasmer")
		if !build.Default.CgoEnabled {
			if r.code != 1 || !strings.Contains(r.stdout, "left out of this build") {
				t.Errorf("exit code %d, standard output %q", r.code, r.stdout)
			}
			return
		}
		if r.code != 0 || !strings.Contains(r.stdout, `"backend":"wasmer"`) {
			t.Errorf("exit code %d, standard output %q, standard error %q", r.code, r.stdout, r.stderr)
		}
	})
	t.Run("left out without cgo", func(t *testing.T) {
		r := start(t, dir, here, []string{"CGO_ENABLED=0"}, "run", "--backend", "wasmtime")
		r.wants(t, "wasmtime is left out of this build", "CGO_ENABLED=1", "C compiler")
	})
	t.Run("that is not one", func(t *testing.T) {
		fake := t.TempDir()
		compile(t, fake, "linmem")
		// A program that knows no flags of ours and prints no JSON: the go command.
		goCommand, err := exec.LookPath("go")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(goCommand, filepath.Join(fake, "linmem-wasmer"+exe)); err != nil {
			t.Fatal(err)
		}
		r := start(t, fake, t.TempDir(), nil, "run", "--backend", "wasmer")
		r.wants(t, filepath.Join(fake, "linmem-wasmer"))
	})
	t.Run("on PATH", func(t *testing.T) {
		path := t.TempDir()
		compile(t, path, "linmem-wasmer")
		r := start(t, dir, t.TempDir(), []string{"PATH=" + path}, "run", "--json", "--backend", "wasmer")
		if build.Default.CgoEnabled != (r.code == 0) {
			t.Errorf("exit code %d with cgo %t, standard output %q, standard error %q",
				r.code, build.Default.CgoEnabled, r.stdout, r.stderr)
		}
	})
}
