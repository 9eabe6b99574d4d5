package cli_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/linmem/linmem/integration/engines"
	"github.com/linmem/linmem/integration/engines/wazeroengine"
	"github.com/linmem/linmem/integration/internal/cli"
)

var program = cli.Program{Name: "linmem", Engines: []engines.Engine{wazeroengine.Default()}}

// run runs the program as the command line would.
func run(p cli.Program, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = p.Run(context.Background(), args, strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}

// write makes a file and returns its path.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
