package matrix

import (
	"embed"
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// A golden file has the lines that every engine must repeat to the letter. With -update an engine writes the files that its
// cases have; run the tests without it afterwards, so that the others have a say.

//go:embed testdata
var testdata embed.FS

var update = flag.Bool("update", false, "write the golden files in testdata anew from the engine under test")

// matchesGolden holds lines to a golden file, and returns the number of the first one that differs, or -1. With -update it
// writes the file instead.
func matchesGolden(t testing.TB, name string, lines []string) (differs int) {
	t.Helper()
	if *update {
		writeTestdata(t, name, []byte(strings.Join(lines, "\n")+"\n"))
		return -1
	}
	want := strings.Split(strings.TrimSuffix(string(readTestdata(t, name)), "\n"), "\n")
	for i := range max(len(lines), len(want)) {
		if got, want := lineAt(lines, i), lineAt(want, i); got != want {
			t.Errorf("line %d of %s is\n\t%s\nwant\n\t%s", i+1, name, got, want)
			return i
		}
	}
	return -1
}

func lineAt(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "(the end)"
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatalf("%v: write it with -update", err)
	}
	return b
}

func writeTestdata(t testing.TB, name string, b []byte) {
	t.Helper()
	path := testdataPath(name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Logf("wrote %s", path)
}

// testdataPath returns where a golden file is on disk.
func testdataPath(name string) string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "testdata", name)
}
