package compareheaps

import "fmt"

// report is what a program found. It goes from one to another as JSON.
type report struct {
	Figures []figure
	Notes   []string // what could not be measured, and why
}

func (r *report) add(other report) {
	r.Figures = append(r.Figures, other.Figures...)
	r.Notes = append(r.Notes, other.Notes...)
}

func (r *report) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// figure is one that was measured.
type figure struct {
	key
	Value    float64 // ns of a turn, or of a call of a trace; pages; turns a second
	GoAllocs float64 // in a turn, or in a call of a trace
}

// key says what a figure is of.
type key struct{ Measure, Case, Runtime, Allocator string }

// noRuntime is the runtime of those that have none.
const noRuntime = "native"

// The measures.
const (
	pair    = "pair"    // a block of 64 bytes
	mix     = "mix"     // 1,024 live blocks
	message = "message" // 1 KiB to a guest
	served  = "served"  // a block of 64 bytes, in a guest that allocates by itself
	warm    = "warm"    // traces, on an allocator that is there
	cold    = "cold"    // traces, on a new one
	guest   = "guest"   // traces, the first calls, on the allocators of guests
	peak    = "peak"    // traces, pages
	locals  = "locals"  // goroutines

	measures = "pair, mix, message, served, warm, cold, guest, peak, locals"
)

// idle is the allocator that does nothing, and mimalloc the one of C, which another program runs.
const (
	idle     = "idle"
	mimalloc = "mimalloc"
)

// get returns a figure.
func (r *report) get(measure, name, runtime, allocator string) (f figure, ok bool) {
	for _, f := range r.Figures {
		if f.key == (key{measure, name, runtime, allocator}) {
			return f, true
		}
	}
	return figure{}, false
}

// cases returns the cases of a measure that were measured on a runtime, in their order.
func (r *report) cases(measure, runtime string) (names []string) {
	seen := map[string]bool{}
	for _, f := range r.Figures {
		if f.Measure == measure && f.Runtime == runtime && !seen[f.Case] {
			seen[f.Case] = true
			names = append(names, f.Case)
		}
	}
	return names
}

// ratio returns a figure divided by another of the same case.
func (r *report) ratio(measure, name, runtime, dividend, divisor string) (ratio float64, ok bool) {
	a, okA := r.get(measure, name, runtime, dividend)
	b, okB := r.get(measure, name, runtime, divisor)
	return a.Value / b.Value, okA && okB && b.Value > 0
}
