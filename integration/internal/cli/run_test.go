package cli_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/inputs"
	"github.com/linmem/linmem/integration/internal/cli"
)

// answer is the JSON of one backend.
type answer struct {
	Backend, Result, Error string
	Bytes, Addr            uint64
	Placement              plan
	GrownPages             uint64 `json:"grown_pages"`
	CallGrownPages         uint64 `json:"call_grown_pages"`
	ExitCode               int    `json:"exit_code"`
}

type plan struct {
	Strategy, Reason string
	Unsafe           bool
}

func decode(t *testing.T, stdout string) (a answer) {
	t.Helper()
	if err := json.Unmarshal([]byte(stdout), &a); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	return a
}

func TestSHA256(t *testing.T) {
	code, stdout, stderr := run(program, "", "run", "--guest", "sha256")
	want := fmt.Sprintf("%x", sha256.Sum256(inputs.TZData))
	if code != 0 || stderr != "" || !strings.Contains(stdout, want) {
		t.Errorf("exit code %d, standard error %q, and %s is not in\n%s", code, stderr, want, stdout)
	}
}

func TestDigests(t *testing.T) {
	for _, size := range []int{0, 1, 55, 56, 63, 64, 65, 65535, 65536, 65537, 1 << 20} {
		data := bytes.Repeat([]byte("linmem!"), size/7+1)[:size]
		path := write(t, "in", data)
		want := fmt.Sprintf("%x", sha256.Sum256(data))
		for in, stdin := range map[string]string{path: "", "-": string(data)} {
			code, stdout, stderr := run(program, stdin, "run", "--guest", "sha256", "--json", "--in", in)
			if a := decode(t, stdout); code != 0 || stderr != "" || a.Result != want || a.Bytes != uint64(size) {
				t.Errorf("%d bytes: exit code %d, standard error %q, answer %+v, want %s", size, code, stderr, a, want)
			}
		}
	}
}

// TestGuestOfOnesOwn holds where the host's bytes are placed in guests of several kinds, and that these work on them.
func TestGuestOfOnesOwn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		wasm  []byte
		flags string
		want  answer
	}{
		{"Arena", guests.LibcMalloc, "--func digest", answer{Result: "97 (0x61)", GrownPages: 17, Placement: plan{Strategy: "arena"}}},
		{"Forced", guests.Bytes, "--func fnv1a --force", answer{
			Result: "12638187200555641996 (0xaf63dc4c8601ec8c)", GrownPages: 18, Placement: plan{Strategy: "grow", Unsafe: true},
		}},
		{"ForcedButSafe", guests.RustAlloc, "--func digest --force", answer{
			Result: "97 (0x61)", GrownPages: 18, Placement: plan{Strategy: "grow"},
		}},
		{"NoResult", guests.Bytes, "--func reverse --force", answer{
			Result: "(no result)", GrownPages: 18, Placement: plan{Strategy: "grow", Unsafe: true},
		}},
		{"Grows", growingBy1, "--func f --force", answer{
			Result: "(no result)", GrownPages: 18, CallGrownPages: 1, Placement: plan{Strategy: "grow", Unsafe: true},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := strings.Fields("run --in - --guest " + write(t, "own.wasm", tt.wasm) + " " + tt.flags)
			code, stdout, stderr := run(program, "a", append(args, "--json")...)
			a := decode(t, stdout)
			tt.want.Backend, tt.want.Bytes, tt.want.Addr, tt.want.Placement.Reason = "wazero", 1, a.Addr, a.Placement.Reason
			if code != 0 || stderr != "" || a != tt.want || a.Addr == 0 || a.Placement.Reason == "" {
				t.Errorf("exit code %d, standard error %q, answer %+v, want %+v", code, stderr, a, tt.want)
			}
			code, stdout, _ = run(program, "a", args...)
			if code != 0 || strings.Contains(stdout, "UNSAFE") != tt.want.Placement.Unsafe || !strings.Contains(stdout, tt.want.Placement.Reason) {
				t.Errorf("exit code %d, and the placement is not as in the JSON in\n%s", code, stdout)
			}
		})
	}
}

func TestVerbose(t *testing.T) {
	code, _, stderr := run(program, "", "run", "--verbose", "--guest", "sha256")
	if code != 0 || !strings.Contains(stderr, "source gave pages") {
		t.Errorf("exit code %d, and no pages in the log %q", code, stderr)
	}
}

