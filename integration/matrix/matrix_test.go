package matrix

import (
	"go/build"
	"os"
	"slices"
	"testing"
)

// TestNoPackageIsMissing holds that the matrix has a package for each runtime, and that no build constraint takes its
// tests out in silence: what a build leaves out, the engines say.
func TestNoPackageIsMissing(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		if !entry.IsDir() || entry.Name() == "testdata" {
			continue
		}
		found = append(found, entry.Name())
		pkg, err := build.ImportDir(entry.Name(), 0)
		if err != nil {
			t.Errorf("%s: %v", entry.Name(), err)
		} else if !slices.Contains(pkg.XTestGoFiles, "run_test.go") {
			t.Errorf("%s has the test files %q, and not run_test.go", entry.Name(), pkg.XTestGoFiles)
		}
	}
	if want := []string{"native", "wasmer", "wasmtime", "wazero"}; !slices.Equal(found, want) {
		t.Errorf("the packages of the matrix are %q, want %q", found, want)
	}
}
