package lanes_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/linmem/linmem/core/internal/lanes"
)

// lengths lie at the borders of words and levels, for every fan-out.
var lengths = []uint64{
	1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128, 129, 255, 256, 257, 511, 512, 513, 1025, 4097,
}

func TestTree(t *testing.T) {
	t.Run("Bits8", testTree(lanes.Bits8))
	t.Run("Bits16", testTree(lanes.Bits16))
	t.Run("Bits32", testTree(lanes.Bits32))
}

// testTree holds a tree against an array that is scanned.
func testTree(log2Width uint8) func(t *testing.T) {
	top := uint64(1)<<(1<<log2Width-1) - 1 // a lane's highest bit is kept clear
	return func(t *testing.T) {
		for _, n := range lengths {
			t.Run(fmt.Sprint(n), func(t *testing.T) {
				tree, want := lanes.New(log2Width, n), make([]uint64, n)
				check(t, &tree, want, top)
				r := rand.New(rand.NewPCG(n, 1))
				for step := range 400 {
					i, v := r.Uint64N(n), number(r, top)
					switch {
					case r.IntN(3) == 0:
						tree.Raise(i, v)
						want[i] = max(want[i], v)
					default:
						tree.Set(i, v)
						want[i] = v
					}
					if step%20 == 0 {
						check(t, &tree, want, top)
					}
					at, v := r.Uint64N(n), max(1, number(r, top))
					checkQueries(t, &tree, want, at, v)
				}
				for i := range n { // and back to nothing
					tree.Set(i, 0)
					want[i] = 0
				}
				check(t, &tree, want, top)
			})
		}
	}
}

// number returns a number that a lane holds: none, few, many, all that fit.
func number(r *rand.Rand, top uint64) uint64 {
	switch r.IntN(4) {
	case 0:
		return 0
	case 1:
		return top
	case 2:
		return r.Uint64N(4)
	}
	return r.Uint64N(top + 1)
}

func check(t *testing.T, tree *lanes.Tree, want []uint64, top uint64) {
	t.Helper()
	largest := uint64(0)
	for i, v := range want {
		if got := tree.Get(uint64(i)); got != v {
			t.Fatalf("number %d is %d, want %d", i, got, v)
		}
		largest = max(largest, v)
	}
	if got := tree.Max(); got != largest {
		t.Fatalf("the largest number is %d, want %d", got, largest)
	}
	// Of many places, it asks from some, and from those at the borders of words.
	n := uint64(len(want))
	for at := range n {
		if n > 600 && at%64 > 1 && at%64 < 63 && at%(n/61) != 0 && at+10 < n {
			continue
		}
		for _, v := range []uint64{1, 2, max(1, largest), top} {
			checkQueries(t, tree, want, at, v)
		}
	}
	if _, ok := tree.First(1); ok != (largest > 0) {
		t.Fatalf("First(1) finds something: %v", ok)
	}
	if _, ok := tree.Next(uint64(len(want)), 1); ok {
		t.Fatalf("Next finds something past the end")
	}
}

// checkQueries asks for the first number, the next and the last one, seen from at.
func checkQueries(t *testing.T, tree *lanes.Tree, want []uint64, at, v uint64) {
	t.Helper()
	scan := func(from uint64) (uint64, bool) {
		for i := from; i < uint64(len(want)); i++ {
			if want[i] >= v {
				return i, true
			}
		}
		return 0, false
	}
	i, ok := scan(0)
	if got, gotOK := tree.First(v); got != i || gotOK != ok {
		t.Fatalf("First(%d) = %d, %v, want %d, %v", v, got, gotOK, i, ok)
	}
	i, ok = scan(at)
	if got, gotOK := tree.Next(at, v); got != i || gotOK != ok {
		t.Fatalf("Next(%d, %d) = %d, %v, want %d, %v", at, v, got, gotOK, i, ok)
	}
	last, ok := uint64(0), false
	for i := uint64(0); i <= at; i++ {
		if want[i] > 0 {
			last, ok = i, true
		}
	}
	if got, gotOK := tree.Last(at); got != last || gotOK != ok {
		t.Fatalf("Last(%d) = %d, %v, want %d, %v", at, got, gotOK, last, ok)
	}
}

// A tree of length 0 has nothing to find.
func TestZeroTree(t *testing.T) {
	var tree lanes.Tree
	if got := tree.Max(); got != 0 {
		t.Errorf("the largest number is %d", got)
	}
	if got := tree.Size(); got != 0 {
		t.Errorf("it takes %d bytes", got)
	}
	if _, ok := tree.First(1); ok {
		t.Error("First finds something")
	}
	if _, ok := tree.Next(0, 1); ok {
		t.Error("Next finds something")
	}
	if _, ok := tree.Last(0); ok {
		t.Error("Last finds something")
	}
}

// A tree takes a lane for each number, and one for each word of every level.
func TestSize(t *testing.T) {
	const n = 1 << 20
	tests := []struct {
		log2Width uint8
		want      float64 // bytes a number
	}{
		{lanes.Bits8, 8.0 / 7},
		{lanes.Bits16, 8.0 / 3},
		{lanes.Bits32, 8},
	}
	for _, tt := range tests {
		tree := lanes.New(tt.log2Width, n)
		if got := float64(tree.Size()) / n; got > tt.want || got < tt.want*0.99 {
			t.Errorf("%d bits: %.4f bytes a number, want %.4f", 1<<tt.log2Width, got, tt.want)
		}
	}
}
