package cli

import (
	"context"
	"encoding/hex"
	"fmt"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/inputs"
)

// The names of the embedded guests.
const (
	guestThumbnail = "thumbnail"
	guestSHA256    = "sha256"
)

// task is how a guest's function is called, and what is made of what it returns.
type task struct {
	fn    string
	is32  bool     // address and length are i32
	args  []uint64 // after the address and the length
	input input    // unless another is named

	// outcome is called while the input is still allocated.
	outcome func(context.Context, *call) (outcome, error)
}

// call is a call of a guest that has returned.
type call struct {
	inst    guest.Instance
	heap    *linmem.Heap
	results []uint64
}

// outcome is what came of a call.
type outcome struct {
	text string
	file []byte // what --out asks for
}

// chooseGuest sets the module and the task of the job.
func (c *runCommand) chooseGuest(j *job) (err error) {
	for _, flag := range []string{"out", "max-side"} {
		if c.guest != guestThumbnail && c.changed(flag) {
			return badInput("--%s is for the guest %s", flag, guestThumbnail)
		}
	}
	j.task = task{fn: c.guest, is32: true}
	switch c.guest {
	case guestThumbnail:
		if c.maxSide < 1 {
			return badInput("--max-side %d: it must be 1 at least", c.maxSide)
		}
		j.module.wasm, j.task.outcome = guests.Thumbnail, thumbnail
		j.task.args, j.task.input = []uint64{uint64(c.maxSide)}, embedded(inputs.PhotoName, inputs.Photo)
	case guestSHA256:
		j.module.wasm, j.task.outcome = guests.SHA256, digest
		j.task.input = embedded(inputs.TZDataName, inputs.TZData)
	default:
		return c.chooseOwnGuest(j)
	}
	if c.fn != "" {
		return badInput("--func is for a guest of your own: pass --guest FILE.wasm with it")
	}
	j.module.name = c.guest
	if j.module.report, err = guest.Inspect(j.module.wasm); err != nil {
		return failed("%v", err)
	}
	return nil
}

// chooseOwnGuest requires the function to take an address and a length, and to return numbers.
func (c *runCommand) chooseOwnGuest(j *job) (err error) {
	switch {
	case c.fn == "":
		return badInput("--guest %s needs --func NAME, the exported function to call", c.guest)
	case c.guest == standardInput && c.in == standardInput:
		return badInput("guest and input cannot both be standard input")
	}
	if j.module, err = readModule(c.guest, c.stdin); err != nil {
		return badInput("the guest %s: %v", c.guest, err)
	}
	f, ok := j.module.report.Function(c.fn)
	p := f.Params
	switch {
	case !ok:
		err = badInput("the guest exports no function %q", c.fn)
	case len(p) != 2 || p[0] != p[1] || (p[0] != guest.I32 && p[0] != guest.I64):
		err = badInput("%q takes %v: it must take an address and a length, [i32 i32] or [i64 i64]", c.fn, p)
	}
	for _, t := range f.Results {
		if !t.IsNumeric() {
			err = badInput("%q returns %v: it must return numbers, or nothing", c.fn, f.Results)
		}
	}
	if err != nil {
		j.cleanUp()
		return err
	}
	j.task = task{fn: c.fn, is32: p[0] == guest.I32, input: embedded(inputs.TZDataName, inputs.TZData)}
	j.task.outcome = func(_ context.Context, call *call) (outcome, error) {
		return outcome{text: numbers(f.Results, call.results)}, nil
	}
	return nil
}

// numbers prints what a function returned.
func numbers(types []guest.ValueType, raw []uint64) string {
	text := ""
	for i, t := range types {
		if i > 0 {
			text += ", "
		}
		switch t {
		case guest.F32:
			text += fmt.Sprint(math.Float32frombits(uint32(raw[i])))
		case guest.F64:
			text += fmt.Sprint(math.Float64frombits(raw[i]))
		default:
			text += fmt.Sprintf("%d (%#x)", raw[i], raw[i])
		}
	}
	if text == "" {
		text = "(no result)"
	}
	return text
}

// digest is the outcome of the guest sha256: the address of 32 bytes of the guest's own.
func digest(_ context.Context, call *call) (outcome, error) {
	bytes, err := call.inst.Memory().View(call.results[0], 32)
	if err != nil {
		return outcome{}, failed("%v", err)
	}
	return outcome{text: hex.EncodeToString(bytes)}, nil
}
