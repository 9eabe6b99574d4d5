package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// exitError is an error with an exit code. Its text is one line.
type exitError struct {
	code int
	text string
}

func (e *exitError) Error() string { return e.text }

func failed(format string, args ...any) *exitError {
	return &exitError{exitFailed, oneLine(fmt.Sprintf(format, args...))}
}

func badInput(format string, args ...any) *exitError {
	return &exitError{exitBadInput, oneLine(fmt.Sprintf(format, args...))}
}

// backtrace is what wasmtime prints between what happened and why.
var backtrace = regexp.MustCompile(`(?s) at wasm backtrace:.*Caused by:`)

// oneLine joins the lines of a runtime's error.
func oneLine(s string) string {
	return backtrace.ReplaceAllString(strings.Join(strings.Fields(s), " "), ":")
}

// failure is why there is no result for a file, or of a backend. As JSON it stands where the result would.
type failure struct {
	File     string `json:"file,omitempty"`
	Backend  string `json:"backend,omitempty"`
	Error    string `json:"error,omitempty"`
	ExitCode int    `json:"exit_code,omitempty"`
}

// fail notes a failure, and prints it as JSON where a program reads that.
func (i *invocation) fail(about failure, err error) {
	about = i.note(about, err)
	if i.json {
		i.printJSON(about)
	}
}

// note notes a failure of what about names, or of the command if it names nothing. The program exits with the code of the
// first one.
func (i *invocation) note(about failure, err error) failure {
	exit := badInput("%v", err) // cobra's own errors are about flags and arguments
	errors.As(err, &exit)
	if i.exitCode == 0 {
		i.exitCode = exit.code
	}
	about.Error, about.ExitCode = exit.text, exit.code
	i.failures = append(i.failures, about)
	return about
}

// printJSON prints an object on a line. What cannot be written is found by output.
func (i *invocation) printJSON(object any) { _ = json.NewEncoder(i.stdout).Encode(object) }

// reportFailures prints a line for each mistake, with the files or backends that all have it.
func (i *invocation) reportFailures() {
	var texts []string
	names := map[string][]string{}
	for _, f := range i.failures {
		if _, seen := names[f.Error]; !seen {
			texts = append(texts, f.Error)
			names[f.Error] = nil
		}
		if name := cmp.Or(f.Backend, f.File); name != "" {
			names[f.Error] = append(names[f.Error], name)
		}
	}
	for _, text := range texts {
		prefix := i.program.Name + ": "
		if len(names[text]) > 0 {
			prefix += strings.Join(names[text], ", ") + ": "
		}
		fmt.Fprintf(i.stderr, "%s%s\n", prefix, text)
	}
}
