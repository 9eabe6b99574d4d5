//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd || solaris

package nativemem

import "golang.org/x/sys/unix"

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
