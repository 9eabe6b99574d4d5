package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// commandPath is the import path of the commands' parent.
const commandPath = "github.com/linmem/linmem/integration/cmd/"

// runSibling has another program of the family do the job on a backend that this one does not have.
func (c *runCommand) runSibling(ctx context.Context, j *job, backend string) (report, error) {
	name := c.program.Name + "-" + backend
	cmd, err := siblingCommand(ctx, name)
	if err != nil {
		return report{}, err
	}
	cmd.Args = append(cmd.Args, "run", "--json", "--backend", backend)
	if c.verbose {
		cmd.Args = append(cmd.Args, "--verbose")
	}
	if c.in != "" {
		cmd.Args = append(cmd.Args, "--in", c.in)
	}
	if c.in == "-" {
		cmd.Stdin = bytes.NewReader(j.input.data)
	}
	if j.guest != guestSHA256 {
		cmd.Args = append(cmd.Args, "--guest", j.guest, "--func", j.fn)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr

	slow := time.AfterFunc(3*time.Second, func() {
		if building(cmd) {
			fmt.Fprintf(c.stderr, "%s: go builds %s; the first link takes about a minute\n", c.program.Name, name)
		}
	})
	err = cmd.Run()
	slow.Stop()
	if c.verbose {
		_, _ = c.stderr.Write(stderr.Bytes())
	}

	var r report
	if json.Unmarshal(stdout.Bytes(), &r) != nil {
		if ctx.Err() != nil {
			return r, failed("%s: %v", name, context.Cause(ctx))
		}
		return r, siblingFailed(cmd, name, stderr.String(), err)
	}
	if r.Error != "" {
		return r, &exitError{r.ExitCode, r.Error}
	}
	return r, nil
}

// siblingCommand returns the way to start a sibling: the program beside this one, or on PATH, or else, in a checkout,
// through go run.
func siblingCommand(ctx context.Context, name string) (*exec.Cmd, error) {
	file := name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), file); isFile(beside) {
			return exec.CommandContext(ctx, beside), nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return exec.CommandContext(ctx, path), nil
	}
	pkg := commandPath + name
	if _, err := exec.LookPath("go"); err == nil {
		if exec.CommandContext(ctx, "go", "list", pkg).Run() == nil {
			return exec.CommandContext(ctx, "go", "run", pkg), nil
		}
	}
	return nil, failed("%s is neither beside this program nor on PATH: in a checkout of linmem, run go build -o %s ./integration/cmd/%s",
		name, filepath.Join("DIR-ON-PATH", file), name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

// building reports whether the command goes through go run.
func building(cmd *exec.Cmd) bool {
	return strings.TrimSuffix(filepath.Base(cmd.Path), ".exe") == "go"
}

// siblingFailed explains a sibling that gave no answer: it did not build, did not start, or crashed.
func siblingFailed(cmd *exec.Cmd, name, stderr string, err error) error {
	reason := "it gave no answer"
	if err != nil {
		reason = err.Error()
	}
	// The first line of a compiler or of a crash says what it is about; go's own begin with # and name the package.
	for _, line := range strings.Split(stderr, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			reason = line
			break
		}
	}
	if building(cmd) {
		return failed("%s cannot be built or run: %s: see go build %s%s", name, reason, commandPath, name)
	}
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &exit) {
		return failed("%s: %s (%v)", cmd.Path, reason, exit)
	}
	return failed("%s cannot be started: %s", cmd.Path, reason)
}
