package heaps

import "encoding/binary"

// digest is what the guests' functions of this name compute: the sum of the words of 8 bytes, and then of the bytes that are
// left, times 1, 3, 5 and so on.
func digest(data []byte) (sum uint64) {
	factor := uint64(1)
	for ; len(data) >= 8; data = data[8:] {
		sum += binary.LittleEndian.Uint64(data) * factor
		factor += 2
	}
	for _, b := range data {
		sum += uint64(b) * factor
		factor += 2
	}
	return sum
}
