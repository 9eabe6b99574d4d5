package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"
)

// report is what one backend did. As JSON it is also how a sibling answers, with a failure in place of the rest.
type report struct {
	Backend    string        `json:"backend,omitempty"`
	Guest      string        `json:"guest,omitempty"`
	Func       string        `json:"func,omitempty"`
	Input      string        `json:"input,omitempty"`
	Bytes      uint64        `json:"bytes"`
	Result     string        `json:"result,omitempty"`
	Addr       uint64        `json:"addr"`
	GrownPages uint64        `json:"grown_pages"`
	LoadNs     time.Duration `json:"load_ns"` // compile and instantiate
	PutNs      time.Duration `json:"put_ns"`  // allocate, and read the input into the guest
	CallNs     time.Duration `json:"call_ns"`

	failure
}

type failure struct {
	Error    string `json:"error,omitempty"`
	ExitCode int    `json:"exit_code,omitempty"`
}

func (c *runCommand) print(r report, first bool) {
	if c.json {
		_ = json.NewEncoder(c.stdout).Encode(r)
		return
	}
	if first {
		fmt.Fprintf(c.stdout, "guest %s, function %s, input %s (%d bytes)\n", r.Guest, r.Func, r.Input, r.Bytes)
	}
	w := tabwriter.NewWriter(c.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s\n", r.Backend)
	fmt.Fprintf(w, "  result\t%s\n", r.Result)
	fmt.Fprintf(w, "  bytes at\t%#x..%#x\n", r.Addr, r.Addr+r.Bytes)
	fmt.Fprintf(w, "  pages grown\t%d\n", r.GrownPages)
	fmt.Fprintf(w, "  time\tload %v, put %v, call %v\n", round(r.LoadNs), round(r.PutNs), round(r.CallNs))
	_ = w.Flush()
}

// fail reports an error, and has the program exit with the code of the first one.
func (c *runCommand) fail(err error) {
	exit := &exitError{exitBadInput, oneLine(err.Error())} // cobra's own errors are about flags and arguments
	errors.As(err, &exit)
	if c.exitCode == 0 {
		c.exitCode = exit.code
	}
	if c.json {
		_ = json.NewEncoder(c.stdout).Encode(failure{exit.text, exit.code})
	} else {
		fmt.Fprintf(c.stderr, "%s: %s\n", c.program.Name, exit.text)
	}
}

// round drops the digits that no measurement of one run supports.
func round(d time.Duration) time.Duration {
	unit := time.Duration(1)
	for d/unit >= 10000 {
		unit *= 10
	}
	return d.Round(unit)
}
