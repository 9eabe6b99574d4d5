package linmem

import "math/bits"

const (
	// A unit is what spans and runs consist of. 64 units are a page, so that a word of a page map tells whether a page is all
	// free; and rounding up to units costs at most 12.5 % above maxSlot.
	unitShift    = 10
	unitSize     = 1 << unitShift
	unitsPerPage = PageSize / unitSize

	// maxSlot is the largest size that slots are made for. Larger allocations are runs of units.
	maxSlot = 1 << maxSlotBits

	maxSlotBits = unitShift + 3

	// maxSlots is the number of slots in a span at most: as many as a word has bits.
	maxSlots = 64

	// maxSpan is the largest span, in units.
	maxSpan = 64

	minAlign = 16 // of all slots
)

// classID names what a unit belongs to.
type classID uint8

const (
	classNone  classID = iota // nothing, or the inside of a run
	classRun                  // an allocation of whole units
	classChunk                // likewise, of an arena
	classSlots                // the first of the size classes: 16 bytes

	// numSmallClasses have sizes in steps of 16 bytes up to 128. Then 8 classes follow for each time that the size doubles.
	numSmallClasses = 8
	numClasses      = int(classSlots) + numSmallClasses + 6*8

	// maxClasses is a power of two, so that an index that is cut to it needs no check.
	maxClasses = 64
)

// Classes are looked up by the size in steps of 16 bytes up to 1 KiB, and of 128 bytes above.
const (
	fineShift   = 4
	coarseShift = 7
	maxFine     = 1024
)

// sizeTables are derived from the constants above.
type sizeTables struct {
	fine   [maxFine>>fineShift + 1]classID
	coarse [maxSlot>>coarseShift + 1]classID
	sizes  [maxClasses]uint64
	magics [maxClasses]uint64

	// spans holds how many units a span has in a class that wants about 1<<i new slots: see spanUnits.
	spans [maxClasses][spanLevels]uint8
}

// spanLevels is the number of powers of two up to maxSlots.
const spanLevels = 7

var tables = makeSizeTables()

func makeSizeTables() (t sizeTables) {
	id := classSlots
	for size := uint64(minAlign); size <= maxSlot; id++ {
		t.sizes[id] = size
		t.magics[id] = 1<<32/size + 1
		for level := range spanLevels {
			t.spans[id][level] = spanUnits(size, 1<<level)
		}
		size += max(minAlign, uint64(1)<<(bits.Len64(size)-1)/8)
	}
	t.fill(t.fine[:], fineShift)
	t.fill(t.coarse[:], coarseShift)
	return t
}

// fill has each element of a table hold the least class for the size that its index stands for.
func (t *sizeTables) fill(table []classID, shift uint) {
	id := classSlots
	for i := range table {
		for t.sizes[id] < uint64(i)<<shift {
			id++
		}
		table[i] = id
	}
}

// spanUnits returns the number of units of the span that wastes the smallest part of itself at its end, among those of up to
// want slots, or if a unit holds more of them, of one unit. Of equal ones it is the largest.
func spanUnits(size, want uint64) (units uint8) {
	least := (size + unitSize - 1) / unitSize
	best, bestSlots := least, slotsIn(least, size)
	for n := least + 1; n <= maxSpan; n++ {
		slots := slotsIn(n, size)
		if slots > want {
			break
		}
		// slots/n is what is used of a span, per unit.
		if slots*best >= bestSlots*n {
			best, bestSlots = n, slots
		}
	}
	return uint8(best)
}

// slotsIn returns the number of slots in a span.
func slotsIn(units, size uint64) uint64 { return min(units*unitSize/size, maxSlots) }

// classFor returns the least class that holds size bytes, maxSlot at most.
func classFor(size uint64) classID {
	if size <= maxFine {
		return tables.fine[(size+1<<fineShift-1)>>fineShift]
	}
	return tables.coarse[(size+1<<coarseShift-1)>>coarseShift]
}

// placeFor returns the least class that holds size bytes, or classRun.
func placeFor(size uint64) classID {
	if size > maxSlot {
		return classRun
	}
	return classFor(size)
}

// alignedClassFor returns the least class that holds size bytes in slots that are all aligned, or classRun if there is none.
// For alignments up to a unit the last class would always do.
func alignedClassFor(size, align uint64) classID {
	if size > maxSlot || align > unitSize {
		return classRun
	}
	if size = (size + align - 1) &^ (align - 1); size > maxSlot {
		return classRun
	}
	id := classFor(size)
	for tables.sizes[id]&(align-1) != 0 {
		id++
	}
	return id
}

// unitsFor returns how many units hold size bytes.
func unitsFor(size uint64) uint64 {
	return max(1, size>>unitShift+(size&(unitSize-1)+unitSize-1)>>unitShift)
}
