package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/spf13/cobra"
)

// probeCommand is the command probe and its flags.
type probeCommand struct {
	*invocation
	choice

	alloc    string
	maxPages uint64
	timeout  time.Duration
}

// The flags' defaults are those of guest.Workload.
const (
	defaultMaxPages = 4096
	defaultTimeout  = 10 * time.Second
)

func (c *probeCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "probe FILE",
		Short: "Find out what a guest does to pages of the host's, by running it",
		Long: `Probe inspects a wasm module, and then tries out what the host's growth does to it, in instances that are thrown away. It
has the guest allocate, grows its memory by a page of canaries, has it allocate as many bytes as its memory has, and looks
at the canaries: three times over, late, after the guest was initialized and has allocated, and once more from before
either, early.

The guest allocates with the first allocator that it exports and that is known, or with the function named by --alloc,
which takes a size, or a size and an alignment, and returns an address. The module may import WASI (preview 1).

The exit code is 0 whatever is found, or 1 if a backend failed, or if the guest does not do what its binary says: that is
a mistake of linmem's, to be reported. It is 2 if the module cannot be read, loaded or made to allocate. An error is one
line.`,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) != 1 {
				return badInput("%s named: pass one wasm module, as in linmem probe guest.wasm, or - for standard input",
					count(uint64(len(files)), "file"))
			}
			return c.probe(cmd.Context(), files[0])
		},
	}
	c.addFlag(c.program, cmd)
	flags := cmd.Flags()
	flags.StringVar(&c.alloc, "alloc", "", "the exported function to allocate with, (size) or (size, align)")
	flags.Uint64Var(&c.maxPages, "max-pages", defaultMaxPages, "how large the memory may become, in pages of 64 KiB")
	flags.DurationVar(&c.timeout, "timeout", defaultTimeout, "how long each of the two instances may take")
	flags.BoolVar(&c.json, "json", false, "print a JSON object per backend, with its error if it has one")
	return cmd
}

// probing is what probe prints of a backend as JSON. A sibling answers with it too.
type probing struct {
	Late  finding `json:"late,omitzero"`
	Early finding `json:"early,omitzero"`
	failure
}

func (p *probing) hasResult() bool { return p.Late != finding{} && p.Early != finding{} }

// growth is a finding with the name of what it is about.
type growth struct {
	name string
	finding
}

func (p *probing) growths() []growth {
	return []growth{{"late growth", p.Late}, {"early growth", p.Early}}
}

// finding is what the binary says of a guest, and what the probe does.
type finding struct {
	Inspected judgement `json:"inspected"`
	Probed    judgement `json:"probed"`
}

// judgement is a guest.Judgement in words.
type judgement struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason"`
}

func inWords(j guest.Judgement) judgement { return judgement{j.Outcome.String(), oneLine(j.Reason)} }

// agreement is how a probe relates to the binary.
type agreement string

const (
	foundNothing agreement = "says nothing against the binary"
	decides      agreement = "decides what the binary leaves open"
	agrees       agreement = "as the binary says"
	contradicts  agreement = "CONTRADICTS the binary"
)

func (f finding) agreement() agreement {
	undecided := guest.Undecided.String()
	switch {
	case f.Probed.Outcome == undecided:
		return foundNothing
	case f.Inspected.Outcome == undecided:
		return decides
	case f.Inspected.Outcome == f.Probed.Outcome:
		return agrees
	}
	return contradicts
}

// probe probes a guest on each backend that is asked for. One that fails does not keep the others from theirs.
func (c *probeCommand) probe(ctx context.Context, file string) error {
	if err := c.check(c.program); err != nil {
		return err
	}
	if c.maxPages == 0 || c.timeout <= 0 {
		return badInput("--max-pages and --timeout must be more than 0")
	}
	m, err := readModule(file, c.stdin)
	if err != nil {
		return badInput("%s: %v", file, err)
	}
	defer m.remove()
	work, err := c.workload(m.report)
	if err != nil {
		return badInput("%s: %v", file, err)
	}
	nth := 0
	finish := func(backend string, p probing, err error) {
		p.failure = failure{File: file, Backend: backend}
		if !p.hasResult() {
			c.fail(p.failure, err)
			return
		}
		if err != nil {
			p.failure = c.note(p.failure, err)
		}
		c.print(p, m.report, nth == 0)
		nth++
	}
	c.each(c.program, func(engine engines.Engine) {
		done := c.announce("the guest is probed on %s, for up to %v in each of two instances", engine.Name, c.timeout)
		p, err := probeOn(ctx, engine, m, work)
		done()
		finish(engine.Name, p, err)
	}, func(name string) {
		var p probing
		err := c.ask(ctx, name, &p, io.Discard, "probe", c.args(m.path)...)
		finish(name, p, err)
	})
	return nil
}

