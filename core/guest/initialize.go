package guest

import (
	"context"
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// Initialization runs a guest's _initialize as [Initializer] says; the zero value is one that has not run. It is for those
// who implement Initializer.
type Initialization struct{ done bool }

// Run does what [Initializer] says of Initialize.
func (i *Initialization) Run(ctx context.Context, inst Instance) error {
	const name = "_initialize"
	if i.done {
		return &linmem.Error{Op: "Instance.Initialize", Err: fmt.Errorf("%w: the guest is initialized already", linmem.ErrInvalid)}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	i.done = true
	if !inst.HasExport(name) {
		return nil
	}
	_, err := inst.Call(ctx, name)
	return err
}
