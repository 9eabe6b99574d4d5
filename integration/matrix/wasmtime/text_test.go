//go:build cgo

package wasmtime_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/bytecodealliance/wasmtime-go/v44"
	"github.com/linmem/linmem/integration/guests"
)

// TestTextGuests holds the binaries of the guests in the text format to what wasmtime makes of the text. With -update it
// writes them.
func TestTextGuests(t *testing.T) {
	for _, g := range guests.Texts() {
		t.Run(g.Name, func(t *testing.T) {
			wasm, err := wasmtime.Wat2Wasm(g.Source)
			switch {
			case err != nil:
				t.Fatal(err)
			case flag.Lookup("update").Value.String() == "true":
				path := filepath.Join("../../guests/wasm", g.Name+".wasm")
				if err := os.WriteFile(path, wasm, 0o644); err != nil {
					t.Fatal(err)
				}
			case !bytes.Equal(wasm, g.Wasm):
				t.Errorf("wasm/%s.wasm is not what its text is assembled to: go test ./integration/matrix/wasmtime -run TestTextGuests -update", g.Name)
			}
		})
	}
}
