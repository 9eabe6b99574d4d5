package compareheaps

import (
	"fmt"
	"io"
	"runtime"
	"strings"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/internal/markdown"
	"github.com/linmem/linmem/integration/internal/measure"
)

func (p Program) print(out io.Writer, s *settings, r report) error {
	t := &tables{&r, &strings.Builder{}}
	fmt.Fprintf(t.out, "%s, %s/%s, %d CPUs; %d rounds of %v.\n",
		runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0), s.rounds, s.time)
	fmt.Fprintln(t.out, "Times are medians in ns; after a slash, Go allocations, where there are any. idle is an allocator",
		"that does nothing; its time is in the others.")
	runtimes := append([]string{p.Runtime.Name}, p.Siblings...)
	t.steady([]string{noRuntime}, "without a guest", "zigref", "modernc", "gomake")
	t.steady(runtimes, "of guests, called through the runtime", "libc", "rust", "zig")
	t.served(runtimes)
	t.traces(warm, "Traces, warm: ns a call, on an allocator that has replayed the trace before", mimalloc)
	t.traces(cold, "Traces, cold: ns a call, on a new allocator and memory each time, opened and closed in that time", "")
	for _, name := range runtimes {
		t.guestTraces(name, s.guestCalls)
	}
	t.peaks(p.Runtime.Name)
	t.goroutines()
	if p.Native {
		r.printGoals(t.out)
	}
	for _, note := range r.Notes {
		fmt.Fprintf(t.out, "\n%s\n", note)
	}
	_, err := io.WriteString(out, t.out.String())
	return err
}

// tables prints a report.
type tables struct {
	*report
	out *strings.Builder
}

// time is a cell: a time, and Go allocations.
func (t *tables) time(what, name, runtime, allocator string) string {
	f, ok := t.get(what, name, runtime, allocator)
	if !ok {
		return ""
	}
	text := markdown.Number(f.Value)
	if f.GoAllocs >= 0.01 {
		text += " / " + markdown.Number(f.GoAllocs)
	}
	return text
}

func (t *tables) ratioCell(what, name, runtime, dividend, divisor string) string {
	ratio, ok := t.ratio(what, name, runtime, dividend, divisor)
	if !ok {
		return ""
	}
	return markdown.Number(ratio)
}

// steady prints a row for each runtime and workload that goes on for ever.
func (t *tables) steady(runtimes []string, whose string, peers ...string) {
	columns := append([]string{"workload", "heap"}, peers...)
	for _, peer := range peers {
		columns = append(columns, peer+"/heap")
	}
	if runtimes[0] == noRuntime {
		columns = append(columns, idle)
	}
	begun := false
	for _, runtime := range runtimes {
		for _, what := range []string{pair, mix, message} {
			for _, name := range t.cases(what, runtime) {
				if !begun {
					markdown.Heading(t.out, "The heap and allocators "+whose+": ns a turn", columns...)
					begun = true
				}
				cells := []string{fmt.Sprintf("%s: %s, %s", runtime, what, name), t.time(what, name, runtime, "heap")}
				for _, peer := range peers {
					cells = append(cells, t.time(what, name, runtime, peer))
				}
				for _, peer := range peers {
					cells = append(cells, t.ratioCell(what, name, runtime, peer, "heap"))
				}
				if runtime == noRuntime {
					cells = append(cells, t.time(what, name, runtime, idle))
				}
				markdown.Row(t.out, cells...)
			}
		}
	}
}

// served prints a row for each runtime.
func (t *tables) served(runtimes []string) {
	begun := false
	for _, runtime := range runtimes {
		for _, name := range t.cases(served, runtime) {
			if !begun {
				markdown.Heading(t.out, "Guests that allocate by themselves: ns a pair of malloc and free, from the host's heap "+
					"through imports, and from the guest's own malloc", "pair", "heap", "libc", "heap/libc")
				begun = true
			}
			markdown.Row(t.out, runtime+": "+name, t.time(served, name, runtime, "heap"), t.time(served, name, runtime, "libc"),
				t.ratioCell(served, name, runtime, "heap", "libc"))
		}
	}
}

