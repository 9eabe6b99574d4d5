package extismhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	extism "github.com/extism/go-sdk"
	linmem "github.com/linmem/linmem/core"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// text returns n bytes, with digits at many places.
func text(n int) []byte {
	const line = "2026-11-26 10:15:00 card 4111 1111 1111 1111 charged 12.50 at terminal B7\n"
	return []byte(strings.Repeat(line, n/len(line)+1)[:n])
}

// masked is the oracle.
func masked(b []byte) []byte {
	return bytes.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return 'x'
		}
		return r
	}, b)
}

func open(t testing.TB, ctx context.Context) *Plugin {
	t.Helper()
	p, err := Open(ctx, Redact)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return p
}

func inPlace(ctx context.Context, p *Plugin, data []byte) (result []byte, err error) {
	err = p.CallInPlace(ctx, "redact_in_place", data, func(b []byte) error {
		result = bytes.Clone(b)
		return nil
	})
	return result, err
}

func TestRedact(t *testing.T) {
	// Two plugins, so that it shows if one got the module of the other.
	ctx := t.Context()
	plugins := []*Plugin{open(t, ctx), open(t, ctx)}
	for _, size := range []int{0, 1, 7, 8, 9, 1000, 70_000, 3 << 20} {
		for _, p := range plugins {
			_, output, err := p.Call("redact", text(size))
			if err != nil || !bytes.Equal(output, masked(text(size))) {
				t.Errorf("%d bytes, by Extism: got %d bytes, %v", size, len(output), err)
			}
			output, err = inPlace(ctx, p, text(size))
			if err != nil || !bytes.Equal(output, masked(text(size))) {
				t.Errorf("%d bytes, in place: got %d bytes, %v", size, len(output), err)
			}
			if err := p.Verify(); err != nil {
				t.Errorf("%d bytes: %v", size, err)
			}
			if live := p.guest.Heap.Stats().Live; live != 0 {
				t.Errorf("%d bytes: %d are still allocated", size, live)
			}
		}
	}
}

// Each instance of a compiled plugin tells of its own module.
func TestCompiledPlugin(t *testing.T) {
	ctx := t.Context()
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: Redact}}}
	compiled, err := extism.NewCompiledPlugin(listenTo(ctx, "describe"), manifest, extism.PluginConfig{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = compiled.Close(ctx) }()
	var mods [2]api.Module
	for i := range mods {
		p, err := compiled.Instance(ctx, extism.PluginInstanceConfig{})
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.WithValue(ctx, moduleKey{}, &mods[i])
		if _, output, err := p.CallWithContext(ctx, "describe", nil); err != nil || string(output) != "redact: masks digits" {
			t.Fatalf("got %q, %v", output, err)
		}
		if mods[i] == nil || mods[i].ExportedFunction("redact_in_place") == nil {
			t.Fatalf("instance %d: got the module %v", i, mods[i])
		}
	}
	if mods[0] == mods[1] || mods[0].Memory() == mods[1].Memory() {
		t.Error("both instances told of one module")
	}
}

func TestOpenErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		wasm []byte
		want string
	}{
		"no wasm":     {[]byte("wasm"), "invalid magic number"},
		"no describe": {[]byte("\x00asm\x01\x00\x00\x00"), "unknown function: describe"},
	} {
		if p, err := Open(t.Context(), tc.wasm); p != nil || err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, tc.want)
		}
	}
}

