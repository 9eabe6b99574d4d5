package integration_test

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// TestReadmeOpenIsTheExample holds that each line of the README's second piece of code, which leaves out what follows an
// error, is one of the wazero example's.
func TestReadmeOpenIsTheExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../backends/wazero/example_open_test.go")
	if err != nil {
		t.Fatal(err)
	}
	pieces := strings.Split(string(readme), "```go\n")
	if len(pieces) != 3 {
		t.Fatalf("the README shows %d pieces of Go code, want 2", len(pieces)-1)
	}
	code, _, _ := strings.Cut(pieces[2], "```")
	for line := range strings.Lines(code) {
		if !strings.Contains(string(example), "\t"+line) {
			t.Errorf("not in the example of the wazero backend: %s", line)
		}
	}
}

// TestReadmeCodeIsTheExample holds that the code in the README is the wazero example's, which is compiled and run.
func TestReadmeCodeIsTheExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../backends/wazero/example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```go\n")
	if !ok {
		t.Fatal("the README shows no Go code")
	}
	code, _, _ := strings.Cut(rest, "```")
	indented := "\t" + strings.ReplaceAll(strings.TrimSpace(code), "\n", "\n\t")
	if !strings.Contains(string(example), indented) {
		t.Errorf("not in the example of the wazero backend:\n%s", indented)
	}
}

var update = flag.Bool("update", false, "write the tables of the matrix into the README")

// TestReadmeTablesAreCurrent holds that the README has the tables that the matrix holds every engine to: of guests, and of
// features.
func TestReadmeTablesAreCurrent(t *testing.T) {
	for _, name := range []string{"guests", "features"} {
		t.Run(name, func(t *testing.T) {
			begin, end := "<!-- "+name+": make readme -->\n", "<!-- /"+name+" -->"
			readme, err := os.ReadFile("../README.md")
			if err != nil {
				t.Fatal(err)
			}
			table, err := os.ReadFile("matrix/testdata/" + name + ".md")
			if err != nil {
				t.Fatal(err)
			}
			before, rest, ok := strings.Cut(string(readme), begin)
			shown, after, ok2 := strings.Cut(rest, end)
			if !ok || !ok2 {
				t.Fatalf("the README has no %s and %s", strings.TrimSpace(begin), end)
			}
			switch {
			case *update:
				current := before + begin + string(table) + end + after
				if err := os.WriteFile("../README.md", []byte(current), 0o644); err != nil {
					t.Fatal(err)
				}
			case shown != string(table):
				t.Error("the table in the README is not current: make readme")
			}
		})
	}
}
