package wazeromem_test

import (
	"testing"

	linmem "github.com/linmem/linmem/core"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableTrimFreesPhysicalMemory holds that what is resident falls to what is allocated.
func TestStableTrimFreesPhysicalMemory(t *testing.T) {
	const run, runs = 64, 16 // pages in a run, and how many of them: 64 MiB
	m := mustNew(t, add(t, newRuntime(t, engines["compiler"]), new(wazeromem.StableMemories), "", unbounded))
	pages, err := linmem.NewPages(m)
	if err != nil {
		t.Fatal(err)
	}
	var live []linmem.Range
	for range runs {
		r, err := pages.Alloc(run)
		if err != nil {
			t.Fatal(err)
		}
		for b, i := mustView(t, m, r.Addr(), r.Bytes()), 0; i < len(b); i++ {
			b[i] = 7
		}
		live = append(live, r)
	}
	first, size := addressOf(mustView(t, m, 0, 1)), m.NumPages()*linmem.PageSize
	_, before := mapping(t, first, size)
	if before < run*runs*linmem.PageSize {
		t.Fatalf("%d bytes are resident of %d that were written", before, run*runs*linmem.PageSize)
	}
	for _, r := range live[1:] {
		if err := pages.Free(r); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := pages.Trim(); err != nil || n != run*(runs-1) {
		t.Errorf("Trim = %d, %v, want %d", n, err, run*(runs-1))
	}
	mapped, after := mapping(t, first, size)
	if after < run*linmem.PageSize || after > 2*run*linmem.PageSize {
		t.Errorf("%d bytes are resident after Trim, want the %d that are allocated, and little more", after, run*linmem.PageSize)
	}
	if mapped != size {
		t.Errorf("%d bytes of the memory are mapped after Trim, want all %d", mapped, size)
	}
}
