package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// report is what one backend did. As JSON it is also how a sibling answers, with a failure in place of the rest.
type report struct {
	Guest      string        `json:"guest"`
	Func       string        `json:"func"`
	Input      string        `json:"input"`
	Bytes      uint64        `json:"bytes"`
	Result     string        `json:"result"`
	Addr       uint64        `json:"addr"`
	GrownPages uint64        `json:"grown_pages"`
	LoadNs     time.Duration `json:"load_ns"` // compile, instantiate and initialize
	PutNs      time.Duration `json:"put_ns"`  // allocate, and read the input into the guest
	CallNs     time.Duration `json:"call_ns"`

	failure
}

// failure is why a backend has no result.
type failure struct {
	Backend  string `json:"backend,omitempty"`
	Error    string `json:"error,omitempty"`
	ExitCode int    `json:"exit_code,omitempty"`
}

// print reports a result. A result that cannot be written is found by output.
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

// fail notes a failure of a backend, or of the command if that is "". The program exits with the code of the first one.
func (c *runCommand) fail(backend string, err error) {
	exit := badInput("%v", err) // cobra's own errors are about flags and arguments
	errors.As(err, &exit)
	if c.exitCode == 0 {
		c.exitCode = exit.code
	}
	c.failures = append(c.failures, failure{backend, exit.text, exit.code})
}

// reportFailures prints a line for each mistake, with the backends that all found it.
func (c *runCommand) reportFailures() {
	var texts []string
	backends := map[string][]string{}
	for _, f := range c.failures {
		if c.json {
			_ = json.NewEncoder(c.stdout).Encode(f)
		}
		if _, seen := backends[f.Error]; !seen {
			texts = append(texts, f.Error)
		}
		if backends[f.Error] = append(backends[f.Error], f.Backend); f.Backend == "" {
			backends[f.Error] = nil
		}
	}
	for _, text := range texts {
		prefix := c.program.Name + ": "
		if names := backends[text]; len(names) > 0 {
			prefix += strings.Join(names, ", ") + ": "
		}
		fmt.Fprintf(c.stderr, "%s%s\n", prefix, text)
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
