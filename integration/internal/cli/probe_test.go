package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/internal/cli"
)

// probed is the JSON of one backend.
type probed struct {
	File, Backend, Error string
	ExitCode             int `json:"exit_code"`
	Late, Early          struct {
		Inspected, Probed struct{ Outcome, Reason string }
	}
}

func decodeProbed(t *testing.T, stdout string) (p probed) {
	t.Helper()
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		t.Fatalf("%v in %q", err, stdout)
	}
	return p
}

func TestProbe(t *testing.T) {
	for _, tt := range []struct {
		name        string
		wasm        []byte
		flags       string
		late, early string   // outcomes of the probe
		says        []string // to a person, in this order
	}{
		{"Agrees", guests.RustAlloc, "", "tolerates", "tolerates", []string{
			"by its binary", "late growth", "tolerates: it takes", "wazero\n",
			"late growth", "tolerates: probed", "as the binary says", "early growth", "as the binary says",
		}},
		{"Decides", guests.LibcMalloc, "", "tolerates", "corrupts", []string{
			"by its binary", "early growth", "undecided: ", "wazero\n",
			"early growth", "corrupts: probed: ", "decides what the binary leaves open",
		}},
		{"NamedAllocator", guests.LibcMalloc, "--alloc malloc", "tolerates", "corrupts", nil},
		{"Traps", trapping, "", "undecided", "undecided", []string{"wazero\n", "unreachable", "\n                says nothing"}},
		{"TooFewPages", guests.LibcMalloc, "--max-pages 2", "undecided", "undecided", []string{
			"wazero\n", "late growth", "undecided: probed: the limit of pages", "says nothing against the binary\n",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := append([]string{"probe"}, strings.Fields(tt.flags)...)
			code, stdout, stderr := run(program, string(tt.wasm), append(args, "--json", "-")...)
			p := decodeProbed(t, stdout)
			if code != 0 || stderr != "" || p.Backend != "wazero" || p.File != "-" || p.Late.Inspected.Reason == "" ||
				p.Late.Probed.Outcome != tt.late || strings.Contains(p.Late.Probed.Reason, "\n") || p.Early.Probed.Outcome != tt.early {
				t.Errorf("exit code %d, standard error %q, %+v, want late %q, early %q", code, stderr, p, tt.late, tt.early)
			}
			code, stdout, stderr = run(program, "", append(args, write(t, "guest.wasm", tt.wasm))...)
			if code != 0 || stderr != "" {
				t.Errorf("exit code %d, standard error %q", code, stderr)
			}
			rest := stdout
			for _, says := range tt.says {
				_, after, found := strings.Cut(rest, says)
				if !found {
					t.Fatalf("%q is not there, or not in its place, in\n%s", says, stdout)
				}
				rest = after
			}
		})
	}
}

// greedy is wazero with a guest that takes the last page of its memory whenever it is called.
var greedy = engines.Engine{Name: "greedy", Open: func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
	inst, stop, err := wazeroengine.Default().Open(ctx, wasm)
	return taking{inst}, stop, err
}}

type taking struct{ guest.Instance }

func (i taking) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	mem := i.Memory()
	last, err := mem.View((mem.NumPages()-1)*65536, 65536)
	if err != nil {
		return nil, err
	}
	clear(last)
	return i.Instance.Call(ctx, name, args...)
}

// TestProbeContradicts holds that a guest which does not do what its binary says is an error, after what was found.
func TestProbeContradicts(t *testing.T) {
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{greedy, wazeroengine.Default()}}
	file := write(t, "rust.wasm", guests.RustAlloc)
	code, stdout, stderr := run(p, "", "probe", "--backend", "all", file)
	if code != 1 || strings.Count(stderr, "\n") != 1 || !strings.HasPrefix(stderr, "linmem: greedy: upon late growth") ||
		!strings.Contains(stderr, "please report it") {
		t.Errorf("exit code %d, standard error %q", code, stderr)
	}
	if strings.Count(stdout, "CONTRADICTS the binary") != 2 || strings.Count(stdout, "as the binary says") != 2 {
		t.Errorf("two contradictions and two agreements are not in\n%s", stdout)
	}
	code, stdout, _ = run(p, "", "probe", "--json", file)
	a := decodeProbed(t, stdout)
	if code != 1 || a.ExitCode != 1 || !strings.Contains(a.Error, "report it") || a.Late.Probed.Outcome != "corrupts" {
		t.Errorf("exit code %d, %+v", code, a)
	}
}

// TestProbeOneBackendFails holds that a backend that fails does not keep the others from their work.
func TestProbeOneBackendFails(t *testing.T) {
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{engines.LeftOut("absent", "no reason"), wazeroengine.Default()}}
	code, stdout, stderr := run(p, string(guests.RustAlloc), "probe", "--backend", "all", "-")
	if code != 1 || stderr != "linmem: absent: left out of this build: no reason\n" || !strings.Contains(stdout, "\nwazero\n") {
		t.Errorf("exit code %d, standard error %q, standard output\n%s", code, stderr, stdout)
	}
}

// TestRunIsOverwritten holds that a guest that writes over the host's bytes is found out.
func TestRunIsOverwritten(t *testing.T) {
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{greedy}}
	code, stdout, stderr := run(p, "", "run", "--guest", "sha256")
	if code != 1 || stdout != "" || !strings.Contains(stderr, `"sha256" wrote over the host's bytes`) {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout, stderr)
	}
}

// TestProbeHangs holds that a call which does not return is a failure, and not waited for.
func TestProbeHangs(t *testing.T) {
	end := make(chan struct{})
	defer close(end)
	hanging := engines.Engine{Name: "hanging", Open: func(ctx context.Context, wasm []byte) (guest.Instance, func(), error) {
		inst, stop, err := wazeroengine.Default().Open(ctx, wasm)
		return hangs{inst, end}, stop, err
	}}
	p := cli.Program{Name: "linmem", Engines: []engines.Engine{hanging}}
	code, stdout, stderr := run(p, string(guests.RustAlloc), "probe", "--timeout", "10ms", "-")
	if code != 1 || stdout != "" || !strings.Contains(stderr, "does not return within --timeout 10ms") {
		t.Errorf("exit code %d, standard output %q, standard error %q", code, stdout, stderr)
	}
}

// hangs is an instance whose calls return when the test ends.
type hangs struct {
	guest.Instance
	end <-chan struct{}
}

func (h hangs) Call(context.Context, string, ...uint64) ([]uint64, error) {
	<-h.end
	return nil, errors.New("the test has ended")
}

// TestProbeImports holds that a guest which imports its allocator is probed with a heap to allocate from.
func TestProbeImports(t *testing.T) {
	all := guests.Memory()
	i := slices.IndexFunc(all, func(g guests.Guest) bool { return g.Name == "c_imports" })
	code, stdout, stderr := run(program, string(all[i].Wasm), "probe", "--json", "--alloc", "take", "-")
	if a := decodeProbed(t, stdout); code != 0 || a.Late.Probed.Outcome != "tolerates" || a.Early.Probed.Outcome != "tolerates" {
		t.Errorf("exit code %d, %+v, standard error %q", code, a, stderr)
	}
}
