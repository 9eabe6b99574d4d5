package wazeromem_test

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	linmem "github.com/linmem/linmem/core"

	wazeromem "github.com/linmem/linmem/backends/wazero"
)

// TestStableRefusedBySystem is the real thing, in a process of its own: with 3 GiB of address space left, a memory without a
// maximum gets 2 GiB.
func TestStableRefusedBySystem(t *testing.T) {
	const asked, passed = "LINMEM_TEST_ADDRESS_SPACE", "the limited memory works"
	if os.Getenv(asked) == "" {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestStableRefusedBySystem$", "-test.v")
		cmd.Env = append(os.Environ(), asked+"=1")
		if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), passed) {
			t.Errorf("the process with a limit ends with %v:\n%s", err, out)
		}
		return
	}
	r := newRuntime(t, engines["compiler"])
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = uint64(addressSpace(t)) + 3*gib
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &limit); err != nil {
		t.Fatal(err)
	}
	mod := add(t, r, new(wazeromem.StableMemories), "", growing)
	m := mustNew(t, mod)
	call(t, mod, "grow-by-page", 65535) // whatever it gets
	if got := m.NumPages(); got != 32768 || !m.Stable() {
		t.Fatalf("the memory grows to %d pages, want 32,768; stable: %t", got, m.Stable())
	}
	_, err := m.Grow(1)
	wantError(t, "Grow beyond what the system gave", err, linmem.ErrOutOfMemory)
	b := mustView(t, m, 32768*linmem.PageSize-1, 1)
	b[0] = 9
	if got := mustView(t, m, 32767*linmem.PageSize, linmem.PageSize)[linmem.PageSize-1]; got != 9 {
		t.Errorf("the last byte is %d, want 9", got)
	}
	if !t.Failed() {
		t.Log(passed)
	}
}
