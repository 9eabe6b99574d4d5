package cli_test

import (
	"encoding/json"
	"io"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/guests"
)

// The header of a component, and of a core module.
const (
	component = "\x00asm\x0d\x00\x01\x00"
	core      = "\x00asm\x01\x00\x00\x00"
)

// TestInspect holds what a person reads of a guest.
func TestInspect(t *testing.T) {
	for _, tt := range []struct {
		name string
		wasm []byte
		says []string // in this order
	}{
		{"NoGrowth", guests.SHA256, []string{
			"sha256.wasm (1373 bytes)\n",
			"made by", "not known\n",
			"memory", `1 page, no maximum, exported as "memory"`,
			"memory.grow", "nowhere\n",
			"memory.size", "nowhere\n",
			"begins with", "nothing: it needs no initialization\n",
			"allocators", "it exports none that is known\n",
			"late growth", "tolerates: ", "early growth", "tolerates: ",
			"guest.Open", "grow\n",
		}},
		{"Allocator", guests.LibcMalloc, []string{
			"memory.grow", "1 place\n", "at 0x", "in function ", ", its result is used as an address\n",
			"memory.size", "1 place\n", "at 0x", "in function ",
			"allocators", "malloc: malloc(i32) -> i32, free(i32)\n",
			"early growth", "undecided: ",
			"guest.Open", "arena",
		}},
		{"TwoStrategies", guests.RustAlloc, []string{"guest.Open", "arena; safe too: grow\n"}},
		{"Toolchain", guests.TinyGo, []string{"made by", "TinyGo 0.", "producers: ", "late growth", "corrupts: "}},
		{"HeapBase", guests.RustAlloc, []string{"alloc(i32, i32) -> i32, dealloc(i32, i32, i32)\n", "__heap_base", "0x"}},
		{"NameOfFunction", guests.Bytes, []string{`1 page, 256 at most`, `"grow", its result is not followed`}},
		{"Refused", guests.Bytes, []string{
			"guest.Open", "refuses the guest\n", "arena: ", "heap-base: ", "grow: ", "donate: ", "gap: ", "remedy 1: ",
		}},
		{"NoMemory", []byte(core), []string{"memory ", "none\n", "tolerates: it has no memory"}},
		{"Starts", starting, []string{"a start section, at instantiation; _initialize, to be called first; _start, as a program"}},
		{"Imports", serving, []string{"imports", "env.malloc(i32) -> i32\n", "env.free(i32)\n"}},
		{"ManyMemories", manyMemories, []string{"memory 0", "2 pages, 4 at most, shared, imported", "memory 1", "64-bit addresses"}},
		{"ManyPlaces", growing(40), []string{"memory.grow", "40 places\n", "and 32 more\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			file := write(t, "sha256.wasm", tt.wasm)
			for name, stdin := range map[string]string{file: "", "-": string(tt.wasm)} {
				code, stdout, stderr := run(program, stdin, "inspect", name)
				if code != 0 || stderr != "" {
					t.Errorf("exit code %d, standard error %q", code, stderr)
				}
				rest := strings.Replace(stdout, "- (", "sha256.wasm (", 1)
				for _, says := range tt.says {
					_, after, found := strings.Cut(rest, says)
					if !found {
						t.Fatalf("%q is not there, or not in its place, in\n%s", says, stdout)
					}
					rest = after
				}
			}
		})
	}
}

// inspected is the JSON of one file.
type inspected struct {
	File   string
	Report *struct {
		Functions []struct{ Name string }
		Verdict   struct{ Late struct{ Outcome string } }
	}
	Strategies []struct{ Strategy, Refused string }
	Error      string
	ExitCode   int `json:"exit_code"`
}

// TestInspectSeveral holds that a file that cannot be read does not keep the others from being inspected.
func TestInspectSeveral(t *testing.T) {
	good, bad, other := write(t, "a.wasm", guests.SHA256), write(t, "b.wasm", guests.Bytes[:40]), write(t, "c.wasm", guests.Bytes)

	code, stdout, stderr := run(program, "", "inspect", good, bad, other)
	if code != 2 || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "linmem: "+bad+": ") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	if strings.Count(stdout, " bytes)\n") != 2 || !strings.Contains(stdout, "\n\n"+other) {
		t.Errorf("two files are not told apart in\n%s", stdout)
	}

	code, stdout, _ = run(program, "", "inspect", "--json", good, bad, other)
	var all []inspected
	for dec := json.NewDecoder(strings.NewReader(stdout)); ; {
		var i inspected
		if err := dec.Decode(&i); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	if code != 2 || len(all) != 3 || all[0].File != good || all[1].File != bad || all[2].File != other {
		t.Fatalf("exit code %d, %+v", code, all)
	}
	if r := all[0].Report; r == nil || r.Functions[0].Name != "sha256" || r.Verdict.Late.Outcome != "tolerates" {
		t.Errorf("the first file: %s", stdout)
	}
	for _, s := range all[0].Strategies {
		if (s.Refused == "") != (s.Strategy == "grow") {
			t.Errorf("strategy %s is refused: %q", s.Strategy, s.Refused)
		}
	}
	if all[1].Report != nil || all[1].ExitCode != 2 || !strings.Contains(all[1].Error, "at byte 0x") {
		t.Errorf("the second file: %+v", all[1])
	}
}

// TestInspectBadInput holds that what cannot be read is one line that says where.
func TestInspectBadInput(t *testing.T) {
	for _, tt := range []struct{ name, wasm, says string }{
		{"Component", component, "at byte 0x4: expected a core module, and this is a component"},
		{"Cut", string(guests.Bytes[:40]), "at byte 0x"},
		{"Text", "(module)", "at byte 0x0: "},
		{"Empty", "", "at byte 0x0: "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := run(program, tt.wasm, "inspect", "-")
			if code != 2 || stdout != "" || !strings.Contains(stderr, tt.says) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, standard output %q, standard error %q, want %q", code, stdout, stderr, tt.says)
			}
		})
	}
}
