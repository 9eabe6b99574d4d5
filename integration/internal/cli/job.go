package cli

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/inputs"
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

// input is the bytes to put into the guest: a file to be read straight into its memory, or bytes that are here already.
type input struct {
	name string
	path string // "" if data is set
	data []byte
	size uint64
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
		if j.wasm, err = os.ReadFile(c.guest); err != nil {
			return nil, badInput("the guest: %v", err)
		}
		if !bytes.HasPrefix(j.wasm, []byte("\x00asm")) {
			return nil, badInput("the guest: %s is not a wasm module: it does not begin with \\0asm", c.guest)
		}
	}
	var err error
	if j.input, err = c.openInput(); err != nil {
		return nil, err
	}
	if c.verbose {
		config := zap.NewDevelopmentEncoderConfig()
		core := zapcore.NewCore(zapcore.NewConsoleEncoder(config), zapcore.AddSync(c.stderr), zap.DebugLevel)
		j.observer = zaplog.Observer(zap.New(core))
	}
	return j, nil
}

func (c *runCommand) openInput() (input, error) {
	switch c.in {
	case "":
		return input{name: inputs.TZDataName, data: inputs.TZData, size: uint64(len(inputs.TZData))}, nil
	case "-":
		data, err := io.ReadAll(c.stdin)
		if err != nil {
			return input{}, badInput("standard input: %v", err)
		}
		return input{name: "-", data: data, size: uint64(len(data))}, nil
	}
	info, err := os.Stat(c.in)
	if err != nil {
		return input{}, badInput("the input: %v", err)
	}
	if !info.Mode().IsRegular() {
		return input{}, badInput("the input: %s is not a regular file; to pass a stream, use --in -", c.in)
	}
	f, err := os.Open(c.in)
	if err != nil {
		return input{}, badInput("the input: %v", err)
	}
	defer f.Close()
	return input{name: c.in, path: c.in, size: uint64(info.Size())}, nil
}

// readInto fills b, which is as long as the input.
func (in input) readInto(b []byte) error {
	if in.path == "" {
		copy(b, in.data)
		return nil
	}
	f, err := os.Open(in.path)
	if err != nil {
		return badInput("the input: %v", err)
	}
	defer f.Close()
	if _, err := io.ReadFull(f, b); err != nil {
		return badInput("the input: %s has shrunk while it was read: %v", in.path, err)
	}
	return nil
}

// run does the job: load the guest, put the bytes into its memory, call it.
func (j *job) run(ctx context.Context, engine engines.Engine) (r report, err error) {
	r = report{Backend: engine.Name, Guest: j.guest, Func: j.fn, Input: j.input.name, Bytes: j.input.size}

	begin := time.Now()
	inst, stop, err := engine.Open(ctx, j.wasm)
	if leftOut := (engines.LeftOutError{}); errors.As(err, &leftOut) {
		return r, failed("%v", leftOut)
	}
	if err != nil {
		return r, badInput("%s does not load the guest: %v", engine.Name, err)
	}
	defer stop()
	sig, err := j.signature(inst)
	if err != nil {
		return r, err
	}
	if inst.HasExport("_initialize") {
		if _, err := inst.Call(ctx, "_initialize"); err != nil {
			return r, failed("%s: the guest's _initialize: %v", engine.Name, err)
		}
	}
	r.LoadNs = time.Since(begin)

	begin = time.Now()
	mem := inst.Memory()
	pages, err := linmem.NewPages(mem, linmem.WithObserver(j.observer))
	if err != nil {
		return r, err
	}
	run, err := j.put(mem, pages)
	if err != nil {
		return r, fmt.Errorf("%s: %w", engine.Name, err)
	}
	r.PutNs = time.Since(begin)
	r.Addr = run.Addr()
	r.GrownPages = pages.Stats().Owned

	begin = time.Now()
	results, err := inst.Call(ctx, j.fn, run.Addr(), j.input.size)
	if err != nil {
		return r, failed("%s: the guest's %s: %v", engine.Name, j.fn, err)
	}
	r.CallNs = time.Since(begin)
	if r.Result, err = j.result(mem, sig, results); err != nil {
		return r, err
	}
	return r, pages.Free(run)
}

// signature requires the function to take an address and a length.
func (j *job) signature(inst guest.Instance) (guest.Signature, error) {
	sig, ok := inst.(guest.Typed).Signature(j.fn)
	if !ok {
		return sig, badInput("the guest %s exports no function %q", j.guest, j.fn)
	}
	p := sig.Params
	if len(p) != 2 || p[0] != p[1] || (p[0] != guest.I32 && p[0] != guest.I64) {
		return sig, badInput("the guest's function %q takes %v, and must take an address and a length, (i32, i32) or (i64, i64)",
			j.fn, p)
	}
	return sig, nil
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
		return run, failed("the input's %d bytes do not fit: the guest's memory has %d pages and cannot grow by %d more",
			j.input.size, mem.NumPages(), n)
	}
	if err != nil {
		return run, err
	}
	view, err := mem.View(run.Addr(), j.input.size)
	if err != nil {
		return run, err
	}
	return run, j.input.readInto(view)
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
