package nativemem

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"

	linmem "github.com/linmem/linmem/core"
	"golang.org/x/sys/unix"
)

func osPageSize() int { return unix.Getpagesize() }

// discardAnonymous relies on what discard does. The system goes through mappings in their order and stops at the first that
// it refuses, so if it takes the first page alone, it has begun; and then the rest must follow.
func discardAnonymous(b []byte) error {
	err := unix.Madvise(b, unix.MADV_DONTNEED)
	if err == nil {
		return nil
	}
	if len(b) > osPageSize() && unix.Madvise(b[:osPageSize()], unix.MADV_DONTNEED) == nil {
		clear(b)
		return nil
	}
	return fmt.Errorf("%w: the system refused to discard the pages: %w", linmem.ErrUnsupported, err)
}

// anonymousIn reads what the kernel has mapped where b is.
func anonymousIn(b []byte) (anonymous spans, err error) {
	err = eachMapping(func(m mapping) {
		if m.isAnonymous() {
			anonymous = anonymous.add(m.in(spanOf(b)))
		}
	})
	return anonymous, err
}

// mapping is a line of /proc/self/maps: see https://man7.org/linux/man-pages/man5/proc_pid_maps.5.html
type mapping struct {
	span
	permissions string // like rw-p
	inode       string
	path        string
}

func (m mapping) isAnonymous() bool {
	return strings.HasPrefix(m.permissions, "rw") && strings.HasSuffix(m.permissions, "p") && m.inode == "0" &&
		(m.path == "" || strings.HasPrefix(m.path, "[anon:"))
}

func (m mapping) isAccessible() bool { return !strings.HasPrefix(m.permissions, "---") }

// eachMapping calls f for each mapping of the process, in ascending order. Other threads may map and unmap meanwhile; what
// is mapped all the time is reported, as a whole or in parts that may overlap.
func eachMapping(f func(mapping)) error {
	maps, err := os.Open("/proc/self/maps")
	if err == nil {
		defer maps.Close()
		err = parseMappings(maps, f)
	}
	if err != nil {
		return fmt.Errorf("%w: there is no telling what is mapped: %w", linmem.ErrUnsupported, err)
	}
	return nil
}

func parseMappings(maps io.Reader, f func(mapping)) error {
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		m, ok := parseMapping(lines.Text())
		if !ok {
			return fmt.Errorf("line %q is not understood", lines.Text())
		}
		f(m)
	}
	return lines.Err()
}

// parseMapping reads a line like
//
//	7f5c4a000000-7f5c4a021000 rw-p 00000000 00:00 0                          [anon:name]
func parseMapping(line string) (m mapping, ok bool) {
	var field [5]string // range, permissions, offset, device, inode; the rest is the path, which may have spaces
	rest := line
	for i := range field {
		field[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	from, to, ok := strings.Cut(field[0], "-")
	start, errStart := strconv.ParseUint(from, 16, 64)
	end, errEnd := strconv.ParseUint(to, 16, 64)
	m = mapping{span{uintptr(start), uintptr(end)}, field[1], field[4], strings.TrimLeft(rest, " ")}
	return m, ok && errors.Join(errStart, errEnd) == nil && len(m.permissions) == 4 && m.inode != ""
}

func fence(b []byte) error {
	if len(b) == 0 {
		return nil
	}
	all := spanOf(b)
	switch err := fenceFree(all); {
	case err == nil:
		return nil
	case !errors.Is(err, unix.EEXIST):
		return err
	}
	var free, taken spans
	next := all.start
	err := eachMapping(func(m mapping) {
		s := m.in(all)
		if s.empty() {
			return
		}
		free = free.add(span{next, s.start})
		next = max(next, s.end)
		if m.isAccessible() {
			taken = append(taken, s)
		}
	})
	if err != nil {
		return err
	}
	for _, s := range free.add(span{next, all.end}) {
		if err := fenceFree(s); errors.Is(err, unix.EEXIST) {
			taken = append(taken, s) // in the meantime
		} else if err != nil {
			return err
		}
	}
	if len(taken) > 0 {
		return fmt.Errorf("%w: the memory has left %v, where %v was mapped by others before it could be fenced: views from before "+
			"see that; fetch views anew after every growth", linmem.ErrCorrupt, all, taken)
	}
	return nil
}

// fenceFree fences addresses that are free. The error is EEXIST if some are not.
func fenceFree(s span) error {
	length := s.end - s.start
	// The address is nobody's, and no pointer of Go's: what matters is the number.
	at, err := unix.MmapPtr(-1, 0, *(*unsafe.Pointer)(unsafe.Pointer(&s.start)), length, unix.PROT_NONE,
		anonymous|unix.MAP_FIXED_NOREPLACE)
	switch {
	case errors.Is(err, unix.EEXIST):
		return err
	case err != nil:
		return fmt.Errorf("%w: the system refused to fence %v: %w", linmem.ErrUnsupported, s, err)
	case uintptr(at) != s.start: // a kernel before 4.17 takes the address for a hint
		_ = unix.MunmapPtr(at, length)
		return fmt.Errorf("%w: Linux can fence since 4.17", linmem.ErrUnsupported)
	}
	return nil
}
