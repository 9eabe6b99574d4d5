package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
)

// guestsGolden has the table of guests as the README shows it.
const guestsGolden = "guests.md"

// guestRow is a line of the table.
type guestRow struct {
	name, toolchain string
	late, early     guest.Outcome
	inspected       guest.Verdict
	placed          guest.Strategy   // by default
	held            []guest.Strategy // that are safe, and under which nothing was damaged
	nChecked        uint64           // bytes that were compared with the default
}

// placedBy notes a strategy under which nothing was damaged.
func (r *guestRow) placedBy(s guest.Strategy, nChecked uint64) {
	r.held = append(r.held, s)
	if s == r.placed {
		r.nChecked = nChecked
	}
}

// cells returns the line as the table has it. What Inspect knows by itself is marked.
func (r *guestRow) cells() []string {
	var others []string
	for _, s := range r.held {
		if s != r.placed {
			others = append(others, string(s))
		}
	}
	known := func(found guest.Outcome, inspected guest.Judgement) string {
		if inspected.Outcome == guest.Undecided {
			return found.String() + " ¹"
		}
		return found.String()
	}
	return []string{
		r.name, r.toolchain, known(r.late, r.inspected.Late), known(r.early, r.inspected.Early),
		string(r.placed), listed(others), fmt.Sprintf("%d MB", r.nChecked/1e6),
	}
}

// listed joins names, or is a dash for none.
func listed(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return strings.Join(names, ", ")
}

// The columns of a line that need not be the same on all engines.
const (
	columnOthers  = 5
	columnChecked = 6
)

// guestTable collects the lines of an engine.
type guestTable struct {
	engine engines.Engine
	golden map[string][]string // by name of the guest; nil if it is written anew
	lines  []string
}

func newGuestTable(t *testing.T, e engines.Engine) *guestTable {
	t.Helper()
	table := &guestTable{engine: e}
	if *update {
		t.Cleanup(func() { table.write(t) })
		return table
	}
	table.golden = map[string][]string{}
	for line := range strings.Lines(string(readTestdata(t, guestsGolden))) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "| "), " | ")
		table.golden[cells[0]] = cells
	}
	if n := len(table.golden) - 2; n != len(allGuests()) { // less the columns' names and the rule below
		t.Errorf("%s has %d guests, want %d: make readme", guestsGolden, n, len(allGuests()))
	}
	return table
}

// row adds a line, or holds it to the golden one.
func (table *guestTable) row(t *testing.T, f *guestFixture) {
	t.Helper()
	got := f.row.cells()
	if table.golden == nil {
		table.lines = append(table.lines, "| "+strings.Join(got, " | ")+" |")
		return
	}
	want := slices.Clone(table.golden[f.row.name])
	if len(want) != len(got) {
		t.Fatalf("%s has no line for %s: make readme", guestsGolden, f.row.name)
	}
	if !f.canLimit {
		others := slices.DeleteFunc(strings.Split(want[columnOthers], ", "), func(s string) bool { return s == string(guest.Donate) })
		want[columnOthers] = listed(others)
	}
	if f.nGuest != allOfIt {
		want[columnChecked] = got[columnChecked]
	}
	if !slices.Equal(got, want) {
		t.Errorf("the line is\n\t%q\nwant\n\t%q\nIf that is meant: make readme", got, want)
	}
}

// write writes the golden table, if each guest has a line.
func (table *guestTable) write(t *testing.T) {
	t.Helper()
	if len(table.lines) != len(allGuests()) || testing.Short() || table.engine.Interprets {
		t.Logf("%s is not written: that needs all guests, on an engine that does all of the work", guestsGolden)
		return
	}
	head := []string{
		"| guest | made by | growth by the host, late | early | `guest.Open` places by | also safe | compared |",
		"|---|---|---|---|---|---|---:|",
	}
	writeTestdata(t, guestsGolden, []byte(strings.Join(append(head, table.lines...), "\n")+"\n"))
}
