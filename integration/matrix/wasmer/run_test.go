// Package wasmer_test runs the matrix on wasmer.
package wasmer_test

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wasmerengine"
	"github.com/linmem/linmem/integration/matrix"
)

var list = []engines.Engine{wasmerengine.Default()}

func TestMain(m *testing.M) { os.Exit(matrix.Main(m)) }

func TestMatrix(t *testing.T) { matrix.Run(t, list...) }

// TestRefusesLargeMemories holds that a memory which would have wasmer end the process is an error, exported or not.
func TestRefusesLargeMemories(t *testing.T) {
	if why := list[0].LeftOut; why != "" {
		t.Skipf("wasmer is left out of this build: %s", why)
	}
	const memory = "\x00asm\x01\x00\x00\x00" + "\x05\x05\x01\x00\x80\x80\x04" // of 65,536 pages
	for _, module := range []string{memory, memory + "\x07\x0a\x01\x06memory\x02\x00"} {
		_, stop, err := list[0].Open(context.Background(), []byte(module))
		if err == nil {
			stop()
		}
		if err == nil || !strings.Contains(err.Error(), "65536 pages") {
			t.Errorf("a memory of 65,536 pages: %v", err)
		}
	}
}

// TestRunsWasmer shows that this binary runs wasmer: wasmtime, whose symbols have the same names, accepts a module with
// two memories, and wasmer refuses it.
func TestRunsWasmer(t *testing.T) {
	if why := list[0].LeftOut; why != "" {
		t.Skipf("wasmer is left out of this build: %s", why)
	}
	const header, export = "\x00asm\x01\x00\x00\x00", "\x07\x0a\x01\x06memory\x02\x00"
	one := header + "\x05\x03\x01\x00\x01" + export
	two := header + "\x05\x05\x02\x00\x01\x00\x01" + export
	if _, stop, err := list[0].Open(context.Background(), []byte(one)); err != nil {
		t.Errorf("the module with one memory: %v", err)
	} else {
		stop()
	}
	_, stop, err := list[0].Open(context.Background(), []byte(two))
	if err == nil {
		stop()
		t.Fatal("a module with two memories runs: this is not wasmer, or it has learned multi-memory")
	}
	if !strings.Contains(err.Error(), "multiple memories") {
		t.Errorf("the module with two memories is refused for another reason: %v", err)
	}
}

func BenchmarkPool(b *testing.B) { matrix.RunPoolBenchmarks(b, list...) }
