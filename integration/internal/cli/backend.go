package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/spf13/cobra"
)

// all is the backend that stands for every one.
const all = "all"

// backends returns the names that --backend takes, the default first.
func (p Program) backends() []string {
	var names []string
	for _, e := range p.Engines {
		names = append(names, e.Name)
	}
	names = append(names, p.Siblings...)
	if len(names) > 1 {
		names = append(names, all)
	}
	return names
}

// choice is the flag --backend.
type choice struct{ backend string }

func (c *choice) addFlag(p Program, cmd *cobra.Command) {
	names := p.backends()
	cmd.Flags().StringVar(&c.backend, "backend", names[0], "runtime: "+strings.Join(names, ", "))
}

func (c *choice) check(p Program) error {
	if names := p.backends(); !slices.Contains(names, c.backend) {
		return badInput("there is no backend %q: take one of %s", c.backend, strings.Join(names, ", "))
	}
	return nil
}

// each calls one of two functions for each backend that is chosen: own for an engine of this program, sibling for the name
// of one that another program has.
func (c *choice) each(p Program, own func(engines.Engine), sibling func(name string)) {
	chosen := func(name string) bool { return c.backend == name || c.backend == all }
	for _, engine := range p.Engines {
		if chosen(engine.Name) {
			own(engine)
		}
	}
	for _, name := range p.Siblings {
		if chosen(name) {
			sibling(name)
		}
	}
}

// openOn makes an instance of a guest on an engine of this program.
func openOn(ctx context.Context, engine engines.Engine, wasm []byte) (guest.Instance, func(), error) {
	if engine.LeftOut != "" {
		return nil, nil, failed("left out of this build: %s", engine.LeftOut)
	}
	inst, stop, err := engine.Open(ctx, wasm)
	if err != nil {
		return nil, nil, badInput("cannot load the guest: %v", err)
	}
	return inst, stop, nil
}
