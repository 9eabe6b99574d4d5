package traces_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/linmem/linmem/integration/traces"
)

// TestRecorder records a program that calls all of malloc's relatives, fails, forks and executes itself. The trace that
// it must give stands in its source.
func TestRecorder(t *testing.T) {
	source, err := os.ReadFile("testdata/recorded.c")
	if err != nil {
		t.Fatal(err)
	}
	want := first
	for _, m := range regexp.MustCompile(`(?m) // ([afr] [\d ]+)$`).FindAllSubmatch(source, -1) {
		want += string(m[1]) + "\n"
	}
	if got := string(record(t, "testdata/recorded.c", 1<<22)); got != want {
		t.Errorf("recorded\n%swant\n%s", got, want)
	}
}

// TestRecorderThreads holds that the trace of several threads is one in which each free is after its allocation, and that
// their process may fork.
func TestRecorderThreads(t *testing.T) {
	trace, err := traces.Parse(bytes.NewReader(record(t, "testdata/threads.c", 128)))
	if err != nil {
		t.Fatal(err)
	}
	s := trace.Stats()
	if s.Allocs < 4*20000 || s.LeftLive > 100 || s.Reallocs < 10000 {
		t.Errorf("%+v", s)
	}
	if err := trace.Check(newReference()); err != nil {
		t.Error(err)
	}
}

// record compiles a program, and the recorder for so many blocks at most, and returns the program's trace.
func record(t *testing.T, program string, maxBlocks int) []byte {
	t.Helper()
	needsGlibc(t)
	dir := t.TempDir()
	recorder, binary, out := filepath.Join(dir, "record.so"), filepath.Join(dir, "program"), filepath.Join(dir, "out")
	gcc(t, "-O2", "-shared", "-fPIC", fmt.Sprintf("-DMAX_BLOCKS=%d", maxBlocks), "-o", recorder, "record/record.c")
	gcc(t, "-O0", "-fno-builtin", "-w", "-pthread", "-o", binary, program)

	// A recorder that keeps its lock over a fork hangs the child, and with it whoever waits for its output.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "LINMEM_TRACE="+out, "LD_PRELOAD="+recorder)
	if message, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v; its status is the line of what failed, modulo 256\n%s", program, err, message)
	}
	trace, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.TrimRight(trace, "\x00")
}

// needsGlibc skips the test where there is nothing to record with.
func needsGlibc(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the recorder is for Linux")
	}
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("the recorder is in C, and there is no gcc: ", err)
	}
	cmd := exec.CommandContext(t.Context(), "gcc", "-E", "-include", "stdlib.h", "-")
	cmd.Stdin = strings.NewReader("__GLIBC__\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(string(out), "__GLIBC__\n") {
		t.Skip("the recorder is for glibc, and this C library is another")
	}
}

func gcc(t *testing.T, args ...string) {
	t.Helper()
	args = append(args, "-Wall", "-Wextra", "-Werror")
	if out, err := exec.CommandContext(t.Context(), "gcc", args...).CombinedOutput(); err != nil {
		t.Fatalf("gcc %q: %v\n%s", args, err, out)
	}
}
