package pagemap

import (
	"math/rand/v2"
	"testing"
)

// runsOfSlow is runsOf, bit by bit.
func runsOfSlow(x, n uint64) (starts uint64) {
	for i := uint64(0); i+n <= wordBits; i++ {
		if onesFrom(x, i) >= n {
			starts |= 1 << i
		}
	}
	return starts
}

// longestOnesSlow is longestOnes, bit by bit.
func longestOnesSlow(x, at uint64) (n uint64) {
	for i := range uint64(wordBits) {
		if at>>i&1 != 0 {
			n = max(n, onesFrom(x, i))
		}
	}
	return n
}

// onesFrom returns the number of ones from bit i on.
func onesFrom(x, i uint64) (n uint64) {
	for ; i < wordBits && x>>i&1 != 0; i++ {
		n++
	}
	return n
}

// checkWord compares what is found in a word with what a loop finds.
func checkWord(t *testing.T, x, at uint64) {
	t.Helper()
	for n := uint64(1); n <= wordBits; n++ {
		if got, want := runsOf(x, n), runsOfSlow(x, n); got != want {
			t.Fatalf("runsOf(%#x, %d) = %#x, want %#x", x, n, got, want)
		}
	}
	for _, at := range append(alignedBits[:], x, at) {
		if got, want := longestOnes(x, at), longestOnesSlow(x, at); got != want {
			t.Fatalf("longestOnes(%#x, %#x) = %d, want %d", x, at, got, want)
		}
	}
	zeros, low, high := uint64(0), onesFrom(x, 0), uint64(0)
	for zeros < wordBits && x>>zeros&1 == 0 {
		zeros++
	}
	for high < wordBits && x>>(63-high)&1 != 0 {
		high++
	}
	if trailingZeros(x) != zeros || trailingOnes(x) != low || leadingOnes(x) != high {
		t.Fatalf("%#x has %d zeros and %d ones at its low end, %d ones at its high end; want %d, %d, %d",
			x, trailingZeros(x), trailingOnes(x), leadingOnes(x), zeros, low, high)
	}
}

// Words of one run, of every start and length, and their complements.
func TestWordsOfOneRun(t *testing.T) {
	checkWord(t, 0, 0)
	for start := range uint64(wordBits) {
		for n := uint64(1); start+n <= wordBits; n++ {
			x := ^uint64(0) >> (wordBits - n) << start
			checkWord(t, x, 1<<start)
			checkWord(t, ^x, 1<<(start/2))
		}
	}
}

// Words of two runs: one of every start and length, and another of every length that goes with it, at the top.
func TestWordsOfTwoRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("half a million words are too many")
	}
	for start := range uint64(wordBits) {
		for n := uint64(1); start+n < wordBits-1; n += 1 + n/8 {
			for top := uint64(1); start+n+top < wordBits; top++ {
				checkWord(t, ^uint64(0)>>(wordBits-n)<<start|^uint64(0)<<(wordBits-top), 1<<start)
			}
		}
	}
}

// Random words, dense ones and sparse ones.
func TestRandomWords(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		x, y := r.Uint64(), r.Uint64()
		for _, x := range []uint64{x, x | y, x & y, x | y | r.Uint64(), x | ^uint64(0)<<r.UintN(64), x | y | x<<1 | y>>1} {
			checkWord(t, x, r.Uint64()&r.Uint64())
		}
	}
}
