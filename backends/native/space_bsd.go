//go:build darwin || dragonfly || freebsd || netbsd || openbsd || solaris

package nativemem

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// discard maps fresh pages over the old ones. MADV_DONTNEED is only a hint on these systems, after which the pages may
// well keep their contents; and to clear them first and pass MADV_FREE would touch every page of a range that may never
// have been touched.
//
// A mapping that fails may have removed the old one, and another may be there by now, so the range counts as lost.
func discard(b []byte) error {
	const readWrite = unix.PROT_READ | unix.PROT_WRITE
	base := unsafe.Pointer(unsafe.SliceData(b))
	if _, err := unix.MmapPtr(-1, 0, base, uintptr(len(b)), readWrite, anonymous|unix.MAP_FIXED); err != nil {
		return fmt.Errorf("%w: %w", errHole, err)
	}
	return nil
}
