package traces_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/traces"
)

const first = "linmem-trace 1\n"

func TestParse(t *testing.T) {
	got, err := traces.Parse(strings.NewReader(first + `# a program
# its command
a 0 72704
a 1 0
r 0 80000
a 2 100 64
f 1
a 1 24 1
f 0
f 2
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []traces.Op{
		traces.NewOp(traces.Alloc, 0, 72704, 0),
		traces.NewOp(traces.Alloc, 1, 0, 0),
		traces.NewOp(traces.Realloc, 0, 80000, 0),
		traces.NewOp(traces.Alloc, 2, 100, 64),
		traces.NewOp(traces.Free, 1, 0, 0),
		traces.NewOp(traces.Alloc, 1, 24, 1),
		traces.NewOp(traces.Free, 0, 0, 0),
		traces.NewOp(traces.Free, 2, 0, 0),
	}
	if !slices.Equal(got.Ops, want) {
		t.Errorf("operations\n%v, want\n%v", got.Ops, want)
	}
	if !slices.Equal(got.Comments, []string{"a program", "its command"}) {
		t.Errorf("comments %q", got.Comments)
	}
	if got.MaxLive != 3 {
		t.Errorf("%d blocks live at most", got.MaxLive)
	}
	if a := []uint64{want[0].Align(), want[3].Align(), want[5].Align()}; !slices.Equal(a, []uint64{0, 64, 1}) {
		t.Errorf("alignments %d", a)
	}
	if line := got.Line(3); line != 7 {
		t.Errorf("operation 3 on line %d", line)
	}
}

// TestParseTaken has what is at the limits, and is written again as it was.
func TestParseTaken(t *testing.T) {
	for name, text := range map[string]string{
		"Empty":           first,
		"OnlyComments":    first + "# one\n# \n",
		"LargestSize":     first + "a 0 1099511627776\nr 0 1099511627776\n",
		"LargestAlign":    first + "a 0 1 1073741824\n",
		"LeftLive":        first + "a 0 1\na 1 2\nf 0\n",
		"LowestOfSeveral": first + "a 0 1\na 1 1\na 2 1\nf 2\nf 0\na 0 5\na 2 6\na 3 7\n",
		"PastOneWord":     first + many(130) + "f 63\nf 129\nf 64\na 63 1\na 64 1\na 129 1\na 130 1\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := traces.Parse(strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			if again := write(t, got); again != text {
				t.Errorf("written as %q", again)
			}
		})
	}
}

func TestParseRefused(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"Nothing", "", `line 1: "" instead of "linmem-trace 1"`},
		{"OtherVersion", "linmem-trace 2\n", `line 1: "linmem-trace 2" instead of`},
		{"OtherFile", "\x1f\x8b\x08\n", `line 1: "\x1f\x8b\b" instead of`},
		{"CutHeader", "linmem-trace 1", "line 1: no newline at the end"},
		{"CutOperation", first + "a 0 1\na 1 2", "line 3: no newline at the end"},
		{"LongLine", first + "# " + strings.Repeat("x", 1<<16) + "\n", "line 2: longer than 65536 bytes"},
		{"EmptyLine", first + "a 0 1\n\n", `line 3: "" is no operation`},
		{"UnknownLetter", first + "b 0 1\n", `line 2: "b 0 1" is no operation`},
		{"LeadingSpace", first + " a 0 1\n", `line 2: " a 0 1" is no operation`},
		{"TrailingSpace", first + "a 0 1 \n", `line 2: "a 0 1 " ends with a space`},
		{"TwoSpaces", first + "a  0 1\n", `line 2: "" is no number`},
		{"CarriageReturn", first + "a 0 1\r\n", `line 2: "1\r" is no number`},
		{"NoSpace", first + "a0 1\n", `line 2: "a0 1" is not of the form "a ID SIZE [ALIGN]"`},
		{"NoSize", first + "a 0\n", `line 2: "a 0" is not of the form "a ID SIZE [ALIGN]"`},
		{"NoID", first + "a\n", `line 2: "a" is not of the form`},
		{"FourNumbers", first + "a 0 1 2 3\n", `line 2: "a 0 1 2 3" is not of the form`},
		{"FreeWithSize", first + "a 0 1\nf 0 1\n", `line 3: "f 0 1" is not of the form "f ID"`},
		{"ReallocWithoutSize", first + "a 0 1\nr 0\n", `line 3: "r 0" is not of the form "r ID SIZE"`},
		{"ReallocWithAlign", first + "a 0 1\nr 0 8 8\n", `line 3: "r 0 8 8" is not of the form "r ID SIZE"`},
		{"LeadingZero", first + "a 00 1\n", `line 2: "00" is no number`},
		{"Sign", first + "a 0 +1\n", `line 2: "+1" is no number`},
		{"Negative", first + "a 0 -1\n", `line 2: "-1" is no number`},
		{"Underscore", first + "a 0 1_0\n", `line 2: "1_0" is no number`},
		{"Hexadecimal", first + "a 0 0x1\n", `line 2: "0x1" is no number`},
		{"PastUint64", first + "a 0 18446744073709551616\n", `line 2: "18446744073709551616" is no number`},
		{"TooLarge", first + "a 0 1099511627777\n", "line 2: size 1099511627777 is above 1099511627776"},
		{"HugeID", first + "a 4294967296 1\n", "line 2: block 4294967296: there are no more than 8388608"},
		{"AlignZero", first + "a 0 1 0\n", "line 2: alignment 0 is no power of two"},
		{"AlignThree", first + "a 0 1 3\n", "line 2: alignment 3 is no power of two"},
		{"AlignTooLarge", first + "a 0 1 2147483648\n", "line 2: alignment 2147483648 is no power of two from 1 to 1073741824"},
		{"CommentWithoutSpace", first + "#x\n", `line 2: a comment begins with "# "`},
		{"CommentBelow", first + "a 0 1\n# x\n", "line 3: a comment begins"},
		{"LiveAlready", first + "# x\na 0 1\na 0 1\n", `line 4: "a 0 1": block 0 is live already`},
		{"NotTheLowest", first + "a 0 1\na 2 1\n", `line 3: "a 2 1": the lowest number that is free is 1`},
		{"NotTheLowestFreed", first + many(70) + "f 3\na 70 1\n", `line 73: "a 70 1": the lowest number that is free is 3`},
		{"FreeTwice", first + "a 0 1\nf 0\nf 0\n", `line 4: "f 0": block 0 is not live`},
		{"FreeOfNone", first + "f 100\n", `line 2: "f 100": block 100 is not live`},
		{"ReallocOfNone", first + "r 0 8\n", `line 2: "r 0 8": block 0 is not live`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := traces.Parse(strings.NewReader(test.text))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if got != nil {
				t.Error("a trace and an error")
			}
		})
	}
}

// TestParseFailedRead holds that a reader's error comes through, and is no end.
func TestParseFailedRead(t *testing.T) {
	broken := errors.New("broken")
	r := &failing{strings.NewReader(first + "a 0 1\n"), broken}
	if _, err := traces.Parse(r); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

type failing struct {
	*strings.Reader
	err error
}

func (f *failing) Read(b []byte) (int, error) {
	if f.Len() == 0 {
		return 0, f.err
	}
	return f.Reader.Read(b)
}

// TestWriteToFails holds that a writer's error comes through, wherever it is.
func TestWriteToFails(t *testing.T) {
	trace, err := traces.Parse(strings.NewReader(first + many(20000)))
	if err != nil {
		t.Fatal(err)
	}
	for _, room := range []int{0, 100000} {
		w := &full{room: room}
		if n, err := trace.WriteTo(w); !errors.Is(err, errFull) || n != int64(w.taken) {
			t.Errorf("room for %d: %d bytes, %v; the writer took %d", room, n, err, w.taken)
		}
	}
}

var errFull = errors.New("full")

type full struct{ room, taken int }

func (f *full) Write(b []byte) (int, error) {
	n := min(len(b), f.room-f.taken)
	f.taken += n
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

// FuzzParse holds that what is taken is written again as it was, that the numbers in it are sound, and that each trace
// can be replayed.
func FuzzParse(f *testing.F) {
	f.Add([]byte(first))
	f.Add([]byte(first + "# x\na 0 8\na 1 0 64\nr 0 100\nf 1\na 1 3\n"))
	f.Add([]byte(first + many(65) + "f 64\nf 0\na 0 2\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		trace, err := traces.Parse(bytes.NewReader(text))
		if err != nil {
			return
		}
		if again := write(t, trace); again != string(text) {
			t.Fatalf("%q is written as %q", text, again)
		}
		s := trace.Stats()
		if s.Ops() != len(trace.Ops) || s.LeftLive != s.Allocs-s.Frees || s.MaxLive < s.LeftLive || s.PeakBytes < s.LeftBytes ||
			s.TotalBytes < s.PeakBytes || s.PeakBytes < s.LargestBlock {
			t.Fatalf("%+v", s)
		}
		if s.TotalBytes < 1<<20 && !slices.ContainsFunc(trace.Ops, func(op traces.Op) bool { return op.Align() > 1<<16 }) {
			if err := trace.Check(newReference()); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// many returns the lines of n allocations.
func many(n int) string {
	var b strings.Builder
	for id := range n {
		b.WriteString(traces.NewOp(traces.Alloc, uint32(id), 1, 0).String() + "\n")
	}
	return b.String()
}

func write(t *testing.T, trace *traces.Trace) string {
	t.Helper()
	var b strings.Builder
	n, err := trace.WriteTo(&b)
	if err != nil {
		t.Fatal(err)
	}
	if n != int64(b.Len()) {
		t.Errorf("said %d bytes and wrote %d", n, b.Len())
	}
	return b.String()
}
