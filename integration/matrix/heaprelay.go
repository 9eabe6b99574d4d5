package matrix

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/integration/guests"
)

// The relay takes a heap from runtime to runtime. Each leg is a fresh instance: it grows its memory to the size of the image
// that the leg before left, writes the image there, restores the heap from the snapshot, looks at every block, goes on with
// operations, and leaves a snapshot and an image itself.
//
// wasmtime and wasmer cannot be in one process, so the heap is handed over in two ways. Each engine runs all legs alone,
// and what each leaves must have the digests in heap-relay.golden, byte for byte. And what leg 1 left on wazero, leg 2 on
// wasmtime and leg 3 on wasmer is committed, and every engine goes on from each.
//
// With -update an engine writes the golden file, and the one that a leg is named after writes what it leaves, from what
// the engine before has left: so update wazero, wasmtime and wasmer in this order.

// relay has the engines of the legs. What they leave is committed, but for the last one: it leaves nothing to anybody.
var relay = []string{"wazero-compiler", "wasmtime", "wasmer", "native"}

const (
	relaySteps    = 500
	relayMaxPages = 20 // that the heap owns
	relayLargest  = 120_000
)

// imageStart is where an image begins. The guest's first page is not in it: there lies what the module itself brings along,
// and the guest of each leg begins anew. A guest whose state is to move as well has that page and its globals moved, too.
const imageStart = guests.BytesPages * linmem.PageSize

func heapRelay(f *fixture) {
	if i := slices.Index(relay, f.engine.Name); *update && i >= 0 && i < len(relay)-1 {
		f.writeBaton(i)
	}
	var golden []string
	f.Run("alone", func(t *testing.T) {
		var b baton
		rich := 0
		for leg := range relay {
			b = runLeg(open(t, f.engine), leg, b)
			golden = append(golden, b.digest(leg))
			if leg < len(relay)-1 && len(b.inArenas) > 0 && len(b.runs) > 0 && len(b.foreign) > 0 {
				rich++
			}
		}
		if rich < 2 {
			t.Errorf("%d legs leave blocks in arenas, another user's pages and the guest's: take another seed", rich)
		}
	})
	if matchesGolden(f, "heap-relay.golden", golden) >= 0 || *update {
		return // what is committed is older
	}
	for leg, name := range relay[:len(relay)-1] {
		f.Run("from-"+name, func(t *testing.T) {
			f := open(t, f.engine)
			b := f.readBaton(leg)
			if got := b.digest(leg); got != golden[leg] {
				t.Fatalf("%s has left\n\t%s\nwant\n\t%s", name, got, golden[leg])
			}
			if got := runLeg(f, leg+1, b).digest(leg + 1); got != golden[leg+1] {
				t.Errorf("from %s it goes on to\n\t%s\nwant\n\t%s", name, got, golden[leg+1])
			}
		})
	}
}

// runLeg takes over what the leg before has left, or begins with nothing at leg 0, and leaves something itself.
func runLeg(f *fixture, leg int, from baton) baton {
	f.Helper()
	if n := uint64(len(from.image)) / linmem.PageSize; n > 0 {
		if _, err := f.mem.Grow(n); err != nil {
			f.Fatal(err)
		}
		copy(f.view(imageStart, uint64(len(from.image))), from.image)
	}
	t := &heapTrace{
		heapFixture: f.restoreHeap(from.snapshot, relayMaxPages),
		rng:         rand.New(rand.NewPCG(24, uint64(leg))),
		largest:     relayLargest, maxForeign: leg + 1, filling: true, counts: map[string]int{},
		blocks: slices.Clone(from.blocks), runs: slices.Clone(from.runs), foreign: slices.Clone(from.foreign), stamp: from.stamp,
	}
	if from.snapshot != nil {
		t.takeOver(from)
	}
	for range relaySteps {
		t.step()
	}
	for _, b := range t.blocks {
		t.guestReads(b)
	}
	b := baton{
		snapshot: t.snapshot(),
		image:    bytes.Clone(f.view(imageStart, f.mem.NumPages()*linmem.PageSize-imageStart)),
		outcomes: t.digest(),
		blocks:   t.blocks, runs: t.runs, foreign: t.foreign, stamp: t.stamp,
	}
	for _, a := range t.arenas {
		b.inArenas = append(b.inArenas, a.blocks...)
	}
	return b
}

// takeOver holds the restored heap to what the leg before says that it has left, and frees what were arenas.
func (t *heapTrace) takeOver(from baton) {
	t.Helper()
	// The snapshot from before may not know of the pages that the guest has added last; one of now does.
	again, err := linmem.RestoreHeap(t.mem, t.snapshot(), linmem.WithMaxPages(relayMaxPages))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := again.MarshalBinary(); err != nil || !bytes.Equal(b, t.snapshot()) {
		t.Errorf("a snapshot of the restored heap is another than the one that it was restored from: %v", err)
	}
	for _, list := range [][]block{from.blocks, from.inArenas, from.runs, from.foreign} {
		for _, b := range list {
			t.verify(b, b.size)
			t.guestReads(b)
		}
	}
	for _, b := range slices.Concat(from.blocks, from.inArenas) {
		if _, err := t.heap.View(b.addr, b.size); err != nil {
			t.Error(err)
		}
	}
	// The chunks of arenas are allocations now: those that are not among the blocks.
	isBlock := map[uint64]bool{}
	for _, b := range from.blocks {
		isBlock[b.addr] = true
	}
	for _, addr := range t.addresses() {
		if !isBlock[addr] {
			t.record("free", "a chunk", addr, t.heap.Free(addr))
		}
	}
	t.inspectAll()
}

// digest describes a baton in a line.
func (b baton) digest(leg int) string {
	return fmt.Sprintf("leg %d: outcomes %s, snapshot %s of %d bytes, image %s of %d pages, %d blocks", leg+1,
		b.outcomes, sum(b.snapshot), len(b.snapshot), sum(b.image), len(b.image)/linmem.PageSize, len(b.blocks))
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