// traces prints a row for each trace, and one of the ratios' means. more is another allocator, if there is one.
func (t *tables) traces(what, title, more string) {
	names := t.cases(what, noRuntime)
	if len(names) == 0 {
		return
	}
	columns := []string{"heap", "zigref", "modernc", "gomake", idle}
	ratios := [][2]string{{"heap", "modernc"}, {"modernc", "heap"}, {"zigref", "heap"}}
	if more != "" {
		columns = append(columns, more)
		ratios = append(ratios, [2]string{"heap", more})
	}
	header := append([]string{"trace"}, columns...)
	for _, ratio := range ratios {
		header = append(header, ratio[0]+"/"+ratio[1])
	}
	markdown.Heading(t.out, title, header...)
	for _, name := range names {
		cells := []string{name}
		for _, allocator := range columns {
			cells = append(cells, t.time(what, name, noRuntime, allocator))
		}
		for _, ratio := range ratios {
			cells = append(cells, t.ratioCell(what, name, noRuntime, ratio[0], ratio[1]))
		}
		markdown.Row(t.out, cells...)
	}
	cells := append([]string{"geometric mean"}, make([]string, len(columns))...)
	for i, allocator := range columns {
		cells[i+1] = t.mean(what, noRuntime, allocator)
	}
	for _, ratio := range ratios {
		figure, _, ok := mean(what, ratio[0], ratio[1])(t.report)
		if !ok {
			cells = append(cells, "")
			continue
		}
		cells = append(cells, markdown.Number(figure))
	}
	markdown.Row(t.out, cells...)
}

// mean is a cell: the geometric mean of an allocator's times.
func (t *tables) mean(what, runtime, allocator string) string {
	var values []float64
	for _, f := range t.Figures {
		if f.Measure == what && f.Runtime == runtime && f.Allocator == allocator {
			values = append(values, f.Value)
		}
	}
	if len(values) == 0 {
		return ""
	}
	return markdown.Number(measure.GeometricMean(values))
}

// guestTraces prints the traces on the allocators of a runtime's guests.
func (t *tables) guestTraces(runtime string, calls int) {
	names := t.cases(guest, runtime)
	if len(names) == 0 {
		return
	}
	markdown.Heading(t.out, fmt.Sprintf("Traces on guests in %s, warm, the first %d calls: ns a call", runtime, calls),
		"trace", "heap", "libc", "rust", "zig", "libc/heap", "rust/heap", "zig/heap")
	for _, name := range names {
		cells := []string{name}
		for _, allocator := range []string{"heap", "libc", "rust", "zig"} {
			cells = append(cells, t.time(guest, name, runtime, allocator))
		}
		for _, allocator := range []string{"libc", "rust", "zig"} {
			cells = append(cells, t.ratioCell(guest, name, runtime, allocator, "heap"))
		}
		markdown.Row(t.out, cells...)
	}
}

// peaks prints what the traces need.
func (t *tables) peaks(runtime string) {
	names := t.cases(peak, noRuntime)
	if len(names) == 0 {
		return
	}
	markdown.Heading(t.out, "Traces, the most memory: pages by which a new memory grows", "trace",
		"live", "limit", "heap", "zigref", "libc", "rust", "zig", "heap/live", "libc/live")
	for _, name := range names {
		bytes, _ := t.get(peak, name, noRuntime, live)
		pages := bytes.Value / linmem.PageSize
		cells := []string{name, markdown.Number(pages), markdown.Number(peakLimit(bytes.Value))}
		for _, of := range [][2]string{
			{noRuntime, "heap"}, {noRuntime, "zigref"}, {runtime, "libc"}, {runtime, "rust"}, {runtime, "zig"},
		} {
			cells = append(cells, t.pages(name, of[0], of[1]))
		}
		for _, of := range [][2]string{{noRuntime, "heap"}, {runtime, "libc"}} {
			f, ok := t.get(peak, name, of[0], of[1])
			if !ok {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, markdown.Number(f.Value/pages))
		}
		markdown.Row(t.out, cells...)
	}
	fmt.Fprintln(t.out, "\nlive is what the program asked for. A guest's memory begins with a page, of which its allocator",
		"uses what the guest leaves; libc, rust and zig have that besides.")
}

func (t *tables) pages(name, runtime, allocator string) string {
	f, ok := t.get(peak, name, runtime, allocator)
	if !ok {
		return ""
	}
	return fmt.Sprint(f.Value)
}
