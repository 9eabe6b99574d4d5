//go:build !linux

package nativemem

import (
	"fmt"
	"os"

	linmem "github.com/linmem/linmem/core"
)

var errOnlyLinux = fmt.Errorf("%w: only Linux tells what is mapped where", linmem.ErrUnsupported)

func osPageSize() int { return os.Getpagesize() }

func discardAnonymous([]byte) error { return errOnlyLinux }

func anonymousIn([]byte) (spans, error) { return nil, errOnlyLinux }

func fence([]byte) error { return errOnlyLinux }
