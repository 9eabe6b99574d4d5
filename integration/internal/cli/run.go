package cli

import (
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// runCommand is the command run and its flags.
type runCommand struct {
	program        Program
	stdin          io.Reader
	stdout, stderr io.Writer

	backend string
	in      string
	inNamed bool
	guest   string
	fn      string
	json    bool
	verbose bool

	failures []failure
	exitCode int
}

// all is the backend that stands for every one.
const all = "all"

func (c *runCommand) command() *cobra.Command {
	names := c.backends()
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Put a file into a guest's memory, call the guest on it and print what it returns",
		Long: `Run allocates pages in the guest's memory from the host, reads the file into them, and calls the guest's function with
the address and the length of the bytes. It prints the result, where the bytes lay, by how many pages the memory grew,
and how long each part took.

Without flags it hashes an embedded file in an embedded guest, SHA-256 in C, which has no allocator.

A guest of your own is a module that imports nothing, exports a memory, and exports the function NAME with two
parameters, address and length, both i32 (or both i64). If it exports a function _initialize, that is called first. Its
memory is grown by the host. Guests built by Go, TinyGo, Emscripten and some others do not tolerate that once they
allocate: see the README.

The exit code is 0, or 1 if the work failed on some backend, or 2 if it never began because of what was passed. An error is
one line.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.inNamed = cmd.Flags().Changed("in")
			return c.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&c.backend, "backend", names[0], "runtime: "+strings.Join(names, ", "))
	flags.StringVar(&c.in, "in", "", "file to put into the guest, - for standard input (default: an embedded text)")
	flags.StringVar(&c.guest, "guest", guestSHA256, "guest: "+guestSHA256+", or a wasm file")
	flags.StringVar(&c.fn, "func", "", "with a wasm file: the exported function to call, (ptr, len)")
	flags.BoolVar(&c.json, "json", false, "print a JSON object per backend, times in nanoseconds, an error in its place")
	flags.BoolVar(&c.verbose, "verbose", false, "log what the allocator does to the guest's memory")
	return cmd
}

// backends returns the names that --backend takes, the default first.
func (c *runCommand) backends() []string {
	var names []string
	for _, e := range c.program.Engines {
		names = append(names, e.Name)
	}
	names = append(names, c.program.Siblings...)
	if len(names) > 1 {
		names = append(names, all)
	}
	return names
}

// run does the job on each backend that is asked for. One that fails does not keep the others from theirs.
func (c *runCommand) run(ctx context.Context) error {
	names := c.backends()
	if !slices.Contains(names, c.backend) {
		return badInput("there is no backend %q: take one of %s", c.backend, strings.Join(names, ", "))
	}
	job, err := c.job()
	if err != nil {
		return err
	}
	defer job.cleanUp()
	var reports []report
	finish := func(backend string, r report, err error) {
		if err != nil {
			c.fail(backend, err)
			return
		}
		r.Backend, r.Input = backend, job.input.name
		reports = append(reports, r)
		c.print(r, len(reports) == 1)
	}
	chosen := func(name string) bool { return c.backend == name || c.backend == all }
	for _, engine := range c.program.Engines {
		if chosen(engine.Name) {
			r, err := job.run(ctx, engine)
			finish(engine.Name, r, err)
		}
	}
	for _, name := range c.program.Siblings {
		if chosen(name) {
			r, err := c.runSibling(ctx, job, name)
			finish(name, r, err)
		}
	}
	for _, r := range reports {
		if r.Result != reports[0].Result {
			return failed("%s returns %s, but %s returns %s", reports[0].Backend, reports[0].Result, r.Backend, r.Result)
		}
	}
	return nil
}
