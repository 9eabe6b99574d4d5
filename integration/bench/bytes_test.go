package bench_test

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/zigref"
	"github.com/linmem/linmem/integration/guests"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	nativemem "github.com/linmem/linmem/backends/native"
	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// byteAllocator is what the workloads need of one.
type byteAllocator interface {
	alloc(n uint64) (addr uint64, err error)
	free(addr, n uint64) error
	memory() linmem.Memory
}

// newMemory returns a native memory of one page, which can grow to max.
func newMemory(b *testing.B, max uint64) linmem.Memory {
	b.Helper()
	m, err := nativemem.New(1, max)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = m.Close() })
	return m
}

var byteAllocators = []struct {
	name string
	open func(*testing.B) byteAllocator
}{
	{"zigref", func(b *testing.B) byteAllocator {
		b.Helper()
		m := newMemory(b, maxPages)
		return zigBytes{zigref.NewAllocator(m), m}
	}},
	{"zig-in-wazero", openGuestBytes},
}

// log2Align is the default of malloc: 16 bytes.
const log2Align = 4

type zigBytes struct {
	*zigref.Allocator
	m linmem.Memory
}

func (a zigBytes) alloc(n uint64) (uint64, error) { return a.Alloc(n, log2Align) }
func (a zigBytes) free(addr, n uint64) error      { return a.Free(addr, n, log2Align) }
func (a zigBytes) memory() linmem.Memory          { return a.m }

// guestBytes is the original, which the host calls in the guest: what this project is there to avoid. It calls wazero in the
// quickest way that there is.
type guestBytes struct {
	allocate, release api.Function
	stack             [3]uint64
	m                 linmem.Memory
}

func openGuestBytes(b *testing.B) byteAllocator {
	b.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	b.Cleanup(func() { _ = r.Close(ctx) })
	mod, err := r.Instantiate(ctx, guests.ZigWasmAllocator)
	if err != nil {
		b.Fatal(err)
	}
	m, err := wazeromem.New(mod, "")
	if err != nil {
		b.Fatal(err)
	}
	return &guestBytes{allocate: mod.ExportedFunction("alloc"), release: mod.ExportedFunction("free"), m: m}
}

func (a *guestBytes) alloc(n uint64) (uint64, error) {
	a.stack[0], a.stack[1] = n, log2Align
	if err := a.allocate.CallWithStack(context.Background(), a.stack[:2]); err != nil {
		return 0, err
	}
	if a.stack[0] == 0 {
		return 0, errors.New("the guest has no memory")
	}
	return a.stack[0], nil
}

func (a *guestBytes) free(addr, n uint64) error {
	a.stack = [3]uint64{addr, n, log2Align}
	return a.release.CallWithStack(context.Background(), a.stack[:])
}

func (a *guestBytes) memory() linmem.Memory { return a.m }

func BenchmarkBytes(b *testing.B) {
	for _, n := range []uint64{64, 4096, 100_000} {
		b.Run(fmt.Sprintf("Pair%d", n), func(b *testing.B) { eachByteAllocator(b, bytePair(n)) })
	}
	b.Run("Small", func(b *testing.B) { eachByteAllocator(b, steadyBytes(20_000, 2048)) })
	b.Run("Mixed", func(b *testing.B) { eachByteAllocator(b, steadyBytes(2_000, 256<<10)) })
}

func eachByteAllocator(b *testing.B, run func(*testing.B, byteAllocator)) {
	b.Helper()
	for _, a := range byteAllocators {
		b.Run("allocator="+a.name, func(b *testing.B) {
			b.ReportAllocs()
			run(b, a.open(b))
		})
	}
}

// bytePair returns the workload of one buffer that comes and goes.
func bytePair(n uint64) func(*testing.B, byteAllocator) {
	return func(b *testing.B, a byteAllocator) {
		turn := func() {
			addr, err := a.alloc(n)
			if err == nil {
				err = a.free(addr, n)
			}
			if err != nil {
				b.Fatal(err)
			}
		}
		turn() // the memory grows
		for b.Loop() {
			turn()
		}
	}
}

// steadyBytes returns a workload of so many live allocations of up to maxSize bytes, a power of two, each below a bound
// that is any power of two up to that with the same chance: in each turn, one goes and another comes. It reports how much
// memory there is for each live byte, after as many turns as there are allocations.
func steadyBytes(nLive int, maxSize uint64) func(*testing.B, byteAllocator) {
	type block struct{ addr, n uint64 }
	return func(b *testing.B, a byteAllocator) {
		r := rand.New(rand.NewPCG(1, 2))
		live := make([]block, nLive)
		liveBytes := uint64(0)
		alloc := func(i int) {
			n := 1 + r.Uint64N(uint64(2)<<r.IntN(bits.Len64(maxSize)-1))
			addr, err := a.alloc(n)
			if err != nil {
				b.Fatal(err)
			}
			live[i] = block{addr, n}
			liveBytes += n
		}
		turn := func() {
			i := r.IntN(nLive)
			if err := a.free(live[i].addr, live[i].n); err != nil {
				b.Fatal(err)
			}
			liveBytes -= live[i].n
			alloc(i)
		}
		for i := range live {
			alloc(i)
		}
		for range live {
			turn()
		}
		perByte := float64(a.memory().NumPages()*linmem.PageSize) / float64(liveBytes)
		for b.Loop() {
			turn()
		}
		b.ReportMetric(perByte, "memory/live")
	}
}
