package linmem_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// The comparison with other allocators is in integration/bench; these are for work on this one.
func BenchmarkPages(b *testing.B) {
	for _, size := range []uint64{1 << 16, 1 << 24} {
		b.Run(fmt.Sprintf("pages=%d", size), func(b *testing.B) {
			b.Run("Empty", func(b *testing.B) { benchPair(b, owned(b, size), 1, 1) })
			b.Run("50PercentFull", func(b *testing.B) { benchSteady(b, owned(b, size), 50, 64, 0) })
			b.Run("75PercentFull", func(b *testing.B) { benchSteady(b, owned(b, size), 75, 1000, 0) })
			b.Run("95PercentFull", func(b *testing.B) { benchSteady(b, owned(b, size), 95, 8, 0) })
			b.Run("50PercentFullAligned", func(b *testing.B) { benchSteady(b, owned(b, size), 50, 64, 4) })
			b.Run("50PercentFullBestFit", func(b *testing.B) {
				benchSteady(b, owned(b, size, linmem.WithPlacement(linmem.BestFit)), 50, 64, 0)
			})
			b.Run("CombNeverFits", func(b *testing.B) { benchNever(b, striped(b, size, 1, 1), 2, 1) })
			b.Run("CombLastPairFits", func(b *testing.B) {
				p := striped(b, size, 1, 1)
				must(b, p.Free(linmem.Range{Start: linmem.Page(size - 2), Len: 1}))
				benchPair(b, p, 2, 1)
			})
			b.Run("191FreeNever192", func(b *testing.B) { benchNever(b, striped(b, size, 191, 1), 192, 1) })
			b.Run("AlignedNeverFits", func(b *testing.B) { benchNever(b, striped(b, size, 30, 2), 16, 16) })
			b.Run("MarshalBinary", func(b *testing.B) { benchMarshal(b, striped(b, size, 30, 2)) })
		})
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// owned returns an allocator that owns all pages of a memory but page 0, and all are free.
func owned(tb testing.TB, size uint64, opts ...linmem.Option) *linmem.Pages {
	tb.Helper()
	p, err := linmem.NewPages(&toyMemory{size: 1, max: size}, append(opts, linmem.WithMaxPages(size-1))...)
	must(tb, err)
	must(tb, p.Reserve(size-1))
	return p
}

// striped returns an allocator with free runs of a length, and used runs of another between them, from page 1 on.
func striped(tb testing.TB, size, free, used uint64) *linmem.Pages {
	tb.Helper()
	p := owned(tb, size)
	for at := uint64(1); at < size; at += free + used {
		for _, n := range []uint64{min(free, size-at), min(used, size-min(size, at+free))} {
			if n > 0 {
				_, err := p.Alloc(n)
				must(tb, err)
			}
		}
	}
	for at := uint64(1); at < size; at += free + used {
		must(tb, p.Free(linmem.Range{Start: linmem.Page(at), Len: min(free, size-at)}))
	}
	return p
}

func benchPair(b *testing.B, p *linmem.Pages, n, align uint64) {
	b.ReportAllocs()
	for b.Loop() {
		r, err := p.AllocAligned(n, align)
		if err == nil {
			err = p.Free(r)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}

func benchNever(b *testing.B, p *linmem.Pages, n, align uint64) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.AllocAligned(n, align); err == nil {
			b.Fatalf("%d pages fit", n)
		}
	}
}

func benchMarshal(b *testing.B, p *linmem.Pages) {
	b.ReportAllocs()
	var snapshot []byte
	for b.Loop() {
		snapshot, _ = p.AppendBinary(snapshot[:0])
	}
	b.SetBytes(int64(len(snapshot)))
}

// benchSteady fills a memory, frees runs at random until a share of it is in use, and then has one leave and another come.
func benchSteady(b *testing.B, p *linmem.Pages, percent, maxRun uint64, maxLog2Align int) {
	r := rand.New(rand.NewPCG(1, 2))
	var live []linmem.Range
	for {
		run, err := p.Alloc(1 + r.Uint64N(maxRun))
		if errors.Is(err, linmem.ErrOutOfMemory) {
			break
		}
		must(b, err)
		live = append(live, run)
	}
	r.Shuffle(len(live), func(i, j int) { live[i], live[j] = live[j], live[i] })
	used := p.Stats().Owned * percent / 100
	for ; p.Stats().Allocated > used; live = live[:len(live)-1] {
		must(b, p.Free(live[len(live)-1]))
	}

	// Random numbers are drawn beforehand: they would take longer than what is measured.
	type turn struct {
		i        int
		n, align uint64
	}
	turns := make([]turn, 1<<14)
	for i := range turns {
		turns[i] = turn{r.IntN(len(live)), 1 + r.Uint64N(maxRun), 1 << r.IntN(maxLog2Align+1)}
	}
	b.ReportAllocs()
	next, inUse := 0, p.Stats().Allocated
	for b.Loop() {
		t := turns[next%len(turns)]
		next++
		if run := live[t.i]; run.Len > 0 {
			if err := p.Free(run); err != nil {
				b.Fatal(err)
			}
			inUse -= run.Len
			live[t.i] = linmem.Range{}
		}
		if inUse >= used {
			continue
		}
		if run, err := p.AllocAligned(t.n, t.align); err == nil {
			live[t.i] = run
			inUse += run.Len
		}
	}
}
