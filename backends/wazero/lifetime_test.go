package wazeromem_test

import (
	"bytes"
	"os"
	"os/exec"
	"testing"

	"github.com/linmem/linmem/core/linmemtest"
)

func TestLifetimes(t *testing.T) {
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) { linmemtest.RunLifetimes(t, v.openGuest) })
	}
}

// TestUnderTheCollector runs what uses memories in a process of its own, whose collector runs all the time: so memories that
// are given back by the collector are, if they can be.
func TestUnderTheCollector(t *testing.T) {
	const tests = "^(TestLifetimes|TestConformance|TestInstance|TestAllocator.*|TestStable.*)$"
	if os.Getenv("GOGC") == "1" {
		t.Skip("this is that process")
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", tests, "-test.v")
	cmd.Env = append(os.Environ(), "GOGC=1")
	output, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(output, []byte("--- PASS: TestLifetimes/compiler-stable/heap-kept")) {
		t.Errorf("%v, with GOGC=1:\n%s", err, output)
	}
}
