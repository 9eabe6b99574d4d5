package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/bench"
)

// start runs the command, and fails the test unless it exits with the code given.
func start(t *testing.T, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := command(args, &out, &errs); code != want {
		t.Fatalf("%v: exit code %d; want %d\n%s", args, code, want, &errs)
	}
	return out.String(), errs.String()
}

func TestEveryRow(t *testing.T) {
	out, _ := start(t, 0, "-rounds", "1", "-time", "1ms", "-large", "70000")
	rows := map[string]int{}
	for line := range strings.Lines(out) {
		if cells := strings.Split(line, " | "); len(cells) > 1 {
			rows[strings.TrimPrefix(cells[0], "| ")]++
		}
	}
	for _, c := range bench.Cases() {
		want := 2 // the two sizes
		if latencyCases[c.Name] {
			want += 2 * len(bench.Kinds()) // Alloc and Free
		}
		if rows[c.Name] != want {
			t.Errorf("%d rows of %s; want %d", rows[c.Name], c.Name, want)
		}
	}
	for _, k := range bench.Kinds() {
		if rows[k.Name] != 1 {
			t.Errorf("%d rows of the metadata of %s; want 1", rows[k.Name], k.Name)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestRun(t *testing.T) {
	out, _ := start(t, 0, "-rounds", "2", "-time", "1ms", "-large", "0", "-run", "^CombFirst")
	for part, want := range map[string]bool{"| CombFirstPageFits |": true, "| Empty |": false, "Metadata": false} {
		if strings.Contains(out, part) != want {
			t.Errorf("%q: %t; want %t\n%s", part, !want, want, out)
		}
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"},
		{"-time", "0s"},
		{"-run", "("},
		{"-large", "5"},
		{"-nonsense"},
		{"argument"},
	} {
		if _, stderr := start(t, 2, args...); stderr == "" {
			t.Errorf("%v: no word about it", args)
		}
	}
}

// TestGoalsAreOfCases finds a goal or a latency that no case has, as after a case is renamed.
func TestGoalsAreOfCases(t *testing.T) {
	names := map[string]bool{}
	for _, c := range bench.Cases() {
		names[c.Name] = true
	}
	for name := range goals {
		if !names[name] {
			t.Errorf("no case is called %s, and it has a goal", name)
		}
	}
	for name := range latencyCases {
		if !names[name] {
			t.Errorf("no case is called %s, and its latency is wanted", name)
		}
	}
}

func TestVerdict(t *testing.T) {
	g := goal{zigref: 15, flat: 2.2}
	for _, c := range []struct {
		zigref, flat float64
		want         string
	}{
		{15, 2.2, "zigref/linmem ≥ 15 reached, linmem/flat ≤ 2.2 reached"},
		{14.9, 2.3, "zigref/linmem ≥ 15 MISSED, linmem/flat ≤ 2.2 MISSED"},
	} {
		if got := g.verdict(c.zigref, 0, c.flat); got != c.want {
			t.Errorf("%v and %v: %q; want %q", c.zigref, c.flat, got, c.want)
		}
	}
	if got := (goal{}).verdict(1, 1, 1); got != "" {
		t.Errorf("without a goal: %q", got)
	}
}