// TestBadInput holds that what a user gets wrong is one clear line and an exit code, never a panic.
func TestBadInput(t *testing.T) {
	own := write(t, "bytes.wasm", guests.Bytes)
	libc := write(t, "libc.wasm", guests.LibcMalloc)
	text := write(t, "text.wasm", []byte("(module)"))
	broken := write(t, "broken.wasm", guests.Bytes[:40])
	imports := write(t, "imports.wasm", importing)
	noMemory := write(t, "memoryless.wasm", memoryless)
	folder := t.TempDir()
	large := write(t, "large", nil)
	if err := os.Truncate(large, 256*65536); err != nil {
		t.Fatal(err)
	}
	huge := write(t, "huge", nil)
	if err := os.Truncate(huge, 1<<32+1); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		code int
		says string
	}{
		{"rum", 2, "unknown command"},
		{"run it", 2, "unknown command"},
		{"run --bakend wazero", 2, "unknown flag"},
		{"run --backend wasm3", 2, "there is no backend"},
		{"run --in " + own + ".gone", 2, "no such file"},
		{"run --in " + folder, 2, "not a regular file"},
		{"run --in=", 2, "empty"},
		{"run --func f --guest " + folder, 2, "not a regular file"},
		{"run --func f --guest - --in -", 2, "cannot both be standard input"},
		{"run --func f", 2, "--guest FILE.wasm"},
		{"run --guest " + own, 2, "needs --func"},
		{"run --guest " + own + ".gone --func f", 2, "no such file"},
		{"run --guest " + text + " --func f", 2, "text.wasm: guest.Inspect: at byte 0x0"},
		{"run --guest " + broken + " --func f", 2, "broken.wasm: guest.Inspect: at byte 0x"},
		{"run --guest " + imports + " --func g", 2, "cannot load the guest"},
		{"run --guest " + noMemory + " --func g", 2, "no memory"},
		{"run --guest " + own + " --func f", 2, `exports no function "f"`},
		{"run --guest " + own + " --func memory", 2, `exports no function "memory"`},
		{"run --guest " + own + " --func own", 2, "must take an address and a length"},
		{"run --guest " + own + " --func grow", 2, "must take an address and a length"},
		{"run --guest " + own + " --func fnv1a", 1, "pass --force"},
		{"run --guest " + own + " --func trap --force", 1, "unreachable"},
		{"run --guest " + own + " --func fnv1a --force --in " + large, 1, "do not fit"},
		{"run --guest sha256 --in " + huge, 1, "do not fit"},
		{"run --guest " + libc + " --func digest --in " + huge, 1, "do not fit"},
		{"run --guest sha256 --out thumb.png", 2, "--out is for the guest thumbnail"},
		{"run --guest sha256 --max-side 5", 2, "--max-side is for the guest thumbnail"},
		{"run --max-side 0", 2, "--max-side 0: it must be 1 at least"},
		{"run --max-side 99999999999", 2, "value out of range"},
		{"run --out=", 2, "no name of a file"},
		{"run --out -", 2, "no name of a file"},
		{"run --out " + folder, 2, "it is a folder"},
		{"run --out " + filepath.Join(folder, "gone", "t.png"), 2, "its folder: no such file"},
		{"run --out " + filepath.Join(own, "t.png"), 2, "is no folder"},
		{"run --out " + os.DevNull, 2, "not a regular file"},
		{"inspect", 2, "no file is named"},
		{"inspect --backend wazero " + own, 2, "unknown flag"},
		{"probe", 2, "0 files named"},
		{"probe " + own + " " + own, 2, "2 files named"},
		{"probe --backend wasm3 " + own, 2, "there is no backend"},
		{"probe " + own + ".gone", 2, "no such file"},
		{"probe " + broken, 2, "broken.wasm: guest.Inspect: at byte 0x"},
		{"probe " + own, 2, "name a function of its own with --alloc"},
		{"probe --alloc f " + own, 2, `exports no function "f"`},
		{"probe --alloc trap " + own, 2, "is no function to allocate with"},
		{"probe --max-pages 0 " + own, 2, "more than 0"},
		{"probe --timeout 0s " + own, 2, "more than 0"},
		{"probe " + imports, 2, "wazero: cannot load the guest"},
	} {
		code, stdout, stderr := run(program, "", strings.Fields(tt.args)...)
		if code != tt.code || stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
			t.Errorf("linmem %s\nexit code %d, want %d\nstandard output %q\nstandard error  %q, want one line with %q",
				tt.args, code, tt.code, stdout, stderr, tt.says)
		}
	}
}

// TestBadInputAsJSON holds that a program reads the error on standard output, and a person on standard error.
func TestBadInputAsJSON(t *testing.T) {
	code, stdout, stderr := run(program, "", "run", "--json", "--in", filepath.Join(t.TempDir(), "gone"))
	a := decode(t, stdout)
	if code != 2 || a.ExitCode != 2 || !strings.Contains(a.Error, "no such file") || !strings.Contains(stderr, a.Error) {
		t.Errorf("exit code %d, answer %+v, standard error %q", code, a, stderr)
	}
	code, stdout, _ = run(program, "", "run", "--json", "--force",
		"--guest", write(t, "b.wasm", guests.Bytes), "--func", "trap")
	if a := decode(t, stdout); code != 1 || a.ExitCode != 1 || a.Backend != "wazero" {
		t.Errorf("exit code %d, answer %+v", code, a)
	}
}

