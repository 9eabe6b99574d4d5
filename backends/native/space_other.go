//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd || solaris || windows)

package nativemem

import (
	"fmt"
	"runtime"

	linmem "github.com/linmem/linmem/core"
)

// AIX is among these although it has mmap: it does not map over what is mapped (see mem_aix.go in Go's runtime), so
// nothing there makes a range read as zero at once.

// reserve turns the panic of a length beyond the address space into an error. What the address space holds, but the
// machine does not, ends the program; no recover helps.
func reserve(n int) (b []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = r.(runtime.Error)
		}
	}()
	return make([]byte, n), nil
}

func commit([]byte) error { return nil }

func discard(b []byte) error {
	clear(b)
	return nil
}

func release([]byte) error { return nil }

func revoke([]byte) error {
	return fmt.Errorf("%w: memory cannot be taken away here", linmem.ErrUnsupported)
}
