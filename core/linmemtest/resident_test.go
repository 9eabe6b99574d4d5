package linmemtest_test

import (
	"errors"
	"runtime"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

func TestResident(t *testing.T) {
	b := make([]byte, 8<<20)
	for i := range b {
		b[i] = 1
	}
	n, err := linmemtest.Resident(b)
	if runtime.GOOS != "linux" {
		if !errors.Is(err, linmem.ErrUnsupported) {
			t.Errorf("Resident: %v, want ErrUnsupported", err)
		}
		return
	}
	if err != nil || n < uint64(len(b)) {
		t.Errorf("%d bytes are resident of %d that were written: %v", n, len(b), err)
	}
	if _, err := linmemtest.Resident(nil); !errors.Is(err, linmem.ErrOutOfBounds) {
		t.Errorf("Resident of nothing: %v, want ErrOutOfBounds", err)
	}
	runtime.KeepAlive(b)
}
