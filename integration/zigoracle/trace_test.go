package zigoracle

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/engines/wazeroengine"
)

var update = flag.Bool("update", false, "write the traces of package zigref anew, from what the originals do")

// TestTraces holds that the traces which package zigref is tested against without any runtime are what the originals do.
func TestTraces(t *testing.T) {
	for _, a := range Allocators {
		t.Run(a.Name, func(t *testing.T) {
			var b strings.Builder
			for i, s := range []Shape{{1, 40}, {1, 300}, {2040, 2300}} {
				p, stop, err := openPair(t.Context(), wazeroengine.Compiler().Open, a, s)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&b, "memory %d %d\n", s.Pages, s.MaxPages)
				c := random{rand.New(rand.NewPCG(2026, uint64(i)))}
				err = p.stream(t.Context(), c, 600, func(line string) { fmt.Fprintln(&b, line) })
				stop()
				if err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join("..", "..", "core", "zigref", "testdata", a.Name+".trace")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("%s is not what the original does: write it anew with -update, and test zigref against it", path)
			}
		})
	}
}
