// Command linmem-comparepages runs page allocators on the same work, in one process and in turns, and prints how they
// compare as Markdown: the times of all cases in a 32-bit memory, with the goals that linmem has there; the latency of
// single calls; the times in a memory of 2^24 pages; and the metadata. See package bench for the allocators and the
// cases.
//
// Each allocator is measured once a round, in a different order each round, after a garbage collection; the median of the
// rounds counts. A goal that is missed is no failure. The exit code is 1 if an allocator gives an answer that cannot be,
// and 2 for bad flags.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"
)

func main() { os.Exit(command(os.Args[1:], os.Stdout, os.Stderr)) }

// command returns the exit code.
func command(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("linmem-comparepages", flag.ContinueOnError)
	flags.SetOutput(stderr)
	c := comparison{out: stdout}
	flags.IntVar(&c.rounds, "rounds", 7, "how often each allocator is measured in each case")
	flags.DurationVar(&c.time, "time", 75*time.Millisecond, "how long each measurement takes")
	flags.Uint64Var(&c.largePages, "large", 1<<24, "pages of the large memory; 0 leaves it out")
	run := flags.String("run", "", "run what matches this regular expression: names of cases, and Metadata")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	var err error
	if c.run, err = regexp.Compile(*run); err != nil {
		fmt.Fprintln(stderr, "linmem-comparepages: -run:", err)
		return 2
	}
	const smallest, largest = 4096, 1 << 32
	switch {
	case flags.NArg() > 0:
		fmt.Fprintln(stderr, "linmem-comparepages: there are flags only, and no arguments:", flags.Args())
		return 2
	case c.rounds < 1 || c.time <= 0:
		fmt.Fprintln(stderr, "linmem-comparepages: -rounds and -time must be above 0")
		return 2
	case c.largePages != 0 && (c.largePages < smallest || c.largePages > largest):
		fmt.Fprintf(stderr, "linmem-comparepages: -large must be 0, or %d to %d\n", smallest, uint64(largest))
		return 2
	}
	if err := c.all(); err != nil {
		fmt.Fprintln(stderr, "linmem-comparepages:", err)
		return 1
	}
	return 0
}
