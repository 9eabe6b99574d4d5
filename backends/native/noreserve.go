//go:build linux || darwin || dragonfly || netbsd || openbsd || solaris

package nativemem

import "golang.org/x/sys/unix"

const noReserve = unix.MAP_NORESERVE
