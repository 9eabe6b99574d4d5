package compareheaps

import (
	"fmt"
	"io"
	"math"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/internal/markdown"
	"github.com/linmem/linmem/integration/internal/measure"
)

// goal is one of the heap's, and how it is found.
type goal struct {
	measure.Goal

	// find returns the figure, and what more there is to say. It is not ok if something was not measured.
	find func(*report) (figure float64, detail string, ok bool)
}

var goals = []goal{
	{measure.Goal{Figure: "Go allocations of a pair of 64 bytes", AtMost: true}, pairAllocs},
	{measure.Goal{Figure: "pair of 64 bytes: guest/heap through wazero", Limit: 2}, againstGuest(pair, "wazero")},
	{measure.Goal{Figure: "pair of 64 bytes: guest/heap through wasmer-go", Limit: 80}, againstGuest(pair, "wasmer")},
	{measure.Goal{Figure: "pair of 64 bytes: guest/heap through wasmtime-go", Limit: 300}, againstGuest(pair, "wasmtime")},
	{measure.Goal{Figure: "traces, warm: heap/modernc, each", AtMost: true, Limit: 1.5}, worst(warm, "heap", "modernc")},
	{measure.Goal{Figure: "traces, warm: heap/modernc, mean", AtMost: true, Limit: 1.5}, mean(warm, "heap", "modernc")},
	{measure.Goal{Figure: "traces, cold: modernc/heap, each", Limit: 5}, worst(cold, "modernc", "heap")},
	{measure.Goal{Figure: "traces, cold: modernc/heap, mean", Limit: 5}, mean(cold, "modernc", "heap")},
	{measure.Goal{Figure: "traces, warm: heap/mimalloc, each", AtMost: true, Limit: 3.5}, worst(warm, "heap", mimalloc)},
	{measure.Goal{Figure: "traces, warm: heap/mimalloc, mean", AtMost: true, Limit: 3.5}, mean(warm, "heap", mimalloc)},
	{measure.Goal{Figure: "memory of each trace/(1.25 × peak live + 2 pages)", AtMost: true, Limit: 1}, worstPeak},
	{measure.Goal{Figure: "message of 1 KiB: guest/heap through wasmtime-go", Limit: 2.5}, againstGuest(message, "wasmtime")},
	{measure.Goal{Figure: "turns of two goroutines/of one", Limit: 1.7}, scaling},
}

func (r *report) printGoals(out io.Writer) {
	markdown.Heading(out, "Goals", "goal", "measured", " ", " which")
	for _, g := range goals {
		figure, detail, ok := g.find(r)
		if !ok {
			markdown.Row(out, g.String(), "", "not measured", "")
			continue
		}
		markdown.Row(out, g.String(), markdown.Number(figure), g.Verdict(figure), detail)
	}
}

// pairAllocs counts whole ones, as testing.AllocsPerRun does: what the runtime allocates meanwhile is no part of them.
func pairAllocs(r *report) (allocs float64, detail string, ok bool) {
	for _, f := range r.Figures {
		if f.Measure == pair && f.Allocator == "heap" {
			allocs, ok = max(allocs, math.Floor(f.GoAllocs)), true
		}
	}
	return allocs, "", ok
}

// againstGuest compares the heap with the faster of malloc and Rust's allocator.
func againstGuest(what, runtime string) func(*report) (float64, string, bool) {
	return func(r *report) (least float64, detail string, ok bool) {
		for _, name := range r.cases(what, runtime) {
			for _, allocator := range []string{"libc", "rust"} {
				ratio, measured := r.ratio(what, name, runtime, allocator, "heap")
				if measured && (!ok || ratio < least) {
					least, detail, ok = ratio, allocator, true
				}
			}
		}
		return least, detail, ok
	}
}

// ratios returns those of the traces.
func (r *report) ratios(what, dividend, divisor string) (ratios map[string]float64) {
	ratios = map[string]float64{}
	for _, name := range r.cases(what, noRuntime) {
		if ratio, ok := r.ratio(what, name, noRuntime, dividend, divisor); ok {
			ratios[name] = ratio
		}
	}
	return ratios
}

// worst is the trace on which the heap does worst against another.
func worst(what, dividend, divisor string) func(*report) (float64, string, bool) {
	return func(r *report) (figure float64, detail string, ok bool) {
		for name, ratio := range r.ratios(what, dividend, divisor) {
			worse := ratio > figure
			if divisor == "heap" {
				worse = ratio < figure
			}
			if !ok || worse {
				figure, detail, ok = ratio, name, true
			}
		}
		return figure, detail, ok
	}
}

func mean(what, dividend, divisor string) func(*report) (float64, string, bool) {
	return func(r *report) (float64, string, bool) {
		var values []float64
		for _, ratio := range r.ratios(what, dividend, divisor) {
			values = append(values, ratio)
		}
		if len(values) == 0 {
			return 0, "", false
		}
		return measure.GeometricMean(values), fmt.Sprintf("%d traces", len(values)), true
	}
}

// peakLimit returns the pages that the heap may need for so many live bytes.
func peakLimit(live float64) float64 { return 1.25*live/linmem.PageSize + 2 }

func worstPeak(r *report) (figure float64, detail string, ok bool) {
	for _, name := range r.cases(peak, noRuntime) {
		pages, okPages := r.get(peak, name, noRuntime, "heap")
		bytes, okBytes := r.get(peak, name, noRuntime, live)
		if ratio := pages.Value / peakLimit(bytes.Value); okPages && okBytes && (!ok || ratio > figure) {
			figure, detail, ok = ratio, name, true
		}
	}
	return figure, detail, ok
}
