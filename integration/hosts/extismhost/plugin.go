package extismhost

import (
	"context"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	extism "github.com/extism/go-sdk"
	wazeromem "github.com/linmem/linmem/backends/wazero"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// Redact is a plugin that masks the digits of a text. It exports, for Extism to call,
//
//	describe         says what the plugin does
//	redact           from its input to its output, as every plugin does
//	redact_in_place  where the input says that the text is, in the plugin's own memory: see [Plugin.CallInPlace]
//
//go:embed guest/redact.wasm
var Redact []byte

// Plugin is an Extism plugin, with all that the SDK can do, and a heap of the host's in its memory. Like the SDK's, it is
// for one goroutine at a time.
type Plugin struct {
	*extism.Plugin
	guest *guest.Guest
}

// Open makes a plugin, calls its function describe as a host does to know what it has got, and opens its memory.
func Open(ctx context.Context, wasm []byte) (p *Plugin, err error) {
	manifest := extism.Manifest{Wasm: []extism.Wasm{extism.WasmData{Data: wasm}}}
	plugin, err := extism.NewPlugin(listenTo(ctx, "describe"), manifest, extism.PluginConfig{}, nil)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, plugin.Close(ctx))
		}
	}()
	var mod api.Module
	if _, _, err := plugin.CallWithContext(context.WithValue(ctx, moduleKey{}, &mod), "describe", nil); err != nil {
		return nil, err
	}
	report, err := guest.Inspect(wasm)
	if err != nil {
		return nil, err
	}
	inst, err := wazeromem.NewInstance(mod, "") // Extism has initialized it
	if err != nil {
		return nil, err
	}
	g, err := guest.Open(ctx, inst, report)
	if err != nil {
		return nil, err
	}
	return &Plugin{plugin, g}, nil
}

// moduleKey is the key of the variable, in the context of a call, that gets the module which is called.
type moduleKey struct{}

// listenTo returns a context for the SDK to compile plugins in. Calls of the exported function of that name then tell of
// which module it is. Other functions, and calls of others, cost nothing more.
func listenTo(ctx context.Context, name string) context.Context {
	listener := experimental.FunctionListenerFunc(func(ctx context.Context, mod api.Module, _ api.FunctionDefinition,
		_ []uint64, _ experimental.StackIterator,
	) {
		if called, ok := ctx.Value(moduleKey{}).(*api.Module); ok {
			*called = mod
		}
	})
	return experimental.WithFunctionListenerFactory(ctx, experimental.FunctionListenerFactoryFunc(
		func(f api.FunctionDefinition) experimental.FunctionListener {
			if slices.Contains(f.ExportNames(), name) {
				return listener
			}
			return nil
		}))
}

// CallInPlace puts data into the plugin's memory, calls a function of the plugin by Extism with the place of the data for
// its input, and has read look at what the function made of the data. The bytes that read gets are the plugin's memory,
// until it returns.
func (p *Plugin) CallInPlace(ctx context.Context, name string, data []byte, read func([]byte) error) (err error) {
	addr, err := p.guest.Heap.Put(data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.guest.Heap.Free(addr)) }()

	// The address fits in 32 bits, and so does the length, since the memory does.
	place := binary.LittleEndian.AppendUint64(nil, addr|uint64(len(data))<<32)
	switch code, _, err := p.CallWithContext(ctx, name, place); {
	case err != nil:
		return err
	case code != 0:
		return fmt.Errorf("the plugin's %q returned the code %d and no message", name, code)
	}
	view, err := p.guest.Heap.View(addr, uint64(len(data)))
	if err != nil {
		return err
	}
	return read(view)
}

// Verify returns an error if the plugin wrote to the canaries around the host's bytes.
func (p *Plugin) Verify() error { return p.guest.Verify() }

// Close closes the plugin.
func (p *Plugin) Close(ctx context.Context) error {
	return errors.Join(p.guest.Close(ctx), p.Plugin.Close(ctx))
}