func TestCallInPlaceErrors(t *testing.T) {
	ctx := t.Context()
	p := open(t, ctx)
	unread := func([]byte) error { return errors.New("read was called") }
	for name, want := range map[string]string{
		"no_such_function": "unknown function: no_such_function",
		"redact_in_place":  "read was called", // what read returns is passed on
	} {
		if err := p.CallInPlace(ctx, name, text(100), unread); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	const want = "redact_in_place: the input must be an address and a length, of 4 bytes each"
	if _, _, err := p.Call("redact_in_place", text(100)); err == nil || err.Error() != want {
		t.Errorf("an input that is no place: got %v, want %q", err, want)
	}
	if live := p.guest.Heap.Stats().Live; live != 0 {
		t.Errorf("%d bytes are still allocated", live)
	}

	// A plugin with the functions describe, which returns 0, and fail, which returns 3.
	failing, err := Open(ctx, []byte("\x00asm\x01\x00\x00\x00\x01\x05\x01\x60\x00\x01\x7f\x03\x03\x02\x00\x00\x05\x03\x01\x00"+
		"\x01\x07\x13\x02\x08describe\x00\x00\x04fail\x00\x01\x0a\x0b\x02\x04\x00A\x00\x0b\x04\x00A\x03\x0b"))
	if err != nil {
		t.Fatal(err)
	}
	if err := failing.CallInPlace(ctx, "fail", text(100), unread); err == nil || !strings.Contains(err.Error(), "code 3") {
		t.Errorf("a code and no message: got %v", err)
	}
	if err := failing.Close(ctx); err != nil {
		t.Error(err)
	}
}

// A plugin that is told a wrong place writes over the canaries, and Verify says so.
func TestVerify(t *testing.T) {
	p := open(t, t.Context())
	addr, err := p.guest.Heap.Put(text(100))
	if err != nil {
		t.Fatal(err)
	}
	before := addr&^(linmem.PageSize-1) - linmem.PageSize
	place := make([]byte, 8)
	for i, v := range []uint64{before, linmem.PageSize} {
		for b := range 4 {
			place[4*i+b] = byte(v >> (8 * b))
		}
	}
	if _, _, err := p.Call("redact_in_place", place); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(); !errors.Is(err, linmem.ErrCorrupt) {
		t.Errorf("got %v, want ErrCorrupt", err)
	}
}

// calls counts, by name, the calls between the plugin, the host and Extism's kernel.
type calls map[string]int

func (c calls) NewFunctionListener(f api.FunctionDefinition) experimental.FunctionListener {
	if len(f.ExportNames()) == 0 {
		return nil
	}
	return experimental.FunctionListenerFunc(func(_ context.Context, _ api.Module, f api.FunctionDefinition, _ []uint64,
		_ experimental.StackIterator,
	) {
		c[f.ExportNames()[0]]++
	})
}

// The package doc gives these numbers.
func TestCalls(t *testing.T) {
	// Open needs the listener for itself, so this plugin is the SDK's.
	c := make(calls)
	ctx := experimental.WithFunctionListenerFactory(t.Context(), c)
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: Redact}}}
	p, err := extism.NewPlugin(ctx, manifest, extism.PluginConfig{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = p.Close(ctx) }()
	around := map[string]int{ // what Extism does around each call
		"reset": 1, "alloc": 1, "input_set": 1, "error_get": 1, "output_offset": 1, "output_length": 1,
	}
	inside := map[string]int{"input_length": 2}
	for _, tc := range []struct {
		function string
		input    []byte
		more     map[string]int // input_length and alloc are a call of the host, and one of the kernel by the host
	}{
		{"redact", text(4096), map[string]int{"input_load_u64": 512, "store_u64": 512, "alloc": 3, "output_set": 2}},
		{"redact_in_place", make([]byte, 8), map[string]int{"input_load_u64": 1}},
	} {
		clear(c)
		if _, _, err := p.Call(tc.function, tc.input); err != nil {
			t.Fatal(err)
		}
		want := maps.Clone(around)
		maps.Copy(want, inside)
		maps.Copy(want, tc.more)
		want[tc.function] = 1
		if !maps.Equal(c, want) {
			t.Errorf("%s: got %v, want %v", tc.function, c, want)
		}
	}
}

func BenchmarkRedact(b *testing.B) {
	ctx := b.Context()
	p := open(b, ctx)
	for _, size := range []int{64, 4 << 10, 64 << 10} {
		data := text(size)
		b.Run(fmt.Sprintf("extism/%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := p.Call("redact", data); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("in-place/%d", size), func(b *testing.B) {
			b.SetBytes(int64(size))
			b.ReportAllocs()
			read := func([]byte) error { return nil }
			for b.Loop() {
				if err := p.CallInPlace(ctx, "redact_in_place", data, read); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
