package linmemtest

import (
	"fmt"
	"math/bits"
)

type testCase struct {
	name        string
	explanation string // the rule that the case holds
	maxPages    uint64
	run         func(*fixture) error
}

// few is a maximum for cases that need several growths and no more, in a memory that begins with maxStart pages.
const (
	few      = 16
	maxStart = 8
)

// some is a maximum that an allocator can work in.
const some = 64

// all is the size of a full 32-bit memory.
const all = 1 << 16

var cases = []testCase{
	{
		"grow-by-zero", "Grow(0) changes nothing and tells the size, at any size up to the maximum.",
		few, growByZero,
	},
	{
		"grow-from-zero-pages", "A memory of 0 pages grows like any other; Grow then returns 0.",
		few, growFromZeroPages,
	},
	{
		"pages-not-bytes", "NumPages, and Grow's argument and result, count pages of 65,536 bytes.",
		few, pagesNotBytes,
	},
	{
		"refused-growth", "A growth past the maximum is an error that changes nothing, and the next growth works.",
		few, refusedGrowth,
	},
	{
		"exact-maximum", "A memory can have exactly its maximum, and reach its last byte.",
		few, exactMaximum,
	},
	{
		"all-65536-pages", "A memory can have all of a 32-bit address space, where sizes and ends in bytes need 33 bits.",
		all, allPages,
	},
	{
		"delta-overflows-32-bits", "A delta that does not fit in 32 bits is refused, not cut down to what fits.",
		few, deltaOverflows32,
	},
	{
		"delta-overflows-64-bits", "A delta whose sum with the size, or whose bytes, overflow 64 bits is refused.",
		few, deltaOverflows64,
	},
	{
		"guest-growth", "Growth by the guest shows in NumPages and in the size that the next Grow returns.",
		few, guestGrowth,
	},
	{
		"new-pages-are-zero", "Pages that a growth adds read as zero, whatever the others hold.",
		few, newPagesAreZero,
	},
	{
		"contents-are-kept", "A growth keeps every byte, also when it moves the memory.",
		few, contentsAreKept,
	},
	{
		"view-edges", "View reaches every byte up to the end; 0 bytes at the end are an empty slice, not nil.",
		few, viewEdges,
	},
	{
		"view-past-the-end", "View of anything past the end, and of a range that overflows, is ErrOutOfBounds.",
		few, viewPastTheEnd,
	},
	{
		"view-of-zero-pages", "A memory of 0 pages has one view, of 0 bytes at 0.",
		few, viewOfZeroPages,
	},
	{
		"view-aliases", "A view is the memory: what is written through it, other views and the guest see, and the reverse.",
		few, viewAliases,
	},
	{
		"view-after-growth", "A view fetched after a growth, by the host or the guest, is the memory that the guest sees.",
		few, viewAfterGrowth,
	},
	{
		"view-life", "A view lives until the memory grows; a growth by 0, one that is refused and a look at the size end none.",
		few, viewLife,
	},
	{
		"discard", "A Discarder's range reads as zero and its neighbors are kept; it must be whole pages of the memory.",
		few, discard,
	},
	{
		"pages-on-it", "An allocator of pages on this memory gives out disjoint pages and none of the guest's.",
		some, pagesOnIt,
	},
	{
		"use-after-stop", "Once the owner is closed, NumPages is 0 and every call reports ErrClosed; none panics.",
		few, useAfterStop,
	},
}

// needs says what a case needs and is not to have, or "".
func (c testCase) needs(cfg Config) string {
	switch {
	case cfg.MaxPages != 0 && c.maxPages > cfg.MaxPages:
		return fmt.Sprintf("Config.MaxPages is %d, and the case needs %d", cfg.MaxPages, c.maxPages)
	case c.maxPages < all:
		return ""
	case bits.UintSize == 32:
		return "a 32-bit host cannot address 65,536 pages"
	case raceDetector:
		return "the race detector's own memory for 65,536 pages on the Go heap is 16 GiB"
	}
	return ""
}
