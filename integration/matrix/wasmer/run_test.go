//go:build cgo && (linux || darwin)

// Package wasmer_test runs the matrix on wasmer.
package wasmer_test

import (
	"context"
	"testing"

	"github.com/linmem/linmem/integration/engines/wasmerengine"
	"github.com/linmem/linmem/integration/matrix"
)

func TestMatrix(t *testing.T) {
	matrix.Run(t, "wasmer", wasmerengine.Default())
}

// TestRunsWasmer shows that this binary runs wasmer: wasmtime, whose symbols have the same names, accepts a module with
// two memories, and wasmer refuses it.
func TestRunsWasmer(t *testing.T) {
	twoMemories := []byte("\x00asm\x01\x00\x00\x00" + "\x05\x05\x02\x00\x01\x00\x01" + "\x07\x0a\x01\x06memory\x02\x00")
	if _, stop, err := wasmerengine.Default().Open(context.Background(), twoMemories); err == nil {
		stop()
		t.Error("a module with two memories runs: this is not wasmer, or it has learnt multi-memory")
	}
}
