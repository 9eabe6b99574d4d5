package cli

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// maxSitesShown is how many places of a kind are listed for people; --json has more.
const maxSitesShown = 8

// table is lines with a label each. A line without one goes on with the line before.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table { return table{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)} }

func (t table) line(label, format string, args ...any) {
	fmt.Fprintf(t, "  %s\t%s\n", label, fmt.Sprintf(format, args...))
}

// printInspection prints what a module tells.
func printInspection(w io.Writer, m module, strategies []assessment, remedies []guest.Remedy, first bool) {
	if !first {
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s (%s)\n\n", m.name, count(uint64(len(m.wasm)), "byte"))
	t, r := newTable(w), m.report
	t.toolchain(r.Toolchain)
	t.memories(r.Memories)
	t.sites("memory.grow", r.Grows, func(s guest.Site) string { return ", its result is " + uses[s.Use] })
	t.sites("memory.size", r.Sizes, func(guest.Site) string { return "" })
	t.line("begins with", "%s", beginnings(r))
	t.allocators(r)
	if r.HeapBase != nil {
		t.line("__heap_base", "%#x", *r.HeapBase)
	}
	_ = t.Flush()
	fmt.Fprintln(w)
	t.verdict(r.Verdict)
	if len(strategies) > 0 {
		t.strategies(strategies, remedies)
	}
	_ = t.Flush()
}

func (t table) toolchain(made guest.Toolchain) {
	name := "not known"
	if made.Name != "" {
		name = strings.TrimSpace(string(made.Name) + " " + made.Version)
	}
	t.line("made by", "%s", name)
	for _, evidence := range made.Evidence {
		t.line("", "%s", evidence)
	}
}

func (t table) memories(memories []guest.MemoryType) {
	if len(memories) == 0 {
		t.line("memory", "none")
	}
	for i, m := range memories {
		label := "memory"
		if len(memories) > 1 {
			label = fmt.Sprintf("memory %d", i)
		}
		text := count(m.Min, "page")
		if m.Max != nil {
			text += fmt.Sprintf(", %d at most", *m.Max)
		} else {
			text += ", no maximum"
		}
		for _, property := range []struct {
			has  bool
			text string
		}{
			{m.Is64, "64-bit addresses"},
			{m.Shared, "shared"},
			{m.Imported, "imported"},
			{m.PageSize != linmem.PageSize, fmt.Sprintf("pages of %s", count(m.PageSize, "byte"))},
		} {
			if property.has {
				text += ", " + property.text
			}
		}
		for _, name := range m.Exports {
			text += fmt.Sprintf(", exported as %q", name)
		}
		t.line(label, "%s", text)
	}
}

// uses says what becomes of the result of memory.grow.
var uses = map[guest.Use]string{
	guest.UseUnknown:    "not followed",
	guest.UsedAsAddress: "used as an address",
	guest.UsedAsStatus:  "only looked at",
}

func (t table) sites(label string, sites guest.Sites, use func(guest.Site) string) {
	if sites.N == 0 {
		t.line(label, "nowhere")
		return
	}
	t.line(label, "%s", count(uint64(sites.N), "place"))
	shown := sites.First[:min(len(sites.First), maxSitesShown)]
	for _, s := range shown {
		name := ""
		if s.Name != "" {
			name = fmt.Sprintf(" %q", s.Name)
		}
		t.line("", "at %#x in function %d%s%s", s.Offset, s.Function, name, use(s))
	}
	if more := sites.N - len(shown); more > 0 {
		t.line("", "and %d more", more)
	}
}

func beginnings(r *guest.Report) string {
	var found []string
	for _, b := range []struct {
		has  bool
		text string
	}{
		{r.Start, "a start section, at instantiation"},
		{r.Initialize, "_initialize, to be called first"},
		{r.Command, "_start, as a program that runs and ends"},
	} {
		if b.has {
			found = append(found, b.text)
		}
	}
	if len(found) == 0 {
		return "nothing: it needs no initialization"
	}
	return strings.Join(found, "; ")
}

func (t table) allocators(r *guest.Report) {
	label := "allocators"
	for _, a := range r.Allocators {
		functions := a.Alloc.Name + typeOf(a.Alloc.Signature)
		for _, f := range []guest.Export{a.Free, a.Pin} {
			if f.Name != "" {
				functions += ", " + f.Name + typeOf(f.Signature)
			}
		}
		t.line(label, "%s: %s", a.Convention, functions)
		label = ""
	}
	if len(r.Allocators) == 0 {
		t.line(label, "it exports none that is known")
	}
	label = "imports"
	for _, i := range r.AllocatorImports {
		t.line(label, "%s.%s%s", i.Module, i.Name, typeOf(i.Signature))
		label = ""
	}
}

func (t table) verdict(v guest.Verdict) {
	t.line("late growth", "%s: %s", v.Late.Outcome, v.Late.Reason)
	t.line("early growth", "%s: %s", v.Early.Outcome, v.Early.Reason)
}

func (t table) strategies(all []assessment, remedies []guest.Remedy) {
	var safe []string
	for _, a := range all {
		if a.Refused == "" {
			safe = append(safe, string(a.Strategy))
		}
	}
	switch len(safe) {
	case 0:
		t.line("guest.Open", "refuses the guest")
		for _, a := range all {
			t.line("", "%s: %s", a.Strategy, a.Refused)
		}
		for i, remedy := range remedies {
			t.line("", "remedy %d: %s", i+1, remedy.How)
		}
	case 1:
		t.line("guest.Open", "%s", safe[0])
	default:
		t.line("guest.Open", "%s; safe too: %s", safe[0], strings.Join(safe[1:], ", "))
	}
}

// typeOf returns a function's type, like (i32, i32) -> i32.
func typeOf(s guest.Signature) string {
	text := "(" + types(s.Params) + ")"
	if len(s.Results) > 0 {
		text += " -> " + types(s.Results)
	}
	return text
}

func types(all []guest.ValueType) string {
	names := make([]string, len(all))
	for i, t := range all {
		names[i] = t.String()
	}
	return strings.Join(names, ", ")
}

// count returns a number of things, like 1 page or 2 pages.
func count(n uint64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
