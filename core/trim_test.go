package linmem_test

import (
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

var errDiscard = errors.New("madvise: no")

// discarder is a memory that can be trimmed.
type discarder struct {
	linmem.Grower
	discarded []linmem.Range
	fail      map[linmem.Page]error // by the page that the range begins with
}

func (d *discarder) Discard(addr, n uint64) error {
	r := linmem.Range{Start: linmem.Page(addr / linmem.PageSize), Len: n / linmem.PageSize}
	if r.Addr() != addr || r.Bytes() != n {
		return errors.New("these are no whole pages")
	}
	if err := d.fail[r.Start]; err != nil {
		return err
	}
	d.discarded = append(d.discarded, r)
	return nil
}

// trimmable returns what a picture shows, on a memory that can be trimmed.
func trimmable(t *testing.T, picture string) (*scene, *discarder) {
	t.Helper()
	s := draw(t, picture)
	snapshot, err := s.pages.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	d := &discarder{Grower: s.mem, fail: map[linmem.Page]error{}}
	if s.pages, err = linmem.RestorePages(d, snapshot); err != nil {
		t.Fatal(err)
	}
	return s, d
}

func TestTrim(t *testing.T) {
	type list = []linmem.Range
	tests := []struct {
		name    string
		picture string
		want    list
	}{
		{"Nothing", "", nil},
		{"OnlyForeign", "###", nil},
		{"NoneFree", "#aab", nil},
		{"Hole", "#a.b", list{{2, 1}}},
		{"Tail", "#a...", list{{2, 3}}},
		{"AllFree", "#....", list{{1, 4}}},
		{"Ascending", "#a..b.c...", list{{2, 2}, {5, 1}, {7, 3}}},
		{"BesideForeign", "#.#..#a#.", list{{1, 1}, {3, 2}, {8, 1}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, d := trimmable(t, tt.picture)
			stats := s.pages.Stats()
			for range 2 { // trimmed pages are trimmed again: nobody knows what was written there
				d.discarded = nil
				n, err := s.pages.Trim()
				if err != nil || n != stats.Free {
					t.Errorf("Trim returned %d, %v, want the %d free pages", n, err, stats.Free)
				}
				if !slices.Equal(d.discarded, tt.want) {
					t.Errorf("discarded %v, want %v", d.discarded, tt.want)
				}
			}
			if got := s.String(); got != tt.picture {
				t.Errorf("the pages are %q afterwards, want %q", got, tt.picture)
			}
			if got := s.pages.Stats(); got != stats {
				t.Errorf("the stats are %+v, want %+v", got, stats)
			}
		})
	}
}

// Pages that the guest has added, and that nobody has looked at, are not touched.
func TestTrimBeforeTheGuestIsSeen(t *testing.T) {
	s, d := trimmable(t, "#a.")
	s.mem.guestGrow(2)
	if n, err := s.pages.Trim(); n != 1 || err != nil || !slices.Equal(d.discarded, []linmem.Range{{2, 1}}) {
		t.Errorf("Trim returned %d, %v and discarded %v, want page 2", n, err, d.discarded)
	}
	if len(s.mem.asked) > 0 {
		t.Errorf("asked the memory to grow by %v", s.mem.asked)
	}
}

// A long run is one run, whatever words and chunks the allocator keeps it in.
func TestTrimLongRun(t *testing.T) {
	d := &discarder{Grower: &toyMemory{size: 5, max: 1 << 20}}
	p, err := linmem.NewPages(d)
	if err != nil {
		t.Fatal(err)
	}
	const n = 3*4096 + 7
	if err := p.Reserve(n); err != nil {
		t.Fatal(err)
	}
	if got, err := p.Trim(); got != n || err != nil || !slices.Equal(d.discarded, []linmem.Range{{5, n}}) {
		t.Errorf("Trim returned %d, %v and discarded %v, want %d pages in one", got, err, d.discarded, n)
	}
}

func TestTrimFails(t *testing.T) {
	s, d := trimmable(t, "#a..b.c...")
	d.fail[5] = errDiscard
	n, err := s.pages.Trim()
	if n != 2 || !slices.Equal(d.discarded, []linmem.Range{{2, 2}}) {
		t.Errorf("Trim returned %d and discarded %v, want the 2 pages before the failure", n, d.discarded)
	}
	var e *linmem.Error
	if !errors.As(err, &e) || e.Op != "Pages.Trim" || !errors.Is(err, errDiscard) ||
		e.Addr != 5*linmem.PageSize || e.Size != linmem.PageSize {
		t.Errorf("returned %#v, want an *Error of Pages.Trim about page 5 that wraps %q", err, errDiscard)
	}
	delete(d.fail, 5)
	if n, err := s.pages.Trim(); n != 6 || err != nil {
		t.Errorf("the next Trim returned %d, %v, want 6 pages", n, err)
	}
	if err := s.pages.Check(); err != nil {
		t.Error(err)
	}
}

func TestTrimUnsupported(t *testing.T) {
	refusing, d := trimmable(t, "#.a")
	d.fail[1] = linmem.ErrUnsupported
	for name, s := range map[string]*scene{
		"NoDiscarder":       draw(t, "#.a"),
		"NoneFree":          draw(t, "#a"),
		"DiscarderThatCant": refusing,
	} {
		t.Run(name, func(t *testing.T) {
			n, err := s.pages.Trim()
			var e *linmem.Error
			if n != 0 || class(err) != linmem.ErrUnsupported || !errors.As(err, &e) || e.Op != "Pages.Trim" {
				t.Errorf("returned %d, %#v, want an *Error of Pages.Trim that wraps %q", n, err, linmem.ErrUnsupported)
			}
		})
	}
}
