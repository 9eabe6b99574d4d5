package compareheaps

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
)

// commandPath is the import path of the commands' parent.
const commandPath = "github.com/linmem/linmem/integration/cmd/"

// start runs another program, through go run, with the same flags. So it works in a checkout only.
func start(ctx context.Context, name string, args []string, stderr io.Writer) (r report, err error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", commandPath + name, "-json"}, args...)...)
	var stdout bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, stderr
	if err := cmd.Run(); err != nil {
		return report{}, fmt.Errorf("%s: %w", name, err)
	}
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		return report{}, fmt.Errorf("%s gave no answer that makes sense: %w", name, err)
	}
	return r, nil
}
