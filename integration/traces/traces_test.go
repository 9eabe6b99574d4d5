package traces_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/traces"
)

// TestCommitted holds every committed trace to the format, to the limits of this folder, and to a replay on the
// reference.
func TestCommitted(t *testing.T) {
	names := traces.Names()
	if len(names) < 8 {
		t.Fatalf("only %d traces: %q", len(names), names)
	}
	var below, packed int
	var most uint64
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			trace, err := traces.Load(name)
			if err != nil {
				t.Fatal(err)
			}
			if trace.Name != name || len(trace.Comments) != 2 {
				t.Errorf("name %q, comments %q: want its program and its command line", trace.Name, trace.Comments)
			}
			s := trace.Stats()
			if s.Ops() < 10_000 || s.Ops() > 350_000 {
				t.Errorf("%d operations: too few to say much, or too many for a test", s.Ops())
			}
			if s.PeakBytes < traces.PageBytes {
				below++
			}
			most = max(most, s.PeakPages())

			file, err := os.ReadFile(filepath.Join("data", name+".trace.gz"))
			if err != nil {
				t.Fatal(err)
			}
			packed += len(file)
			if again := write(t, trace); again != unpack(t, file) {
				t.Error("written otherwise than it was read")
			}
			if err := trace.Check(newReference()); err != nil {
				t.Error(err)
			}
		})
	}
	if below == 0 || most < 100 {
		t.Errorf("%d traces stay below one page, the largest takes %d pages: want one at least, and 100", below, most)
	}
	if packed > 2_500_000 {
		t.Errorf("the files have %d bytes together: too many to commit", packed)
	}
}

func unpack(t *testing.T, packed []byte) string {
	t.Helper()
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestLoadUnknown(t *testing.T) {
	if _, err := traces.Load("none"); err == nil || !strings.Contains(err.Error(), `no trace "none"; there are bc, `) {
		t.Errorf("got %v", err)
	}
}

func TestReadFile(t *testing.T) {
	dir := t.TempDir()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(first + "a 0 1\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ file, contents, name, err string }{
		{"plain.trace", first + "a 0 1\n", "plain", ""},
		{"packed.trace.gz", packed.String(), "packed", ""},
		{"other", first + "a 0 1\n", "other", ""},
		{"bad.trace", first + "f 0\n", "", "traces: bad: line 2: "},
		{"not-packed.trace.gz", first, "", "traces: not-packed: gzip: invalid header"},
		{"cut.trace.gz", packed.String()[:packed.Len()-4], "", "traces: cut: line 3: unexpected EOF"},
	} {
		t.Run(test.file, func(t *testing.T) {
			path := filepath.Join(dir, test.file)
			if err := os.WriteFile(path, []byte(test.contents), 0o600); err != nil {
				t.Fatal(err)
			}
			trace, err := traces.ReadFile(path)
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Errorf("got %v, want %s", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if trace.Name != test.name || len(trace.Ops) != 1 {
				t.Errorf("%+v", trace)
			}
		})
	}
	if _, err := traces.ReadFile(filepath.Join(dir, "none")); !os.IsNotExist(err) {
		t.Errorf("got %v", err)
	}
}

func TestStats(t *testing.T) {
	trace, err := traces.Parse(strings.NewReader(first + "a 0 100\na 1 0\na 2 70000 64\nr 0 10\nf 2\nr 1 65536\na 2 1\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := traces.Stats{
		Allocs: 4, Frees: 1, Reallocs: 2, Aligned: 1, MaxLive: 3, LeftLive: 3,
		PeakBytes: 70100, LeftBytes: 65547, LargestBlock: 70000, TotalBytes: 100 + 70000 + 10 + 65536 + 1,
	}
	for i, n := range map[int]int{0: 1, 1: 1, 4: 1, 7: 1, 17: 2} {
		want.Sizes[i] = n
	}
	got := trace.Stats()
	if got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if got.Ops() != 7 || got.PeakPages() != 2 {
		t.Errorf("%d operations, %d pages", got.Ops(), got.PeakPages())
	}
}

func TestDefaultAlign(t *testing.T) {
	for size, want := range map[uint64]uint64{0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 7: 4, 8: 8, 15: 8, 16: 16, 17: 16, 1 << 40: 16} {
		if got := traces.DefaultAlign(size); got != want {
			t.Errorf("%d bytes: %d, want %d", size, got, want)
		}
	}
}
