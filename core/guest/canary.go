package guest

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"math/rand/v2"

	linmem "github.com/linmem/linmem/core"
)

// canaries are bytes of the host's that nobody may write to, around its regions. A guest that takes a region for its own,
// or overruns a block of its own that lies before or behind one, comes to them first.
type canaries struct {
	mem    linmem.Memory
	key    uint64 // so that no guest can know them, nor what a former run left pass for them
	ranges []byteRange
}

// byteRange is a range of addresses.
type byteRange struct{ addr, end uint64 }

// overlaps reports whether two ranges have a byte in common.
func (r byteRange) overlaps(other byteRange) bool { return r.addr < other.end && other.addr < r.end }

func (r byteRange) String() string { return fmt.Sprintf("[%#x, %#x)", r.addr, r.end) }

func pagesOf(r linmem.Range) byteRange { return byteRange{r.Addr(), r.End().Addr()} }

func newCanaries(mem linmem.Memory) *canaries { return &canaries{mem: mem, key: rand.Uint64()} }

// add writes canaries to a range. The guest, and those who lent the range to the host, have no use for its bytes.
func (c *canaries) add(r byteRange) error {
	b, err := c.mem.View(r.addr, r.end-r.addr)
	if err != nil {
		return err
	}
	for at := r.addr; len(b) > 0; at += 8 {
		word := c.word(at)
		b = b[copy(b, word[:]):]
	}
	c.ranges = append(c.ranges, r)
	return nil
}

// verify returns the first range that was written to, and where. Its cost is one look at each byte.
func (c *canaries) verify() (damaged byteRange, addr uint64, err error) {
	for _, r := range c.ranges {
		b, err := c.mem.View(r.addr, r.end-r.addr)
		if err != nil {
			return r, r.addr, err
		}
		for at := r.addr; len(b) > 0; at += 8 {
			want := c.value(at)
			if len(b) >= 8 && binary.LittleEndian.Uint64(b) == want {
				b = b[8:]
				continue
			}
			word := c.word(at)
			n := min(len(b), len(word))
			for i := range n {
				if b[i] != word[i] {
					return r, at + uint64(i), errDamaged
				}
			}
			b = b[n:]
		}
	}
	return byteRange{}, 0, nil
}

var errDamaged = fmt.Errorf("%w: a canary was written over: the guest has taken this memory for its own, or a block was overrun",
	linmem.ErrCorrupt)

// value is what the eight bytes at an address hold. They differ from one address to the next, so that a copy of canaries is
// none.
func (c *canaries) value(addr uint64) uint64 {
	const golden = 0x9e3779b97f4a7c15 // 2^64 divided by the golden ratio, of Fibonacci hashing
	hi, lo := bits.Mul64(addr^c.key, golden)
	return hi ^ lo
}

func (c *canaries) word(addr uint64) (b [8]byte) {
	binary.LittleEndian.PutUint64(b[:], c.value(addr))
	return b
}
