package wazeromem_test

import (
	"errors"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/linmemtest"
)

// TestLastPage holds what the package doc says of the 65,536th page: that a guest in the compiler cannot use its memory
// any more once it has it, and that a stable memory stops before. If the guest can use it, the limit can go.
func TestLastPage(t *testing.T) {
	needsCompiler(t)
	v := variants()["compiler-stable"]
	inst := v.mustOpen(t, linmemtest.Module(65534, 65536))
	if _, err := inst.Memory().Grow(2); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Fatalf("Grow to 65,536 pages: %v, want ErrOutOfMemory", err)
	}
	if prev, err := inst.Memory().Grow(1); prev != 65534 || err != nil {
		t.Fatalf("Grow to 65,535 pages = %d, %v", prev, err)
	}
	if _, err := inst.Call(t.Context(), "load", 0); err != nil {
		t.Errorf("the guest loads a byte of 65,535 pages: %v", err)
	}
	if err := inst.LimitPages(1 << 40); err != nil {
		t.Fatal(err)
	}
	if _, err := inst.Memory().Grow(1); !errors.Is(err, linmem.ErrOutOfMemory) {
		t.Errorf("Grow to 65,536 pages without a limit: %v, want ErrOutOfMemory", err)
	}

	inst = variants()["compiler-capacity"].mustOpen(t, linmemtest.Module(65535, 65536))
	if _, err := inst.Memory().Grow(1); err != nil {
		t.Fatal(err)
	}
	if _, err := inst.Call(t.Context(), "load", 0); err == nil {
		t.Error("the guest can use 65,536 pages: wazero has mended it, so let memories have them")
	}
}
