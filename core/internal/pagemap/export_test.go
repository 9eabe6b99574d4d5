package pagemap

import "unsafe"

// Size returns the memory that the map takes on the Go heap, in bytes, the Map itself left out.
func (m *Map) Size() uint64 {
	n := uint64(len(m.words))*uint64(unsafe.Sizeof(word{})) + uint64(cap(m.extents))*uint64(unsafe.Sizeof(extent{}))
	n += m.short.Size() + m.long.Size() + m.longest.Size()
	for i := range m.aligned {
		n += uint64(unsafe.Sizeof(alignedIndex{})) + m.aligned[i].left.Size()
	}
	return n
}
