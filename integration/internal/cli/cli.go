// Package cli is the command linmem, which says whether a guest tolerates the host in its memory, and puts files into
// guests.
//
// Three programs share it, since wasmtime-go and wasmer-go cannot be linked together and neither can be built without
// cgo: linmem has wazero and starts its siblings linmem-wasmtime and linmem-wasmer for the rest. A sibling is asked for
// JSON, which carries its results and its errors alike.
package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/linmem/linmem/integration/engines"
	"github.com/spf13/cobra"
)

// Program is one of the commands.
type Program struct {
	Name     string           // of the executable
	Engines  []engines.Engine // that it runs itself, the default first
	Siblings []string         // engines that another program runs, called Name-ENGINE
}

// Exit codes.
const (
	exitFailed   = 1 // the work failed: a trap, no memory, an unsafe guest, no such engine in this build
	exitBadInput = 2 // the work never began: flags, files, a guest that does not load or has no such function
)

// Main runs the program on the process's arguments and exits.
//
// A signal ends it at once, and stops its siblings: a guest that runs in this process cannot be interrupted.
func (p Program) Main() {
	ctx, _ := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := make(chan int)
	go func() { code <- p.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr) }()
	select {
	case code := <-code:
		os.Exit(code)
	case <-ctx.Done():
	}
	select {
	case <-code: // a sibling was at work, and is gone
	case <-time.After(time.Second):
		fmt.Fprintf(os.Stderr, "%s: interrupted\n", p.Name)
	}
	removeTemporary()
	os.Exit(exitFailed)
}

// Run runs the program and returns its exit code. An error is one line on stderr, and with --json an object on stdout
// too.
func (p Program) Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	out := &output{w: stdout}
	root := &cobra.Command{
		Use:           p.Name,
		Short:         "Find out what wasm guests tolerate in their memory, and put bytes there, from the host",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	inv := &invocation{program: p, stdin: stdin, stdout: out, stderr: stderr}
	root.AddCommand(
		(&inspectCommand{invocation: inv}).command(),
		(&probeCommand{invocation: inv}).command(),
		(&runCommand{invocation: inv}).command(),
	)
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(out)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		inv.fail(failure{}, err)
	}
	inv.reportFailures()
	if out.err != nil {
		fmt.Fprintf(stderr, "%s: standard output: %v\n", p.Name, out.err)
		return exitFailed
	}
	return inv.exitCode
}

// invocation is one run of the program, whichever command it is.
type invocation struct {
	program        Program
	stdin          io.Reader
	stdout, stderr io.Writer

	json     bool
	failures []failure
	exitCode int
}

// output remembers that something did not reach standard output.
type output struct {
	w   io.Writer
	err error
}

func (o *output) Write(b []byte) (n int, err error) {
	n, err = o.w.Write(b)
	if o.err == nil {
		o.err = err
	}
	return n, err
}
