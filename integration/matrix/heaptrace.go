package matrix

import (
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"

	linmem "github.com/linmem/linmem/core"
)

// The trace of a heap is a stream of random operations from a fixed seed, as that of pages is. What it does next depends on
// the addresses that it got so far. The golden file has the first operations with their outcomes, and then for each hundred
// a digest of all up to there, with the state. When a digest differs, the operations since the one before are logged; with
// -heap-log all are, whatever happens, so that two engines or two commits can be compared by diff.

const (
	heapSteps     = 5000
	heapInFull    = 100
	heapPerDigest = 100
	heapResetsAt  = 3850 // once full, once emptied, and filled again
	heapLargest   = 1 << 20
)

var heapLog = flag.Bool("heap-log", false, "log all operations of the trace of a heap")

func heapReplaysTrace(f *fixture) {
	t := &heapTrace{
		heapFixture: f.newHeap(), rng: rand.New(rand.NewPCG(2026, 12)), largest: heapLargest, maxForeign: 30, filling: true,
		counts: map[string]int{},
	}
	var digests []string
	lengths := []int{0} // of the log, at each of them
	for i := range heapSteps {
		if i == heapResetsAt {
			t.reset()
		}
		t.step()
		if n := i + 1; n%heapPerDigest == 0 {
			t.inspectAll()
			digests = append(digests, fmt.Sprintf("after %d operations: %.16s, %d blocks and %d arenas, memory of %d pages",
				n, t.digest(), len(t.blocks), len(t.arenas), t.mem.NumPages()))
			lengths = append(lengths, len(t.log))
		}
	}
	t.covers()
	differs := matchesGolden(f, "heap-trace.golden", slices.Concat(t.log[:heapInFull], digests))
	from, to := 0, 0
	if i := differs - heapInFull; i >= 0 && i < len(digests) {
		from, to = lengths[i], lengths[i+1]
	}
	if *heapLog {
		from, to = 0, len(t.log)
	}
	for _, line := range t.log[from:to] {
		f.Log(line)
	}
}

// heapTrace does random operations on a heap, and on what else is in its memory.
type heapTrace struct {
	*heapFixture
	rng     *rand.Rand
	largest uint64 // size that is asked for

	blocks  []block  // live
	arenas  []*arena // that have blocks, or had
	runs    []block  // that another user of the heap's Pages has
	foreign []block  // that the guest has grown
	freed   []uint64 // addresses that were free once
	stamp   contents // of the newest block

	maxForeign int // growths of the guest

	filling  bool   // or emptying: so the memory is full at times, and nearly empty
	refusals int    // while filling
	floor    uint64 // of live bytes, where emptying ends

	counts map[string]int // operations, by their names and kinds of outcome
	log    []string
}

// arena is an arena and what it was asked for.
type arena struct {
	*linmem.Arena
	blocks []block
}

func (t *heapTrace) step() {
	n := 0
	for _, op := range heapOps {
		n += op.weight(t.filling)
	}
	n = t.rng.IntN(n)
	for _, op := range heapOps {
		if n -= op.weight(t.filling); n < 0 {
			op.do(t)
			return
		}
	}
}

// record logs an operation and its outcome, and returns whether it was done. A refusal must be for want of room; errors are
// logged as their kind, since their texts may improve.
func (t *heapTrace) record(op, args string, addr uint64, err error) (done bool) {
	t.Helper()
	switch {
	case err == nil:
		t.counts[op]++
		t.log = append(t.log, fmt.Sprintf("%s %s -> %#x", op, args, addr))
	case errors.Is(err, linmem.ErrOutOfMemory):
		t.counts[op+" refused"]++
		t.log = append(t.log, fmt.Sprintf("%s %s -> out of memory", op, args))
	default:
		t.Fatalf("%s %s: %v", op, args, err)
	}
	return err == nil
}

// refuses logs a call that must fail for a reason.
func (t *heapTrace) refuses(op, args string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s %s: %v, want: %v", op, args, err, want)
	}
	t.counts[op]++
	t.log = append(t.log, fmt.Sprintf("%s %s -> error", op, args))
}

func (t *heapTrace) digest() string {
	h := sha256.New()
	for _, line := range t.log {
		fmt.Fprintln(h, line)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// covers requires that the stream has reached all that it should, or the seed shows nothing.
func (t *heapTrace) covers() {
	t.Helper()
	for _, name := range []string{
		"alloc", "alloc refused", "aligned", "aligned refused", "put", "put refused", "free", "resize", "resize refused",
		"realloc", "realloc refused", "view", "view too far", "reverse", "arena alloc", "arena reset", "arena free",
		"reserve", "pages alloc", "pages free", "guest grows", "reset",
		"free inside", "free twice", "free guest's", "free arena's", "free beyond", "free null",
	} {
		if t.counts[name] == 0 {
			t.Errorf("the stream no longer comes to %q", name)
		}
	}
	t.Log(t.counts)
}

// inspectAll looks at everything: the heap's invariants, that it has the blocks that it should have and no others, and the
// contents of every byte, which the guest reads as well.
func (t *heapTrace) inspectAll() {
	t.Helper()
	t.check()
	want := make([]uint64, 0, len(t.blocks))
	for _, b := range t.blocks {
		want = append(want, b.addr)
	}
	slices.Sort(want)
	if got := t.addresses(); !slices.Equal(got, want) {
		t.Fatalf("the heap has the blocks %#x, want %#x", got, want)
	}
	for _, list := range [][]block{t.blocks, t.runs, t.foreign} {
		for _, b := range list {
			t.verify(b, b.size)
		}
	}
	for _, a := range t.arenas {
		for _, b := range a.blocks {
			t.verify(b, b.size)
		}
	}
	if i, ok := t.pick(); ok {
		t.guestReads(t.blocks[i])
	}
}

func (t *heapTrace) pick() (i int, ok bool) {
	if len(t.blocks) == 0 {
		return 0, false
	}
	return t.rng.IntN(len(t.blocks)), true
}

// pickLarge favors large blocks: they are what makes room.
func (t *heapTrace) pickLarge() (i int, ok bool) {
	i, ok = t.pick()
	if !ok || t.filling {
		return i, ok
	}
	for range 3 {
		if j, _ := t.pick(); t.blocks[j].size > t.blocks[i].size {
			i = j
		}
	}
	return i, true
}

func (t *heapTrace) liveBytes() (n uint64) {
	for _, b := range t.blocks {
		n += b.size
	}
	return n
}

// size favors small blocks, as programs do.
func (t *heapTrace) size() uint64 {
	switch n := t.rng.IntN(100); {
	case n < 8:
		return t.rng.Uint64N(t.largest)
	case n < 13:
		return t.rng.Uint64N(t.largest / 10)
	case n < 20:
		return t.rng.Uint64N(10_000) // slots and runs meet at 8 KiB
	case n < 60:
		return t.rng.Uint64N(520)
	}
	return t.rng.Uint64N(65)
}

// fresh returns a block with contents that no other has had, and writes them.
func (t *heapTrace) fresh(addr, size uint64) block {
	t.Helper()
	t.stamp++
	b := block{addr, size, t.stamp}
	t.write(b)
	return b
}
