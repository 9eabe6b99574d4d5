package integration_test

import (
	"os"
	"strings"
	"testing"
)

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
