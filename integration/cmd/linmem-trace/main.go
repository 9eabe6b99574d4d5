// Command linmem-trace tells what traces of allocations come to: the committed ones of package traces, or those in files.
//
//	go run ./integration/cmd/linmem-trace
//	go run ./integration/cmd/linmem-trace -sizes sed other.trace.gz
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/linmem/linmem/integration/traces"
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command returns the exit code: 2 for bad flags, 1 for a trace that cannot be read.
func command(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("linmem-trace", flag.ContinueOnError)
	flags.SetOutput(stderr)
	sizes := flags.Bool("sizes", false, "print how often each trace asks for which size, resizes too")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: linmem-trace [-sizes] [NAME | FILE.trace | FILE.trace.gz ...]\n\n"+
			"Without arguments, all committed traces. Bytes are those asked for; a page has 65536.")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if err := report(stdout, flags.Args(), *sizes); err != nil {
		fmt.Fprintln(stderr, "linmem-trace:", err)
		return 1
	}
	return 0
}

func report(w io.Writer, args []string, sizes bool) error {
	all, err := load(args)
	if err != nil {
		return err
	}
	if err := printTable(w, all); err != nil {
		return err
	}
	if !sizes {
		return nil
	}
	for _, t := range all {
		if err := printSizes(w, t); err != nil {
			return err
		}
	}
	return nil
}

// load returns the traces that are asked for, by name or else by file; all committed ones if none is.
func load(args []string) ([]*traces.Trace, error) {
	names := traces.Names()
	if len(args) == 0 {
		args = names
	}
	all := make([]*traces.Trace, len(args))
	for i, arg := range args {
		var err error
		if slices.Contains(names, arg) {
			all[i], err = traces.Load(arg)
		} else {
			all[i], err = traces.ReadFile(arg)
		}
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

func printTable(w io.Writer, all []*traces.Trace) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "name\tops\tallocs\tresizes\tfrees\tpeak bytes\tpages\tblocks\tlargest\tleft\t  program")
	for _, t := range all {
		s := t.Stats()
		program := ""
		if len(t.Comments) > 0 {
			program = t.Comments[0]
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t  %s\n", t.Name, s.Ops(), s.Allocs, s.Reallocs, s.Frees,
			s.PeakBytes, s.PeakPages(), s.MaxLive, s.LargestBlock, s.LeftLive, program)
	}
	return table.Flush()
}

func printSizes(w io.Writer, t *traces.Trace) error {
	fmt.Fprintf(w, "\n%s: sizes asked for, in bytes\n", t.Name)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	s := t.Stats()
	for i, n := range s.Sizes {
		if n == 0 {
			continue
		}
		low, high := uint64(0), uint64(0)
		if i > 0 {
			low, high = 1<<(i-1), 1<<i-1
		}
		fmt.Fprintf(table, "%d to %d\t%d\t%.1f %%\t\n", low, high, n, 100*float64(n)/float64(s.Allocs+s.Reallocs))
	}
	return table.Flush()
}
