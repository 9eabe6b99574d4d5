package gopluginhost

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/knqyf263/go-plugin/examples/helloworld/greeting"
	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

const greeterC = "guest/greeter.wasm"

// greeterGo has Go build a plugin of go-plugin's own, as its example helloworld says, and returns the path.
func greeterGo(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "morning.wasm")
	build := exec.Command("go", "build", "-o", path, "-buildmode=c-shared",
		"github.com/knqyf263/go-plugin/examples/helloworld/plugin-morning")
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "GOFLAGS=", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	return path
}

func load(t testing.TB, ctx context.Context, path string) *Greeter {
	t.Helper()
	g, err := Load(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return g
}

func TestGreet(t *testing.T) {
	for plugin, path := range map[string]string{"C": greeterC, "Go": greeterGo(t)} {
		t.Run(plugin, func(t *testing.T) {
			ctx := t.Context()
			g := load(t, ctx, path)
			for _, name := range []string{
				"", "x", "Zoë", strings.Repeat("n", 127), strings.Repeat("a b ", 20_000), strings.Repeat("12345678", 150_000),
			} {
				for by, greeter := range map[string]greeting.Greeter{"go-plugin": g.Generated, "linmem": g} {
					reply, err := greeter.Greet(ctx, &greeting.GreetRequest{Name: name})
					if err != nil || reply.GetMessage() != "Good morning, "+name {
						t.Errorf("%s: a name of %d bytes: got %d bytes, %v", by, len(name), len(reply.GetMessage()), err)
					}
				}
				if err := g.Verify(); err != nil {
					t.Errorf("a name of %d bytes: %v", len(name), err)
				}
				if live := g.guest.Heap.Stats().Live; live != 0 {
					t.Errorf("a name of %d bytes: %d bytes are still allocated", len(name), live)
				}
			}
		})
	}
}

// A plugin's error is the caller's, whoever calls.
func TestGreetError(t *testing.T) {
	ctx := t.Context()
	g := load(t, ctx, greeterC)
	request := new(greeting.GreetRequest)
	if err := request.UnmarshalVT([]byte{0x12, 0x00}); err != nil { // a field 2, which the plugin does not know
		t.Fatal(err)
	}
	for by, greeter := range map[string]greeting.Greeter{"go-plugin": g.Generated, "linmem": g} {
		const want = "greeter_greet: the request is no GreetRequest"
		if _, err := greeter.Greet(ctx, request); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %q", by, err, want)
		}
	}
	if live := g.guest.Heap.Stats().Live; live != 0 {
		t.Errorf("%d bytes are still allocated", live)
	}
}

func TestLoadErrors(t *testing.T) {
	if _, err := Load(t.Context(), filepath.Join(t.TempDir(), "missing.wasm")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: got %v", err)
	}
	path := filepath.Join(t.TempDir(), "empty.wasm")
	if err := os.WriteFile(path, []byte("\x00asm\x01\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(t.Context(), path); err == nil || !strings.Contains(err.Error(), "greeter_api_version") {
		t.Errorf("no plugin: got %v", err)
	}
}

// A plugin that writes over the ends of the host's region is found out.
func TestVerify(t *testing.T) {
	g := load(t, t.Context(), greeterC)
	addr, err := g.guest.Heap.Put([]byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := g.inst.Memory().View(addr&^(linmem.PageSize-1)-1, 1)
	if err != nil {
		t.Fatal(err)
	}
	before[0]++
	if err := g.Verify(); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

// calls counts, by name, the calls of the host into the plugin.
type calls map[string]int

func (c calls) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	if len(f.ExportNames()) == 0 {
		return nil
	}
	return experimental.FunctionListenerFunc(func(_ context.Context, _ api.Module, f api.FunctionDefinition, _ []uint64,
		stack experimental.StackIterator,
	) {
		if stack.Next() && !stack.Next() { // the plugin calls its malloc as well
			c[f.ExportNames()[0]]++
		}
	})
}

// The package doc gives these numbers.
func TestCalls(t *testing.T) {
	c := make(calls)
	ctx := experimental.WithFunctionListenerFactory(t.Context(), c)
	g := load(t, ctx, greeterC)
	for _, tc := range []struct {
		by      string
		greeter greeting.Greeter
		want    map[string]int
	}{
		{"go-plugin", g.Generated, map[string]int{"malloc": 1, "greeter_greet": 1, "free": 2}},
		{"linmem", g, map[string]int{"greeter_greet": 1, "free": 1}},
	} {
		clear(c)
		if _, err := tc.greeter.Greet(ctx, &greeting.GreetRequest{Name: "go-plugin"}); err != nil {
			t.Fatal(err)
		}
		if !maps.Equal(c, tc.want) {
			t.Errorf("%s: got %v, want %v", tc.by, c, tc.want)
		}
	}
}

// A plugin in Go grows with each call, whoever calls: its collector has no turn between two of them. With names of 64 KiB
// it has 4 GiB after some 16,000 calls of go-plugin's, or 21,000 of linmem's, and dies. So each benchmark loads it anew.
func BenchmarkGreet(b *testing.B) {
	for _, plugin := range []struct {
		language, path string
		sizes          []int
	}{{"C", greeterC, []int{16, 4 << 10, 64 << 10}}, {"Go", greeterGo(b), []int{16, 4 << 10}}} {
		for _, size := range plugin.sizes {
			for _, by := range []string{"go-plugin", "linmem"} {
				b.Run(fmt.Sprintf("%s/%s/%d", plugin.language, by, size), func(b *testing.B) {
					ctx := b.Context()
					g := load(b, ctx, plugin.path)
					var greeter greeting.Greeter = g
					if by == "go-plugin" {
						greeter = g.Generated
					}
					request := &greeting.GreetRequest{Name: strings.Repeat("n", size)}
					b.ReportAllocs()
					for b.Loop() {
						if _, err := greeter.Greet(ctx, request); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}
