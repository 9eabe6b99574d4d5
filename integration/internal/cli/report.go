package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/linmem/linmem/core/guest"
)

// report is what one backend did. As JSON it is also how a sibling answers, with a failure in place of the rest.
type report struct {
	Guest          string        `json:"guest"`
	Func           string        `json:"func"`
	Input          string        `json:"input"`
	Bytes          uint64        `json:"bytes"`
	Result         string        `json:"result"`
	Placement      placement     `json:"placement"`
	Addr           uint64        `json:"addr"`
	GrownPages     uint64        `json:"grown_pages"`      // until the input is in the guest
	CallGrownPages uint64        `json:"call_grown_pages"` // by the call
	LoadNs         time.Duration `json:"load_ns"`          // compile, instantiate, initialize, and find a place
	PutNs          time.Duration `json:"put_ns"`           // allocate, and read the input into the guest
	CallNs         time.Duration `json:"call_ns"`

	failure

	file []byte // what --out is for
}

func (r *report) hasResult() bool { return r.Result != "" }

// placement is where the host's bytes come from, of guest.Plan.
type placement struct {
	Strategy guest.Strategy `json:"strategy"`
	Reason   string         `json:"reason"`
	Steps    []string       `json:"steps"`
	Unsafe   bool           `json:"unsafe,omitempty"`
}

// print reports a result.
func (c *runCommand) print(r report, first bool) {
	if c.json {
		c.printJSON(r)
		return
	}
	if first {
		fmt.Fprintf(c.stdout, "guest %s, function %s, input %s (%s)\n", r.Guest, r.Func, r.Input, count(r.Bytes, "byte"))
	}
	fmt.Fprintf(c.stdout, "\n%s\n", r.Backend)
	t := newTable(c.stdout)
	t.line("result", "%s", r.Result)
	t.placement(r.Placement)
	t.line("bytes at", "%#x..%#x", r.Addr, r.Addr+r.Bytes)
	t.line("pages grown", "%d to put the bytes, %d by the call", r.GrownPages, r.CallGrownPages)
	t.line("time", "load %v, put %v, call %v", round(r.LoadNs), round(r.PutNs), round(r.CallNs))
	_ = t.Flush()
}

func (t table) placement(p placement) {
	warning := ""
	if p.Unsafe {
		warning = "UNSAFE, forced: "
	}
	t.line("placement", "%s: %s%s", p.Strategy, warning, p.Reason)
	if len(p.Steps) > 0 {
		t.line("", "%s", strings.Join(p.Steps, "; "))
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
