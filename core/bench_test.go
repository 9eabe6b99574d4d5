package linmem_test

import (
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// benchPages is a full 32-bit memory.
const benchPages = 1 << 16

// allocAndFree is one turn of a benchmark in which the allocation succeeds.
func allocAndFree(b *testing.B, p *linmem.Pages, n uint64) {
	r, err := p.Alloc(n)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.Free(r); err != nil {
		b.Fatal(err)
	}
}

// The least that a pair of calls can cost.
func BenchmarkEmpty(b *testing.B) {
	p, err := linmem.NewPages(&toyMemory{size: 1, max: benchPages})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		allocAndFree(b, p, 1)
	}
}

// A memory in steady use: half full, with runs of 1 to 64 pages that come and go.
func BenchmarkHalfFull(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	p, err := linmem.NewPages(&toyMemory{size: 1, max: benchPages})
	if err != nil {
		b.Fatal(err)
	}
	var live []linmem.Range
	for {
		run, err := p.Alloc(1 + r.Uint64N(64))
		if err != nil {
			break
		}
		live = append(live, run)
	}
	r.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
	for p.Stats().Allocated > benchPages/2 {
		last := live[len(live)-1]
		live = live[:len(live)-1]
		if err := p.Free(last); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		// A run takes the place of another, so that the memory stays half full and changes.
		i := r.IntN(len(live))
		if err := p.Free(live[i]); err != nil {
			b.Fatal(err)
		}
		if live[i], err = p.Alloc(1 + r.Uint64N(64)); err != nil {
			b.Fatal(err)
		}
	}
}

// The worst case of a search: every second page is free, so that 2 pages fit nowhere, or only at the very end.
func BenchmarkComb(b *testing.B) {
	b.Run("NeverFits", func(b *testing.B) {
		p := comb(b, benchPages)
		p.Freeze(true)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Alloc(2); err == nil {
				b.Fatal("fits")
			}
		}
	})
	b.Run("LastPairFits", func(b *testing.B) {
		p := comb(b, benchPages)
		if err := p.Free(linmem.Range{Start: benchPages, Len: 1}); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		for b.Loop() {
			allocAndFree(b, p, 2)
		}
	})
	b.Run("FirstPageFits", func(b *testing.B) {
		p := comb(b, benchPages)
		b.ReportAllocs()
		for b.Loop() {
			allocAndFree(b, p, 1)
		}
	})
}
