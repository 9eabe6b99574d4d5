package bench

import "runtime"

// Metadata returns how many bytes of the Go heap an allocator holds for each page of a memory that is full of runs of one
// page, once the garbage is gone. It collects twice, and nothing else should allocate meanwhile.
//
// zigref holds 256 bytes, whatever the memory, and its bitmap of one page in the guest.
func Metadata(k Kind, pages uint64) (bytesPerPage float64, err error) {
	before := liveBytes()
	o, err := k.Open(pages)
	if err != nil {
		return 0, err
	}
	defer func() { _ = o.Close() }()
	for range pages - 1 {
		if _, err := o.Alloc(1, 0); err != nil {
			return 0, err
		}
	}
	after := liveBytes()
	runtime.KeepAlive(o)
	return float64(after-before) / float64(pages), nil
}

func liveBytes() int64 {
	runtime.GC()
	runtime.GC() // what the first one swept late
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
