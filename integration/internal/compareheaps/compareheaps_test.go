package compareheaps_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/bench/heaps/wazerocalls"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/internal/compareheaps"
)

var program = compareheaps.Program{Name: "test", Runtime: wazerocalls.Runtime(), Engine: wazeroengine.Default(), Native: true}

// quick leaves out all traces but two.
const quick = "^(pair|mix|message|served|locals)/|/(bc|sed)$"

// start runs the program, and fails the test unless it exits with the code given.
func start(t *testing.T, p compareheaps.Program, want int, args ...string) (stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	if code := p.Command(args, &out, &errs); code != want {
		t.Fatalf("%v: exit code %d; want %d\n%s", args, code, want, &errs)
	}
	return out.String(), errs.String()
}

func TestEveryTable(t *testing.T) {
	out, _ := start(t, program, 0, "-rounds", "1", "-time", "1ms", "-guest-calls", "300", "-run", quick)
	tables := map[string][]string{} // rows by title
	title := ""
	for line := range strings.Lines(out) {
		if name, ok := strings.CutPrefix(line, "## "); ok {
			title, _, _ = strings.Cut(strings.TrimSpace(name), ":")
		} else if strings.HasPrefix(line, "| ") && !strings.HasPrefix(line, "| ---") {
			tables[title] = append(tables[title], line)
		}
	}
	for title, want := range map[string]int{ // the columns' names are a row
		"The heap and allocators without a guest":                       1 + 2,
		"The heap and allocators of guests, called through the runtime": 1 + 3,
		"Guests that allocate by themselves":                            1 + 1,
		"Traces, warm":                                                  1 + 2 + 1,
		"Traces, cold":                                                  1 + 2 + 1,
		"Traces on guests in wazero, warm, the first 300 calls":         1 + 2,
		"Traces, the most memory":                                       1 + 2,
		"Goroutines with a Local each":                                  1 + 2,
		"Goals":                                                         1 + 13,
	} {
		if got := len(tables[title]); got != want {
			t.Errorf("%q has %d rows; want %d", title, got, want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// TestSibling holds that a program which cannot be started is an error, and that all else is printed all the same.
func TestSibling(t *testing.T) {
	p := program
	p.Siblings = []string{"nonsense"}
	out, errs := start(t, p, 1, "-rounds", "1", "-time", "1ms", "-run", "^pair/")
	if !strings.Contains(out, "wazero: pair") || !strings.Contains(errs, "test-nonsense") {
		t.Errorf("%s\n%s", out, errs)
	}
	start(t, p, 0, "-siblings=false", "-rounds", "1", "-time", "1ms", "-run", "^pair/")
}

func TestLeftOut(t *testing.T) {
	p := compareheaps.Program{Name: "test", Runtime: heaps.LeftOut("elsewhere", "it is not here")}
	if out, _ := start(t, p, 0); !strings.Contains(out, "elsewhere is left out of this build: it is not here") {
		t.Error(out)
	}
}

func TestJSON(t *testing.T) {
	out, _ := start(t, program, 0, "-json", "-rounds", "1", "-time", "1ms", "-run", "^pair/")
	if !strings.Contains(out, `"Measure":"pair","Case":"64 B","Runtime":"wazero","Allocator":"libc"`) {
		t.Error(out)
	}
}

func TestBadFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-rounds", "0"},
		{"-time", "0s"},
		{"-guest-calls", "0"},
		{"-run", "("},
		{"-nonsense"},
		{"argument"},
	} {
		if _, stderr := start(t, program, 2, args...); stderr == "" {
			t.Errorf("%v: no word about it", args)
		}
	}
}
