package matrix

import (
	"go/build"
	"os"
	"slices"
	"testing"
)

// TestNoPackageIsMissing holds that each package of the matrix runs in this build, unless the build has no cgo or the
// platform no library for it. A build constraint gone wrong would otherwise take a runtime out of the matrix in silence.
func TestNoPackageIsMissing(t *testing.T) {
	for dir := range Packages {
		pkg, err := build.ImportDir(dir, 0)
		if err != nil {
			t.Errorf("%s: %v", dir, err)
			continue
		}
		runs := slices.Contains(pkg.XTestGoFiles, "run_test.go")
		leftOut := slices.Contains(pkg.XTestGoFiles, "leftout_test.go")
		if runs == leftOut {
			t.Errorf("%s has the test files %q, want run_test.go or leftout_test.go", dir, pkg.XTestGoFiles)
		}
		if want := canRun(dir); runs != want {
			t.Errorf("%s runs in this build: %t, want %t", dir, runs, want)
		}
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if _, listed := Packages[entry.Name()]; entry.IsDir() && entry.Name() != "testdata" && !listed {
			t.Errorf("%s is not listed in Packages", entry.Name())
		}
	}
}

func canRun(dir string) bool {
	switch dir {
	case "wasmtime":
		return build.Default.CgoEnabled
	case "wasmer":
		return build.Default.CgoEnabled && (build.Default.GOOS == "linux" || build.Default.GOOS == "darwin")
	}
	return true
}
