package main

import (
	"fmt"
	"io"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/linmem/linmem/integration/bench"
	"github.com/linmem/linmem/integration/internal/markdown"
)

// comparison is what the command prints, as its flags say.
type comparison struct {
	out        io.Writer
	rounds     int
	time       time.Duration
	largePages uint64
	run        *regexp.Regexp

	latencies []caseLatency // of the cases that latencyCases names, in a 32-bit memory
}

type caseLatency struct {
	name string
	of   map[string]*bench.Latency
}

// latencyCases are the cases whose single calls are timed.
var latencyCases = map[string]bool{"50PercentFull": true, "95PercentFull": true}

// latencyTimes is how many measurements long the timing of single calls may be.
const latencyTimes = 20

func (c *comparison) all() error {
	fmt.Fprintf(c.out, "%s, %s/%s, %d CPUs; %d rounds of %v; to read the clock takes %v, which the latencies are without.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), c.rounds, c.time, bench.ClockCost())
	fmt.Fprintln(c.out, "Times are medians in ns of a turn. The harness is an allocator that does nothing; its time is in the others.")
	if err := c.times(bench.MaxPages32); err != nil {
		return err
	}
	c.printLatencies()
	if c.largePages > 0 {
		if err := c.times(c.largePages); err != nil {
			return err
		}
	}
	if c.run.MatchString("Metadata") {
		return c.metadata()
	}
	return nil
}

// row prints a line of a table.
func (c *comparison) row(name string, cells ...string) {
	markdown.Row(c.out, append([]string{name}, cells...)...)
}

// times prints a row for each case as soon as it is measured, and then which requests found no room. Up to 32 bits there
// is zigref, and there are goals and latencies.
func (c *comparison) times(pages uint64) error {
	small := pages == bench.MaxPages32
	columns := []string{
		"case", "linmem", "zigref", "flat", "radix", harness, "zigref/linmem", "radix/linmem", "linmem/flat", " goals",
	}
	if !small {
		columns = []string{"case", "linmem", "flat", "radix", harness, "radix/linmem", "linmem/flat"}
	}
	markdown.Heading(c.out, fmt.Sprintf("%d pages", pages), columns...)
	var refusals []string
	for _, bc := range bench.Cases() {
		if !c.run.MatchString(bc.Name) {
			continue
		}
		refused, err := c.one(bc, pages, small)
		if err != nil {
			return fmt.Errorf("%d pages: %w", pages, err)
		}
		if refused != "" {
			refusals = append(refusals, refused)
		}
	}
	if len(refusals) > 0 {
		fmt.Fprintf(c.out, "\nOf the requests, so many found no room: %s.\n", strings.Join(refusals, "; "))
	}
	return nil
}

// one measures a case and prints its row. It returns which requests found no room, in words.
func (c *comparison) one(bc bench.Case, pages uint64, small bool) (refused string, err error) {
	ls, done, err := lanes(bc, pages)
	defer done()
	if err != nil {
		return "", err
	}
	r, err := times(ls, c.rounds, c.time)
	if err != nil {
		return "", fmt.Errorf("%s: %w", bc.Name, err)
	}
	linmem, zigref, flat, radix := r[bench.Linmem.Name], r[bench.Zigref.Name], r[bench.Flat.Name], r[bench.Radix.Name]
	toRadix, toFlat := radix/linmem, linmem/flat
	if small {
		toZigref := zigref / linmem
		cells := markdown.Numbers(linmem, zigref, flat, radix, r[harness], toZigref, toRadix, toFlat)
		c.row(bc.Name, append(cells, goals[bc.Name].verdict(toZigref, toRadix, toFlat))...)
	} else {
		c.row(bc.Name, markdown.Numbers(linmem, flat, radix, r[harness], toRadix, toFlat)...)
	}
	if small && latencyCases[bc.Name] {
		of, err := latencies(ls, latencyTimes*c.time)
		if err != nil {
			return "", fmt.Errorf("%s: %w", bc.Name, err)
		}
		c.latencies = append(c.latencies, caseLatency{bc.Name, of})
	}
	var shares []string
	for _, l := range ls {
		if share := 100 * l.w.Stats().Refusals(); share > 0 {
			shares = append(shares, fmt.Sprintf("%s %.2g %%", l.Name, share))
		}
	}
	if len(shares) == 0 {
		return "", nil
	}
	return bc.Name + ": " + strings.Join(shares, ", "), nil
}

func (c *comparison) printLatencies() {
	if len(c.latencies) == 0 {
		return
	}
	markdown.Heading(c.out, "Latency of single calls in ns",
		"case", " call", " allocator", "calls", "p50", "p99", "p99.99", "max")
	for _, l := range c.latencies {
		for _, call := range []string{"Alloc", "Free"} {
			for _, k := range bench.Kinds() {
				h := &l.of[k.Name].Alloc
				if call == "Free" {
					h = &l.of[k.Name].Free
				}
				ns := func(q float64) string { return fmt.Sprint(h.Quantile(q).Nanoseconds()) }
				longest := fmt.Sprint(h.Max().Nanoseconds())
				c.row(l.name, call, k.Name, fmt.Sprint(h.Len()), ns(0.5), ns(0.99), ns(0.9999), longest)
			}
		}
	}
}

// metadata prints what the allocators hold on the Go heap.
func (c *comparison) metadata() error {
	columns, sizes := []string{"allocator", fmt.Sprintf("%d pages", bench.MaxPages32)}, []uint64{bench.MaxPages32}
	if c.largePages > 0 {
		columns, sizes = append(columns, fmt.Sprintf("%d pages", c.largePages)), append(sizes, c.largePages)
	}
	markdown.Heading(c.out, "Metadata in bits a page, on the Go heap, of a memory full of single pages", columns...)
	for _, k := range bench.Kinds() {
		var cells []string
		for _, pages := range sizes {
			if pages > k.MaxPages {
				cells = append(cells, "")
				continue
			}
			bytes, err := bench.Metadata(k, pages)
			if err != nil {
				return fmt.Errorf("metadata of %s: %w", k.Name, err)
			}
			cells = append(cells, fmt.Sprintf("%.3f", 8*bytes))
		}
		c.row(k.Name, cells...)
	}
	fmt.Fprintln(c.out, "\nzigref has its bitmap of all pages from 2,048 on in a page of the memory itself: 65,536 bytes more.")
	return nil
}
