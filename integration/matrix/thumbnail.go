package matrix

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/guests"
	"github.com/linmem/linmem/integration/inputs"
)

// makesThumbnails has a guest do real work, whose every allocation is the host's heap: pictures of several sizes from a
// photo that the host puts there. They must be the same on all engines, to the byte, and nothing may be left in the heap.
func makesThumbnails(t *testing.T, e engines.Engine) {
	sides := []uint64{1, 97, 160, 800}
	switch {
	case e.Interprets && testing.Short():
		t.Skip("-short leaves it out in an interpreter: with the race detector it takes minutes")
	case e.Interprets:
		sides = sides[:1]
		t.Log("one thumbnail instead of four: each takes seconds in an interpreter")
	}
	ctx := context.Background()
	report, err := guest.Inspect(guests.Thumbnail)
	if err != nil {
		t.Fatal(err)
	}
	inst, stop, err := e.Open(ctx, guests.Thumbnail)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	g, err := guest.Open(ctx, inst, report, guest.WithBind(inst.(engines.Binder).Bind))
	if err != nil {
		t.Fatal(err)
	}
	if g.Plan.Strategy != guest.HeapBase {
		t.Errorf("the plan is %v, want heap-base", g.Plan)
	}
	photo, err := g.Heap.Put(inputs.Photo)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, side := range sides {
		results, err := inst.Call(ctx, "thumbnail", photo, uint64(len(inputs.Photo)), side)
		if err != nil || results[0] == 0 {
			t.Fatalf("thumbnail of %d pixels: %d, %v", side, results, err)
		}
		header, err := g.Heap.View(results[0], 16)
		if err != nil {
			t.Fatal(err)
		}
		word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(header[4*i:])) }
		file, err := g.Heap.View(word(0), word(1))
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.Decode(bytes.NewReader(file))
		if err != nil {
			t.Fatal(err)
		}
		size := picture.Bounds().Size()
		if want := image.Pt(int(word(2)), int(word(3))); size != want || uint64(max(size.X, size.Y)) != side {
			t.Errorf("a thumbnail of %d pixels is one of %v, and says %v", side, size, want)
		}
		lines = append(lines, fmt.Sprintf("%v %d bytes %x", size, len(file), sha256.Sum256(file)))
		if err := g.Heap.Free(results[0]); err != nil {
			t.Fatal(err)
		}
	}
	if !e.Interprets {
		matchesGolden(t, "thumbnail.golden", lines)
	} else if golden := string(readTestdata(t, "thumbnail.golden")); !strings.HasPrefix(golden, lines[0]+"\n") {
		t.Errorf("the thumbnail is %s, want the first of\n%s", lines[0], golden)
	}
	if err := g.Heap.Free(photo); err != nil {
		t.Fatal(err)
	}
	if s := g.Heap.Stats(); s.Allocs != 0 {
		t.Errorf("%d allocations are left", s.Allocs)
	}
	if err := g.Heap.Check(); err != nil {
		t.Error(err)
	}
	if err := g.Verify(); err != nil {
		t.Error(err)
	}
}
