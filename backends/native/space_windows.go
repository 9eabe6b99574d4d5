package nativemem

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/windows"
)

func reserve(n int) ([]byte, error) {
	addr, err := windows.VirtualAlloc(0, uintptr(n), windows.MEM_RESERVE, windows.PAGE_NOACCESS)
	if err != nil {
		return nil, err
	}
	// The detour is for vet, which suspects every conversion from uintptr. This address is not the Go heap's.
	return unsafe.Slice(*(**byte)(unsafe.Pointer(&addr)), n), nil
}

func commit(b []byte) error {
	_, err := windows.VirtualAlloc(base(b), uintptr(len(b)), windows.MEM_COMMIT, windows.PAGE_READWRITE)
	return err
}

// discard takes two steps, as Windows has no way to zero committed pages without touching them: after MEM_RESET and
// DiscardVirtualMemory they may hold anything.
func discard(b []byte) error {
	if err := windows.VirtualFree(base(b), uintptr(len(b)), windows.MEM_DECOMMIT); err != nil {
		return err
	}
	if err := commit(b); err != nil {
		return fmt.Errorf("%w: the pages could not be committed again: %w", errHole, err)
	}
	return nil
}

func release(b []byte) error {
	return windows.VirtualFree(base(b), 0, windows.MEM_RELEASE)
}

func revoke(b []byte) error {
	return windows.VirtualFree(base(b), uintptr(len(b)), windows.MEM_DECOMMIT)
}

func base(b []byte) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(b))) }
