//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd || solaris

package nativemem

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// anonymous makes a mapping that belongs to no file, and counts against no limit on swap before it is used.
const anonymous = unix.MAP_PRIVATE | unix.MAP_ANON | noReserve

func reserve(n int) ([]byte, error) {
	return unix.Mmap(-1, 0, n, unix.PROT_NONE, anonymous)
}

func commit(b []byte) error {
	return unix.Mprotect(b, unix.PROT_READ|unix.PROT_WRITE)
}

func release(b []byte) error {
	return unix.Munmap(b)
}

// revoke maps anew, which drops the old pages too.
func revoke(b []byte) error {
	base := unsafe.Pointer(unsafe.SliceData(b))
	_, err := unix.MmapPtr(-1, 0, base, uintptr(len(b)), unix.PROT_NONE, anonymous|unix.MAP_FIXED)
	return err
}
