package nativemem

import "golang.org/x/sys/unix"

// discard relies on what Linux promises of a private anonymous mapping: the next access finds pages of zeroes. See
// https://man7.org/linux/man-pages/man2/madvise.2.html
func discard(b []byte) error {
	return unix.Madvise(b, unix.MADV_DONTNEED)
}
