// Package cli is the command linmem, which puts a file into a guest's memory and has the guest work on it.
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
	"strings"

	"github.com/linmem/linmem/integration/engines"
	"github.com/spf13/cobra"
)

// Program is one of the commands.
type Program struct {
	Name     string           // of the executable
	Engines  []engines.Engine // that it runs itself, the default first
	Siblings []string         // engines that the program of the same name with the engine's appended runs
}

// Exit codes.
const (
	exitFailed   = 1 // the work failed: a trap, no memory, no such engine in this build
	exitBadInput = 2 // the work never began: flags, files, exports
)

// exitError is an error with an exit code. Its text is one line.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

func failed(format string, args ...any) error {
	return &exitError{exitFailed, oneLine(fmt.Sprintf(format, args...))}
}

func badInput(format string, args ...any) error {
	return &exitError{exitBadInput, oneLine(fmt.Sprintf(format, args...))}
}

// oneLine joins the lines of a runtime's error, some of which print a stack.
func oneLine(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// Main runs the program on the process's arguments and exits.
func (p Program) Main() {
	os.Exit(p.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Run runs the program and returns its exit code. An error is one line on stderr, or with --json an object on stdout.
func (p Program) Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           p.Name,
		Short:         "Put bytes into the memory of wasm guests, from the host",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	run := &runCommand{program: p, stdin: stdin, stdout: stdout, stderr: stderr}
	root.AddCommand(run.command())
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	if err := root.ExecuteContext(ctx); err != nil {
		run.fail(err)
	}
	return run.exitCode
}
