// Package heapstest tests the adaptors of package heaps, on whatever runtime.
package heapstest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/bench/heaps"
	"github.com/linmem/linmem/integration/traces"
)

// Contents returns the bytes of a block, to be read and written.
type Contents func(o heaps.Opened, addr, size uint64) ([]byte, error)

// InMemory is how the bytes are to be had of those that allocate in a linear memory.
func InMemory(o heaps.Opened, addr, size uint64) ([]byte, error) { return o.Memory.View(addr, size) }

// OnGuest tests all kinds that are on guests of a runtime, or says that the build has none.
func OnGuest(t *testing.T, r heaps.Runtime) {
	t.Helper()
	if r.LeftOut != "" {
		t.Skipf("%s is left out of this build: %s", r.Name, r.LeftOut)
	}
	Run(t, heaps.OnGuest(r), InMemory)
}

// Run tests each kind: that blocks keep their contents, and that the workloads work.
func Run(t *testing.T, kinds []heaps.Kind, contents Contents) {
	t.Helper()
	for _, k := range kinds {
		t.Run(k.Name, func(t *testing.T) {
			t.Run("Contents", func(t *testing.T) { testContents(t, open(t, k), contents) })
			t.Run("Workloads", func(t *testing.T) { testWorkloads(t, k) })
		})
	}
}

func open(t *testing.T, k heaps.Kind) heaps.Opened {
	t.Helper()
	o, err := k.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	})
	return o
}

type block struct{ addr, size, mark uint64 }

// testContents marks every byte of many blocks, while some of them go and others move: blocks that overlap spoil each other.
func testContents(t *testing.T, o heaps.Opened, contents Contents) {
	t.Helper()
	view := func(b block) []byte {
		t.Helper()
		data, err := contents(o, b.addr, b.size)
		if err != nil || uint64(len(data)) != b.size {
			t.Fatalf("block %#x of %d bytes: %d bytes, %v", b.addr, b.size, len(data), err)
		}
		return data
	}
	mark := func(b block) {
		for i := range view(b) {
			view(b)[i] = byte(b.mark)
		}
	}
	check := func(b block, size uint64) {
		t.Helper()
		if got := view(b)[:size]; !bytes.Equal(got, bytes.Repeat([]byte{byte(b.mark)}, int(size))) {
			t.Fatalf("block %#x of %d bytes was overwritten: %x", b.addr, b.size, got)
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var blocks []block
	for i := range uint64(100) {
		b := block{size: i * i, mark: i}
		var err error
		b.addr, err = o.Alloc(b.size)
		must(err)
		mark(b)
		blocks = append(blocks, b)
	}
	for i := range blocks {
		b := &blocks[i]
		check(*b, b.size)
		switch i % 3 {
		case 0:
			must(o.Free(b.addr, b.size))
			b.size = 3 * uint64(i)
			var err error
			b.addr, err = o.Alloc(b.size)
			must(err)
		case 1:
			size := (b.size*5 + 7) * uint64(i%2*3+1) / 4 // smaller and larger
			addr, err := o.Realloc(b.addr, b.size, size)
			must(err)
			kept := min(b.size, size)
			b.addr, b.size = addr, size
			check(*b, kept)
		}
		mark(*b)
	}
	for _, b := range blocks {
		check(b, b.size)
		must(o.Free(b.addr, b.size))
	}
}

// recorded has every kind of call, and leaves two blocks.
const recorded = `linmem-trace 1
a 0 100
a 1 0
a 2 5000 64
r 0 20000
f 1
a 1 24
r 2 10
f 0
`

func testWorkloads(t *testing.T, k heaps.Kind) {
	t.Helper()
	parsed, err := traces.Parse(strings.NewReader(recorded))
	if err != nil {
		t.Fatal(err)
	}
	trace, err := heaps.Prepare(parsed, len(parsed.Ops))
	if err != nil {
		t.Fatal(err)
	}
	o := open(t, k)
	mix, err := heaps.Mix(open(t, k))
	if err != nil {
		t.Fatal(err)
	}
	workloads := map[string]heaps.Workload{
		"Pair": heaps.Pair(o, 64), "Mix": mix, "Warm": trace.Warm(o.Allocator), "Cold": trace.Cold(k),
	}
	if o.Digest != nil {
		if workloads["Message"], err = heaps.Message(o, 1021); err != nil {
			t.Fatal(err)
		}
	}
	for name, w := range workloads {
		if err := w.Turns(3); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	pages, ok, err := trace.Peak(k)
	if err != nil || ok != (o.Memory != nil) || ok && pages > 10 {
		t.Errorf("a memory grows by %d pages (%t, %v)", pages, ok, err)
	}
}
