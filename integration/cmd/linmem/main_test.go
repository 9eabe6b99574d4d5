package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/linmem/linmem/integration/guests"
)

// exe is the ending of an executable's name.
var exe = map[bool]string{true: ".exe"}[runtime.GOOS == "windows"]

// compile builds commands into a folder.
func compile(t *testing.T, dir string, commands ...string) {
	t.Helper()
	for _, command := range commands {
		out, err := exec.Command("go", "build", "-o", filepath.Join(dir, command+exe), "../"+command).CombinedOutput()
		if err != nil {
			t.Fatalf("go build %s: %v\n%s", command, err, out)
		}
	}
}

// cgo reports whether the go command builds with cgo, as it does not either where it finds no C compiler.
func cgo(t *testing.T) bool {
	t.Helper()
	out, err := exec.Command("go", "env", "CGO_ENABLED").Output()
	if err != nil {
		t.Fatal(err)
	}
	on := strings.TrimSpace(string(out)) == "1"
	if !on {
		t.Log("wasmtime and wasmer are left out of this build: cgo is off")
	}
	return on
}

// toolsOnly is a PATH on which the go command and a C compiler are, and none of our programs.
func toolsOnly(t *testing.T) string {
	t.Helper()
	var dirs []string
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		ours, err := filepath.Glob(filepath.Join(dir, "linmem*"))
		if err != nil {
			t.Fatal(err)
		}
		if len(ours) == 0 {
			dirs = append(dirs, dir)
		}
	}
	return "PATH=" + strings.Join(dirs, string(filepath.ListSeparator))
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
	exit := (*exec.ExitError)(nil)
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// wants requires a failure of a backend: exit code 1, and one line with these words.
func (r result) wants(t *testing.T, words ...string) {
	t.Helper()
	missing := slices.DeleteFunc(words, func(word string) bool { return strings.Contains(r.stderr, word) })
	if r.code != 1 || len(missing) > 0 || strings.Count(r.stderr, "\n") != 1 {
		t.Errorf("exit code %d, standard error %q, want 1 and one line; missing are %q", r.code, r.stderr, missing)
	}
}

// answer is the JSON of one backend.
type answer struct {
	Backend, Result, Error string
	Late, Early            struct{ Probed struct{ Outcome string } }
}

func (r result) answers(t *testing.T) (answers []answer) {
	t.Helper()
	for dec := json.NewDecoder(strings.NewReader(r.stdout)); ; {
		var a answer
		if err := dec.Decode(&a); err == io.EOF {
			return answers
		} else if err != nil {
			t.Fatalf("%v in %q", err, r.stdout)
		}
		answers = append(answers, a)
	}
}

// TestSiblings holds how a sibling is found, and what is said if it is not or if it is of no use.
func TestSiblings(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "linmem")
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	tools := toolsOnly(t)

	t.Run("nowhere", func(t *testing.T) {
		r := start(t, dir, t.TempDir(), []string{tools, "GOWORK=off"}, "run", "--backend", "wasmtime")
		r.wants(t, "linmem-wasmtime", "neither beside this program nor on PATH", "go build")
	})
	t.Run("without go", func(t *testing.T) {
		r := start(t, dir, here, []string{"PATH=" + dir}, "run", "--backend", "wasmtime")
		r.wants(t, "linmem-wasmtime", "neither beside this program nor on PATH", "go build")
	})
	t.Run("through go run in a checkout", func(t *testing.T) {
		r := start(t, dir, here, []string{tools}, "run", "--json", "--backend", "wasmer")
		if !cgo(t) {
			r.wants(t, "left out of this build")
		} else if a := r.answers(t); r.code != 0 || len(a) != 1 || a[0].Backend != "wasmer" || a[0].Result == "" {
			t.Errorf("exit code %d, standard output %q, standard error %q", r.code, r.stdout, r.stderr)
		}
	})
	t.Run("left out without cgo", func(t *testing.T) {
		r := start(t, dir, here, []string{tools, "CGO_ENABLED=0"}, "run", "--backend", "wasmtime")
		r.wants(t, "wasmtime: left out of this build", "CGO_ENABLED=1", "C compiler")
	})
	t.Run("that does not build", func(t *testing.T) {
		r := start(t, dir, here, []string{tools, "GOFLAGS=-ldflags=-nonsense"}, "run", "--backend", "wasmtime")
		r.wants(t, "linmem-wasmtime cannot be built or run", "go build github.com/linmem/linmem/integration/cmd/linmem-wasmtime")
	})
	t.Run("on PATH", func(t *testing.T) {
		path := t.TempDir()
		compile(t, path, "linmem-wasmer")
		r := start(t, dir, t.TempDir(), []string{"PATH=" + path}, "run", "--backend", "wasmer")
		if cgo(t) != (r.code == 0) {
			t.Errorf("exit code %d, standard output %q, standard error %q", r.code, r.stdout, r.stderr)
		}
	})
}

