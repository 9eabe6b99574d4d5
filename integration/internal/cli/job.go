package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/zaplog"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// guestSHA256 names the embedded guest.
const guestSHA256 = "sha256"

// job is what is to be done, checked as far as it can be without a runtime.
type job struct {
	guest    string // as given
	wasm     []byte
	fn       string
	input    input
	observer *linmem.Observer
}

func (c *runCommand) job() (*job, error) {
	j := &job{guest: c.guest, fn: c.fn}
	switch {
	case c.guest == guestSHA256 && c.fn != "":
		return nil, badInput("--func is for a guest of your own: pass --guest FILE.wasm with it")
	case c.guest == guestSHA256:
		j.wasm, j.fn = guests.SHA256, "sha256"
	case c.fn == "":
		return nil, badInput("--guest %s needs --func NAME, the exported function to call", c.guest)
	default:
		var err error
		if j.wasm, err = readGuest(c.guest); err != nil {
			return nil, badInput("the guest: %v", err)
		}
	}
	var err error
	switch j.input, err = openInput(c.inNamed, c.in, c.stdin); {
	case errors.Is(err, errTooLong):
		return nil, failed("the input: %v", err)
	case err != nil:
		return nil, badInput("the input: %v", err)
	}
	if c.verbose {
		config := zap.NewDevelopmentEncoderConfig()
		core := zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.AddSync(c.stderr), zap.DebugLevel)
		j.observer = zaplog.Observer(zap.New(core))
	}
	return j, nil
}

func (j *job) cleanUp() { j.input.remove() }

// run does the job: load the guest, put the bytes into its memory, call it.
func (j *job) run(ctx context.Context, engine engines.Engine) (r report, err error) {
	r = report{Guest: j.guest, Func: j.fn, Bytes: j.input.size}

	begin := time.Now()
	if engine.LeftOut != "" {
		return r, failed("left out of this build: %s", engine.LeftOut)
	}
	inst, stop, err := engine.Open(ctx, j.wasm)
	if err != nil {
		return r, badInput("cannot load the guest: %v", err)
	}
	defer stop()
	sig, err := j.signature(inst)
	if err != nil {
		return r, err
	}
	if err := initialize(ctx, inst); err != nil {
		return r, badInput("cannot initialize the guest: %v", err)
	}
	r.LoadNs = time.Since(begin)

	begin = time.Now()
	mem := inst.Memory()
	pages, err := linmem.NewPages(mem, linmem.WithObserver(j.observer))
	if err != nil {
		return r, failed("%v", err)
	}
	size := mem.NumPages()
	run, err := j.put(mem, pages)
	if err != nil {
		return r, err
	}
	if end := run.Addr() + run.Bytes(); sig.Params[0] == guest.I32 && end > 1<<32 {
		return r, failed("the bytes lie up to %#x, out of reach of the i32 that %q takes for an address", end, j.fn)
	}
	r.PutNs = time.Since(begin)
	r.Addr = run.Addr()
	r.GrownPages = mem.NumPages() - size

	begin = time.Now()
	results, err := inst.Call(ctx, j.fn, run.Addr(), j.input.size)
	if err != nil {
		return r, failed("%q failed: %v", j.fn, err)
	}
	r.CallNs = time.Since(begin)
	if r.Result, err = j.result(mem, sig, results); err != nil {
		return r, failed("%v", err)
	}
	if err := pages.Free(run); err != nil {
		return r, failed("%v", err)
	}
	return r, nil
}

// signature requires the function to take an address and a length, and to return numbers.
func (j *job) signature(inst guest.Instance) (sig guest.Signature, err error) {
	typed, ok := inst.(guest.Typed)
	if !ok {
		return sig, failed("the backend does not tell the types of functions")
	}
	if sig, ok = typed.Signature(j.fn); !ok {
		return sig, badInput("the guest exports no function %q", j.fn)
	}
	p := sig.Params
	if len(p) != 2 || p[0] != p[1] || (p[0] != guest.I32 && p[0] != guest.I64) {
		return sig, badInput("%q takes %v: it must take an address and a length, [i32 i32] or [i64 i64]", j.fn, p)
	}
	for _, t := range sig.Results {
		if !t.IsNumeric() {
			return sig, badInput("%q returns %v: it must return numbers, or nothing", j.fn, sig.Results)
		}
	}
	return sig, nil
}

// initialize calls the function by which a guest that is a library, and not a command, asks to be initialized.
func initialize(ctx context.Context, inst guest.Instance) error {
	const name = "_initialize"
	sig, ok := inst.(guest.Typed).Signature(name)
	if !ok || len(sig.Params) > 0 || len(sig.Results) > 0 {
		return nil
	}
	_, err := inst.Call(ctx, name)
	return err
}

// put brings the input into the guest's memory, in pages of the host's: the bytes go straight from the file to where the
// guest reads them.
func (j *job) put(mem linmem.Memory, pages *linmem.Pages) (linmem.Range, error) {
	n := j.input.size / linmem.PageSize
	if j.input.size%linmem.PageSize != 0 || n == 0 {
		n++ // an empty input has an address too
	}
	run, err := pages.Alloc(n)
	if errors.Is(err, linmem.ErrOutOfMemory) {
		pages := "1 page"
		if n != 1 {
			pages = fmt.Sprintf("%d pages", n)
		}
		return run, failed("the input's %d bytes do not fit: they take %s, by which the guest's memory cannot grow",
			j.input.size, pages)
	}
	if err != nil {
		return run, failed("%v", err)
	}
	view, err := mem.View(run.Addr(), j.input.size)
	if err != nil {
		return run, failed("%v", err)
	}
	if err := j.input.readInto(view); err != nil {
		return run, badInput("the input: %v", err)
	}
	return run, nil
}

// result prints what the guest returned: the digest of the embedded guest, or numbers.
func (j *job) result(mem linmem.Memory, sig guest.Signature, raw []uint64) (string, error) {
	if j.guest == guestSHA256 {
		digest, err := mem.View(raw[0], 32)
		return hex.EncodeToString(digest), err
	}
	text := ""
	for i, t := range sig.Results {
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
	return text, nil
}
