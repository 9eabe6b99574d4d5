package cli

import (
	"context"
	"errors"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/zaplog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// job is what is to be done, checked as far as it can be without a runtime.
type job struct {
	task     task
	module   module
	input    input
	force    bool
	observer *linmem.Observer
}

// job returns what the flags ask for.
func (c *runCommand) job() (j *job, err error) {
	j = &job{force: c.force}
	if err := c.chooseGuest(j); err != nil {
		return nil, err
	}
	if c.changed("out") {
		if err := checkOutput(c.out); err != nil {
			j.cleanUp()
			return nil, badInput("--out %s: %v", c.out, err)
		}
	}
	j.input = j.task.input
	if c.changed("in") {
		j.input, err = openInput(c.in, c.stdin)
	}
	if err != nil {
		j.cleanUp()
		text := "the input %s: %v"
		if errors.Is(err, errTooLong) {
			return nil, failed(text, c.in, err)
		}
		return nil, badInput(text, c.in, err)
	}
	if c.verbose {
		config := zap.NewDevelopmentEncoderConfig()
		core := zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.AddSync(c.stderr), zap.DebugLevel)
		j.observer = zaplog.Observer(zap.New(core))
	}
	return j, nil
}

func (j *job) cleanUp() {
	j.input.remove()
	j.module.remove()
}

// run does the job: load the guest, find a place in its memory, put the bytes there, call it.
func (j *job) run(ctx context.Context, engine engines.Engine) (r report, err error) {
	r = report{Func: j.task.fn, Bytes: j.input.size}

	begin := time.Now()
	inst, stop, err := openOn(ctx, engine, j.module.wasm)
	if err != nil {
		return r, err
	}
	defer stop()
	mem := inst.Memory()
	size := mem.NumPages()
	g, err := j.open(ctx, inst)
	if err != nil {
		return r, err
	}
	r.Placement = placement{g.Plan.Strategy, g.Plan.Reason, g.Plan.Steps, g.Plan.Unsafe}
	r.LoadNs = time.Since(begin)

	begin = time.Now()
	if r.Addr, err = j.put(g.Heap, g.Plan.Strategy); err != nil {
		return r, err
	}
	r.PutNs = time.Since(begin)
	r.GrownPages = mem.NumPages() - size

	begin = time.Now()
	results, err := inst.Call(ctx, j.task.fn, append([]uint64{r.Addr, j.input.size}, j.task.args...)...)
	r.CallNs = time.Since(begin)
	// A guest that overwrote the host's bytes may have failed of that, and what it returns is worth nothing.
	if verifyErr := g.Verify(); verifyErr != nil {
		return r, failed("%q wrote over the host's bytes: %v", j.task.fn, errors.Join(verifyErr, err))
	}
	if err != nil {
		return r, failed("%q failed: %v", j.task.fn, err)
	}
	r.CallGrownPages = mem.NumPages() - size - r.GrownPages
	out, err := j.task.outcome(ctx, &call{inst, g.Heap, results})
	if err != nil {
		return r, err
	}
	r.Result, r.file = out.text, out.file
	if err := errors.Join(g.Heap.Free(r.Addr), g.Close(ctx)); err != nil {
		return r, failed("%v", err)
	}
	return r, nil
}

// open makes a heap in the guest's memory, in a place that the guest leaves alone.
func (j *job) open(ctx context.Context, inst guest.Instance) (*guest.Guest, error) {
	opts := []guest.OpenOption{guest.WithHeapOptions(linmem.WithObserver(j.observer))}
	if b, ok := inst.(engines.Binder); ok {
		opts = append(opts, guest.WithBind(b.Bind))
	}
	if j.force {
		opts = append(opts, guest.WithStrategy(guest.Grow, guest.AcceptCorruption))
	}
	g, err := guest.Open(ctx, inst, j.module.report, opts...)
	if unsafe := (*guest.UnsafeError)(nil); errors.As(err, &unsafe) {
		return nil, failed("%v (%d) pass --force, and risk that guest and host overwrite each other's bytes",
			err, len(unsafe.Remedies)+1)
	}
	if err != nil {
		return nil, failed("%v", err)
	}
	return g, nil
}

// put brings the input into the guest's memory: the bytes go straight from the file to where the guest reads them.
func (j *job) put(heap *linmem.Heap, strategy guest.Strategy) (addr uint64, err error) {
	addr, err = heap.Alloc(j.input.size)
	if errors.Is(err, linmem.ErrOutOfMemory) {
		return 0, failed("the input's %s do not fit into the guest's memory, where they are placed by %s",
			count(j.input.size, "byte"), strategy)
	}
	if err != nil {
		return 0, failed("%v", err)
	}
	if end := addr + j.input.size; j.task.is32 && end > 1<<32 {
		return 0, failed("the bytes lie up to %#x, out of reach of the i32 that %q takes for an address", end, j.task.fn)
	}
	view, err := heap.View(addr, j.input.size)
	if err != nil {
		return 0, failed("%v", err)
	}
	if err := j.input.readInto(view); err != nil {
		return 0, badInput("the input %s: %v", j.input.name, err)
	}
	return addr, nil
}