// TestBrokenSiblings holds that nothing but a whole answer and a good end is taken for success.
func TestBrokenSiblings(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the siblings are shell scripts")
	}
	guest := write(t, t.TempDir(), "guest.wasm", guests.LibcMalloc)
	for _, tt := range []struct{ name, script, says string }{
		{"prints nothing", "", "no answer"},
		{"prints text", "echo hello", "no answer"},
		{"prints null", "echo null", "no answer"},
		{"prints an empty object", "echo {}", "no answer"},
		{"answers without a result", `echo '{"backend":"wasmer"}'`, "no answer"},
		{"answers for another", `echo '{"backend":"wasmtime","result":"x"}'`, "no answer"},
		{"answers and fails", `echo '{"backend":"wasmer","result":"x"}'; echo oh >&2; exit 3`, "oh (exit status 3)"},
		{"crashes", `echo '{"backend":"wasmer","result":"x"}'; kill -9 $$`, "killed"},
		{"fails without a code", `echo '{"backend":"wasmer","error":"boom"}'`, "wasmer: boom"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			compile(t, dir, "linmem")
			script := "#!/bin/sh\n" + tt.script + "\n"
			if err := os.WriteFile(filepath.Join(dir, "linmem-wasmer"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			start(t, dir, dir, nil, "run", "--backend", "wasmer").wants(t, tt.says)
			start(t, dir, dir, nil, "probe", "--backend", "wasmer", guest).wants(t, tt.says)
		})
	}
}

// TestSiblingWithoutFile holds that a sibling must hand over the file that its result is about.
func TestSiblingWithoutFile(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the sibling is a shell script")
	}
	dir, tmp := t.TempDir(), t.TempDir()
	compile(t, dir, "linmem")
	script := "#!/bin/sh\n" + `echo '{"backend":"wasmer","result":"x"}'` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "linmem-wasmer"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	r := start(t, dir, dir, []string{"TMPDIR=" + tmp}, "run", "--backend", "wasmer", "--out", "thumb.png")
	r.wants(t, "wasmer: it did not hand over the file")
	hasFiles(t, dir, "linmem"+exe, "linmem-wasmer")
	hasFiles(t, tmp)
}

// TestInterrupted holds that the end of linmem is the end of its sibling too.
func TestInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the sibling is a shell script, and the signal one of Unix")
	}
	dir := t.TempDir()
	compile(t, dir, "linmem")
	alive := filepath.Join(dir, "alive")
	script := "#!/bin/sh\necho $$ >" + alive + ".new; mv " + alive + ".new " + alive + "; sleep 600 & wait\n"
	if err := os.WriteFile(filepath.Join(dir, "linmem-wasmer"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(dir, "linmem"), "run", "--backend", "wasmer")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	deadline := time.Now().Add(20 * time.Second)
	var pid int
	for pid == 0 && time.Now().Before(deadline) {
		text, _ := os.ReadFile(alive)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		time.Sleep(10 * time.Millisecond)
	}
	if pid == 0 {
		t.Fatal("the sibling did not start")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("linmem was interrupted, and says that all is well")
	}
	sibling, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	for sibling.Signal(syscall.Signal(0)) == nil {
		if time.Now().After(deadline) {
			t.Fatal("the sibling outlives linmem")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestInterruptedStream holds that an interrupt removes what was spooled, and says that it was one.
func TestInterruptedStream(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the signal is one of Unix")
	}
	dir, tmp := t.TempDir(), t.TempDir()
	compile(t, dir, "linmem")
	cmd := exec.Command(filepath.Join(dir, "linmem"), "run", "--in", "-")
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	spooled := func() []os.DirEntry {
		entries, err := os.ReadDir(tmp)
		if err != nil {
			t.Fatal(err)
		}
		return entries
	}
	for deadline := time.Now().Add(20 * time.Second); len(spooled()) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nothing is spooled")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	_ = stdin.Close()
	if err == nil || stderr.String() != "linmem: interrupted\n" {
		t.Errorf("linmem ended with %v, standard error %q", err, &stderr)
	}
	if left := spooled(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
