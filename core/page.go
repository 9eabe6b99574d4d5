package linmem

import "fmt"

// PageSize is the number of bytes in a WebAssembly page.
const PageSize = 1 << pageShift

const (
	pageShift = 16

	// maxPages is the size of a 64-bit address space: 2^48 pages of 2^16 bytes.
	maxPages = 1 << (64 - pageShift)
)

// Page is the index of a page in a linear memory.
type Page uint64

// Addr returns the byte offset of the page's first byte.
func (p Page) Addr() uint64 { return uint64(p) << pageShift }

// Range is a run of consecutive pages. The zero Range is empty.
type Range struct {
	Start Page
	Len   uint64 // pages
}

// End returns the first page past the range.
func (r Range) End() Page { return r.Start + Page(r.Len) }

// Addr returns the byte offset of the range's first byte.
func (r Range) Addr() uint64 { return r.Start.Addr() }

// Bytes returns the length of the range in bytes.
func (r Range) Bytes() uint64 { return r.Len << pageShift }

// String returns the range as a half-open interval of page indices.
func (r Range) String() string {
	return fmt.Sprintf("[%d,%d)", r.Start, r.End())
}

// inSpace reports whether the range is non-empty and lies inside a 64-bit address space, so that its End does not
// overflow.
func (r Range) inSpace() bool {
	return r.Len-1 < maxPages && uint64(r.Start) <= maxPages-r.Len
}

// pagesToBytes converts a number of pages to bytes. It saturates, since it is used to report sizes that a caller
// asked for.
func pagesToBytes(n uint64) uint64 {
	if n >= maxPages {
		return 1<<64 - 1
	}
	return n << pageShift
}
