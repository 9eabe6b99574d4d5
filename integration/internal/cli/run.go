package cli

import (
	"cmp"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/linmem/linmem/integration/engines"
	"github.com/spf13/cobra"
)

// runCommand is the command run and its flags.
type runCommand struct {
	*invocation
	choice

	in      string
	out     string
	guest   string
	fn      string
	maxSide int32
	force   bool
	verbose bool

	changed func(flag string) bool
}

func (c *runCommand) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Put a file into a guest's memory, call the guest on it and print what it returns",
		Long: `Run allocates bytes in the guest's memory from the host, reads the file into them, and calls the guest's function with
their address and length. It prints the result, where the bytes lay and why that place is safe for the guest, by how many
pages the memory grew, and how long each part took.

Without flags it makes a thumbnail of an embedded picture, with an embedded guest in C, which has no allocator: what the
decoder of JPEG and the encoder of PNG allocate comes from the host, too. With --guest sha256 it hashes an embedded text.

A guest of your own is a module that imports nothing but WASI (preview 1) and C's allocator (malloc, calloc, realloc,
free and aligned_alloc, from env), exports a memory, and exports the function NAME with two parameters, address and
length, both i32 (or both i64). If it exports a function _initialize, that is called first.

Where the host's bytes lie is decided from the module's binary: see linmem inspect. A guest in which no place is known to be
safe, like most in Go, TinyGo and Emscripten that export no allocator, is refused. With --force its memory is grown for the
host all the same, and guest and host may overwrite each other's bytes; run says so if it finds out.

The exit code is 0, or 1 if the work failed on some backend, or the guest was refused, or 2 if it never began because
of what was passed. An error is one line.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.changed = cmd.Flags().Changed
			return c.run(cmd.Context())
		},
	}
	c.addFlag(c.program, cmd)
	flags := cmd.Flags()
	flags.StringVar(&c.in, "in", "", "file to put into the guest, - for standard input (default: an embedded one)")
	flags.StringVar(&c.out, "out", "", "file to write the thumbnail to, as PNG (default: it is dropped)")
	flags.StringVar(&c.guest, "guest", guestThumbnail, "guest: "+guestThumbnail+", "+guestSHA256+", or a wasm file")
	flags.StringVar(&c.fn, "func", "", "with a wasm file: the exported function to call, (ptr, len)")
	flags.Int32Var(&c.maxSide, "max-side", 128, "longest side of the thumbnail, in pixels; no picture is enlarged")
	flags.BoolVar(&c.force, "force", false, "grow the memory for the host even if the guest is not known to tolerate that")
	flags.BoolVar(&c.json, "json", false, "print a JSON object per backend, times in nanoseconds, an error in its place")
	flags.BoolVar(&c.verbose, "verbose", false, "log what the allocator does to the guest's memory")
	return cmd
}

// run does the job on each backend that is asked for. One that fails does not keep the others from theirs.
func (c *runCommand) run(ctx context.Context) error {
	if err := c.check(c.program); err != nil {
		return err
	}
	job, err := c.job()
	if err != nil {
		return err
	}
	defer job.cleanUp()
	var reports []report
	finish := func(backend string, r report, err error) {
		if err != nil {
			c.fail(failure{Backend: backend}, err)
			return
		}
		r.failure, r.Guest, r.Input = failure{Backend: backend}, job.module.name, job.input.name
		reports = append(reports, r)
		c.print(r, len(reports) == 1)
	}
	c.each(c.program, func(engine engines.Engine) {
		done := c.announce("the guest is at work on %s", engine.Name)
		r, err := job.run(ctx, engine)
		done()
		finish(engine.Name, r, err)
	}, func(name string) {
		r, err := c.runSibling(ctx, job, name, len(reports) == 0)
		finish(name, r, err)
	})
	for _, r := range reports {
		if r.Result != reports[0].Result {
			return failed("%s returns %s, but %s returns %s", reports[0].Backend, reports[0].Result, r.Backend, r.Result)
		}
	}
	if c.out == "" || len(reports) == 0 {
		return nil
	}
	if err := writeOutput(c.out, reports[0].file); err != nil {
		return failed("cannot write %s: %v", c.out, err)
	}
	return nil
}

// runSibling has a sibling do the job. If the file that it makes is needed, it writes that to a temporary one.
func (c *runCommand) runSibling(ctx context.Context, j *job, backend string, needed bool) (r report, err error) {
	args := c.args(j)
	log := io.Discard
	if c.verbose {
		args = append(args, "--verbose")
		log = c.stderr
	}
	if !needed || c.out == "" {
		err = c.ask(ctx, backend, &r, log, "run", args...)
		return r, err
	}
	dir, err := os.MkdirTemp("", "linmem-output-*")
	if err != nil {
		return r, failed("%v", err)
	}
	file := filepath.Join(dir, "file")
	temporary.Store(dir, nil)
	defer discard(dir)
	if err := c.ask(ctx, backend, &r, log, "run", append(args, "--out", file)...); err != nil {
		return r, err
	}
	if r.file, err = os.ReadFile(file); err != nil {
		return r, failed("it did not hand over the file: %v", err)
	}
	return r, nil
}

// args are those by which a sibling does the same.
func (c *runCommand) args(j *job) []string {
	args := []string{"--guest", cmp.Or(j.module.path, c.guest)}
	if c.fn != "" {
		args = append(args, "--func", c.fn)
	}
	if j.input.path != "" {
		args = append(args, "--in", j.input.path)
	}
	if c.changed("max-side") {
		args = append(args, "--max-side", strconv.Itoa(int(c.maxSide)))
	}
	if c.force {
		args = append(args, "--force")
	}
	return args
}
