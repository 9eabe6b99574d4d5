package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/traces"
)

func TestRun(t *testing.T) {
	file := filepath.Join(t.TempDir(), "small.trace")
	if err := os.WriteFile(file, []byte("linmem-trace 1\n# a program\na 0 0\na 1 70000\nr 1 5\nf 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const table = `   name  ops  allocs  resizes  frees  peak bytes  pages  blocks  largest  left  program
  small    4       2        1      1       70000      2       2    70000     1  a program
`
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"File", []string{file}, table},
		{"Sizes", []string{"-sizes", file}, table + `
small: sizes asked for, in bytes
           0 to 0  1  33.3 %
           4 to 7  1  33.3 %
  65536 to 131071  1  33.3 %
`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := mustRun(t, test.args...); got != test.want {
				t.Errorf("%sinstead of\n%s", got, test.want)
			}
		})
	}
}

// TestRunCommitted holds that without arguments each committed trace has a line, and by its name the same one.
func TestRunCommitted(t *testing.T) {
	all := mustRun(t)
	if lines := strings.Count(all, "\n"); lines != 1+len(traces.Names()) {
		t.Errorf("%d lines:\n%s", lines, all)
	}
	_, one, _ := strings.Cut(strings.TrimSpace(mustRun(t, "sed")), "\n")
	for line := range strings.Lines(all) {
		if slices.Equal(strings.Fields(line), strings.Fields(one)) {
			return
		}
	}
	t.Errorf("%q is not in\n%s", one, all)
}

func TestExitCodes(t *testing.T) {
	for _, test := range []struct {
		name, arg string
		code      int
		want      string
	}{
		{"Help", "-h", 0, "usage: linmem-trace"},
		{"UnknownFlag", "-x", 2, "not defined: -x"},
		{"NoSuchFile", "no-such.trace", 1, "linmem-trace: open no-such.trace"},
		{"NoTrace", "main.go", 1, "linmem-trace: traces: main.go: line 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out, complaints strings.Builder
			code := command([]string{test.arg}, &out, &complaints)
			if code != test.code || !strings.Contains(complaints.String(), test.want) || out.Len() > 0 {
				t.Errorf("code %d, %q, and printed %q", code, complaints.String(), out.String())
			}
		})
	}
}

// mustRun returns what the command prints.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	var out, complaints strings.Builder
	if code := command(args, &out, &complaints); code != 0 || complaints.Len() > 0 {
		t.Fatalf("code %d: %s", code, complaints.String())
	}
	return out.String()
}