// args are those by which a sibling does the same.
func (c *probeCommand) args(path string) []string {
	args := []string{"--max-pages", fmt.Sprint(c.maxPages), "--timeout", c.timeout.String()}
	if c.alloc != "" {
		args = append(args, "--alloc", c.alloc)
	}
	return append(args, "--", path)
}

// workload returns how the guest is had to allocate.
func (c *probeCommand) workload(r *guest.Report) (w guest.Workload, err error) {
	switch {
	case c.alloc != "":
		w, err = guest.NewWorkload(r, c.alloc)
	case len(r.Allocators) == 0:
		err = errors.New("it exports no allocator that is known, so it cannot be made to allocate: " +
			"name a function of its own with --alloc")
	}
	w.MaxPages, w.Timeout = c.maxPages, c.timeout
	return w, err
}

// grace is what a call may take longer than the time of an instance, which is looked at between calls.
const grace = time.Second

// verdictOn has a guest probed on an engine of this program. Most runtimes cannot end a call, so one that does not return is left
// behind: it ends with the program.
func verdictOn(
	ctx context.Context, engine engines.Engine, m module, r *guest.Report, work guest.Workload,
) (*guest.Verdict, error) {
	late := time.NewTimer(0)
	late.Stop()
	type result struct {
		verdict *guest.Verdict
		err     error
	}
	done := make(chan result, 1)
	go func() {
		v, err := guest.Probe(ctx, func(ctx context.Context) (guest.Instance, func(), error) {
			late.Stop() // that it takes long to compile a guest says nothing of it
			inst, stop, err := openAlone(ctx, engine, m)
			late.Reset(work.Timeout + grace)
			return inst, stop, err
		}, r, work)
		done <- result{v, err}
	}()
	select {
	case r := <-done:
		return r.verdict, r.err
	case <-late.C:
		return nil, failed("a call into the guest does not return within --timeout %v", work.Timeout)
	}
}

// openAlone makes an instance. One that imports its allocator gets a heap for itself, which grows the memory as an allocator of
// its own would.
func openAlone(ctx context.Context, engine engines.Engine, m module) (guest.Instance, func(), error) {
	inst, stop, err := openOn(ctx, engine, m.wasm)
	b, ok := inst.(engines.Binder)
	if err != nil || !ok || len(m.report.AllocatorImports) == 0 {
		return inst, stop, err
	}
	h, err := linmem.NewHeap(inst.Memory())
	if err == nil {
		err = b.Bind(h)
	}
	if err != nil {
		stop()
		return nil, nil, err
	}
	return inst, stop, nil
}

// probeOn probes a guest on an engine of this program.
func probeOn(ctx context.Context, engine engines.Engine, m module, work guest.Workload) (p probing, err error) {
	report := *m.report
	report.Verdict = guest.Verdict{} // so that what is not found out is not answered from the binary
	verdict, err := verdictOn(ctx, engine, m, &report, work)
	if exit := (*exitError)(nil); errors.As(err, &exit) {
		return p, exit
	}
	if err != nil {
		return p, failed("%v", err)
	}
	inspected := m.report.Verdict
	p.Late = finding{inWords(inspected.Late), inWords(verdict.Late)}
	p.Early = finding{inWords(inspected.Early), inWords(verdict.Early)}
	for _, growth := range p.growths() {
		if growth.agreement() == contradicts {
			return p, failed("upon %s by the host the guest %s by its binary, but %s when it is probed, so linmem is wrong: "+
				"please report it, with the module, at %s",
				growth.name, growth.Inspected.Outcome, growth.Probed.Outcome, issues)
		}
	}
	return p, nil
}

// issues is where mistakes of linmem's are reported.
const issues = "https://github.com/linmem/linmem/issues"

// print prints what was found on a backend.
func (c *probeCommand) print(p probing, r *guest.Report, first bool) {
	if c.json {
		c.printJSON(p)
		return
	}
	if first {
		fmt.Fprintf(c.stdout, "%s, by its binary\n\n", p.File)
		t := newTable(c.stdout)
		t.verdict(r.Verdict)
		_ = t.Flush()
	}
	fmt.Fprintf(c.stdout, "\n%s\n", p.Backend)
	t := newTable(c.stdout)
	for _, g := range p.growths() {
		t.line(g.name, "%s: %s", g.Probed.Outcome, g.Probed.Reason)
		t.line("", "%s", g.agreement())
	}
	_ = t.Flush()
}