// TestOneBackendFails holds that a backend that fails does not keep the others from their work.
func TestOneBackendFails(t *testing.T) {
	broken := engines.Engine{Name: "broken", Open: func(context.Context, []byte) (guest.Instance, func(), error) {
		return nil, nil, errors.New("two\nlines")
	}}
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{
		engines.LeftOut("absent", "no reason"), wazeroengine.Default(), broken,
	}}
	code, stdout, stderr := run(p, "", "run", "--backend", "all")
	want := "linmem: absent: left out of this build: no reason\nlinmem: broken: cannot load the guest: two lines\n"
	if code != 1 || !strings.Contains(stdout, "wazero") || stderr != want {
		t.Errorf("exit code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
}

// TestOneMistakeIsOneLine holds that backends that find the same mistake share a line.
func TestOneMistakeIsOneLine(t *testing.T) {
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{wazeroengine.Compiler(), wazeroengine.Interpreter()}}
	own := write(t, "bytes.wasm", guests.Bytes)
	code, _, stderr := run(p, "", "run", "--backend", "all", "--guest", own, "--func", "fnv1a")
	if code != 1 || !strings.HasPrefix(stderr, "linmem: wazero-compiler, wazero-interpreter: ") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
}

// TestStandardOutputFails holds that a result that nobody gets is a failure.
func TestStandardOutputFails(t *testing.T) {
	for _, args := range []string{"run", "run --json", "--help"} {
		var stderr bytes.Buffer
		code := program.Run(context.Background(), strings.Fields(args), strings.NewReader(""), fullWriter{}, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("linmem %s: exit code %d, standard error %q", args, code, &stderr)
		}
	}
}

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errors.New("no space left on device") }

// TestFileThatClaimsToBeEmpty holds that files of the kernel are read, whose size is not what it is said to be.
func TestFileThatClaimsToBeEmpty(t *testing.T) {
	const path = "/proc/version"
	data, err := os.ReadFile(path)
	if err != nil {
		t.Skipf("this system has no such files: %v", err)
	}
	_, stdout, _ := run(program, "", "run", "--guest", "sha256", "--json", "--in", path)
	want := fmt.Sprintf("%x", sha256.Sum256(data))
	if a := decode(t, stdout); a.Result != want || a.Bytes != uint64(len(data)) {
		t.Errorf("answer %+v, want %s of %d bytes", a, want, len(data))
	}
}

// TestFileThatChanges holds that a file that is longer or shorter when it is read is an error, not another digest.
func TestFileThatChanges(t *testing.T) {
	for _, size := range []int64{10, 1000} {
		path := write(t, "in", make([]byte, 100))
		slow := wazeroengine.Default()
		open := slow.Open
		slow.Open = func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
			if err := os.Truncate(path, size); err != nil {
				t.Fatal(err)
			}
			return open(ctx, wasm)
		}
		p := cli.Program{Name: "linmem", Engines: []engines.Engine{slow}}
		code, _, stderr := run(p, "", "run", "--guest", "sha256", "--in", path)
		if code != 2 || !strings.Contains(stderr, "than the 100 bytes") {
			t.Errorf("from 100 to %d bytes: exit code %d, standard error %q", size, code, stderr)
		}
	}
}

// TestNothingIsLeftBehind holds that what was spooled from standard input is removed.
func TestNothingIsLeftBehind(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if code, _, stderr := run(program, "stream", "run", "--guest", "sha256", "--in", "-"); code != 0 {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestBackendsDisagree holds that different results for the same bytes are an error.
func TestBackendsDisagree(t *testing.T) {
	liar := engines.Engine{Name: "liar", Open: func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
		inst, stop, err := wazeroengine.Default().Open(ctx, wasm)
		return lying{inst}, stop, err
	}}
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{wazeroengine.Default(), liar}}
	own := write(t, "bytes.wasm", guests.Bytes)
	code, _, stderr := run(p, "", "run", "--backend", "all", "--guest", own, "--func", "fnv1a", "--force")
	if code != 1 || !strings.Contains(stderr, "wazero returns") || !strings.Contains(stderr, "liar returns") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
}

type lying struct{ guest.Instance }

func (l lying) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	results, err := l.Instance.Call(ctx, name, args...)
	if err == nil && len(results) > 0 {
		results[0]++
	}
	return results, err
}
