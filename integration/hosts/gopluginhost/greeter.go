package gopluginhost

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/knqyf263/go-plugin/examples/helloworld/greeting"
	wazeromem "github.com/linmem/linmem/backends/wazero"
	"github.com/linmem/linmem/core/guest"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// Greeter is a loaded plugin. It implements the service, as what go-plugin's Load returns does, and is for one goroutine
// at a time, as that is.
type Greeter struct {
	// Generated is the same plugin, called by go-plugin's generated code.
	Generated greeting.Greeter

	close       func(context.Context) error
	guest       *guest.Guest
	inst        *wazeromem.Instance
	greet, free api.Function
}

var _ greeting.Greeter = (*Greeter)(nil)

// moduleName is how the plugin's module is found in the runtime that it is in, alone.
const moduleName = "plugin"

// Load has go-plugin load a plugin from a file, and opens its memory.
func Load(ctx context.Context, path string) (g *Greeter, err error) {
	var runtime wazero.Runtime
	newRuntime := func(ctx context.Context) (r wazero.Runtime, err error) {
		runtime, err = greeting.DefaultWazeroRuntime()(ctx)
		return runtime, err
	}
	defer func() {
		if err != nil && runtime != nil {
			err = errors.Join(err, runtime.Close(ctx))
		}
	}()
	loader, err := greeting.NewGreeterPlugin(ctx, greeting.WazeroRuntime(newRuntime), greeting.WazeroModuleConfig(
		wazero.NewModuleConfig().WithName(moduleName).WithStartFunctions("_initialize")))
	if err != nil {
		return nil, err
	}
	plugin, err := loader.Load(ctx, path)
	if err != nil {
		return nil, err
	}
	mod := runtime.Module(moduleName)

	wasm, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	report, err := guest.Inspect(wasm)
	if err != nil {
		return nil, err
	}
	inst, err := wazeromem.NewInstance(mod, "") // go-plugin has initialized it
	if err != nil {
		return nil, err
	}
	// Every plugin exports these. In one that is written in Go they keep what they allocate from the collector, which
	// Inspect cannot know of functions with such names: go-plugin's wasm/plugin.go has them.
	opened, err := guest.Open(ctx, inst, report, guest.WithAllocator("malloc", "free"))
	if err != nil {
		return nil, err
	}
	return &Greeter{
		Generated: plugin, close: plugin.Close, guest: opened, inst: inst,
		greet: mod.ExportedFunction("greeter_greet"), free: mod.ExportedFunction("free"),
	}, nil
}

// isError is the bit of a result's length that says that it is the text of an error.
const isError = 1 << 31

// Greet does what the method of that name in greet_host.pb.go does. The request is encoded where the plugin reads it.
func (g *Greeter) Greet(ctx context.Context, request *greeting.GreetRequest) (reply *greeting.GreetReply, err error) {
	var addr uint64 // of an empty request: none
	size := uint64(request.SizeVT())
	if size > 0 {
		if addr, err = g.guest.Heap.Alloc(size); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, g.guest.Heap.Free(addr)) }()
		view, err := g.guest.Heap.View(addr, size)
		if err != nil {
			return nil, err
		}
		if _, err := request.MarshalToSizedBufferVT(view); err != nil {
			return nil, err
		}
	}
	results, err := g.greet.Call(ctx, addr, size)
	if err != nil {
		return nil, err
	}
	resultAddr, resultSize := results[0]>>32, results[0]&(isError-1)
	if resultAddr != 0 {
		defer func() { // the plugin has allocated it
			_, freeErr := g.free.Call(ctx, resultAddr)
			err = errors.Join(err, freeErr)
		}()
	}
	result, err := g.inst.Memory().View(resultAddr, resultSize)
	if err != nil {
		return nil, fmt.Errorf("greeter_greet returned a place that is not in its memory: %w", err)
	}
	if results[0]&isError != 0 {
		return nil, errors.New(string(result))
	}
	reply = new(greeting.GreetReply)
	if err := reply.UnmarshalVT(result); err != nil {
		return nil, err
	}
	return reply, nil
}

// Verify returns an error if the plugin wrote to the canaries around the host's bytes.
func (g *Greeter) Verify() error { return g.guest.Verify() }

// Close gives the plugin its memory back, and closes it with the runtime that go-plugin has for it alone.
func (g *Greeter) Close(ctx context.Context) error {
	return errors.Join(g.guest.Close(ctx), g.close(ctx))
}
