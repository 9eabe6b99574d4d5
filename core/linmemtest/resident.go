package linmemtest

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
)

// Resident returns how many bytes of physical memory are behind the mappings that b lies in, as Linux counts them in
// /proc/self/smaps: for tests of a [linmem.Discarder], to see that it goes down. On other systems it is
// [linmem.ErrUnsupported]. The cost is to read that file, a millisecond or so.
func Resident(b []byte) (nBytes uint64, err error) {
	fail := func(err error) (uint64, error) {
		return 0, &linmem.Error{Op: "linmemtest.Resident", Size: uint64(len(b)), Err: err}
	}
	f, err := os.Open("/proc/self/smaps")
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", linmem.ErrUnsupported, err)
	}
	if err != nil {
		return fail(err)
	}
	defer func() { _ = f.Close() }()
	start := uint64(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	end := start + uint64(len(b))
	inside, found := false, false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		var from, to, kib uint64
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x ", &from, &to); err == nil {
			inside = from < end && start < to
			found = found || inside
		} else if _, err := fmt.Sscanf(lines.Text(), "Rss: %d kB", &kib); err == nil && inside {
			nBytes += kib << 10
		}
	}
	if err := lines.Err(); err != nil {
		return fail(err)
	}
	if !found {
		return fail(fmt.Errorf("%w: nothing is mapped there", linmem.ErrOutOfBounds))
	}
	return nBytes, nil
}
