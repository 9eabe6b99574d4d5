package nativemem

import (
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// A memory never shrinks, so trimming is how one that was large once gives memory back: what is resident falls to what is
// allocated, the contents of which stay.
func TestTrimFreesPhysicalMemory(t *testing.T) {
	const run, runs = 64, 16 // pages in a run, and how many of them: 64 MiB
	m := newMemory(t, 1, 1+run*runs)
	pages, err := linmem.NewPages(m)
	if err != nil {
		t.Fatal(err)
	}
	var live [runs]linmem.Range
	for i := range live {
		if live[i], err = pages.Alloc(run); err != nil {
			t.Fatal(err)
		}
		fill(mustView(t, m, live[i].Addr(), live[i].Bytes()), byte(i+1))
	}
	all := mustView(t, m, 0, m.NumPages()*page)
	before := residentBytes(t, all)
	if before < run*runs*page {
		t.Fatalf("%d bytes are resident of %d that were written", before, run*runs*page)
	}
	const kept = 3
	for i, r := range live {
		if i == kept {
			continue
		}
		if err := pages.Free(r); err != nil {
			t.Fatal(err)
		}
	}
	if got := residentBytes(t, all); got < before {
		t.Errorf("%d bytes are resident once the runs are free, want %d: only Trim may take them", got, before)
	}

	discarded, err := pages.Trim()
	if want := uint64(run * (runs - 1)); err != nil || discarded != want {
		t.Errorf("Trim returned %d, %v, want %d", discarded, err, want)
	}
	if got, limit := residentBytes(t, all), 2*run*page; got < run*page || got > limit {
		t.Errorf("%d bytes are resident after Trim, want the %d that are allocated, and little more", got, run*page)
	}
	for _, b := range mustView(t, m, live[kept].Addr(), live[kept].Bytes()) {
		if b != kept+1 {
			t.Fatalf("a byte of the run that stayed is %d, want %d", b, kept+1)
		}
	}
	checkZero(t, mustView(t, m, live[0].Addr(), live[0].Bytes()), "trimmed page")
	if stats := pages.Stats(); stats.Free != run*(runs-1) || stats.Size != 1+run*runs {
		t.Errorf("Trim changed the allocator: %+v", stats)
	}
}
