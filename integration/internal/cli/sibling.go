package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// commandPath is the import path of the commands' parent.
const commandPath = "github.com/linmem/linmem/integration/cmd/"

// answer is what a sibling prints: a result, or why there is none, or both.
type answer interface {
	why() *failure
	hasResult() bool
}

func (f *failure) why() *failure { return f }

// ask has another program of the family run a command on a backend that this one does not have, and decodes its answer. An
// error in the answer is returned. What the sibling logs goes to log.
func (i *invocation) ask(
	ctx context.Context, backend string, a answer, log io.Writer, command string, args ...string,
) error {
	s, err := findSibling(ctx, i.program.Name+"-"+backend)
	if err != nil {
		return err
	}
	cmd := s.command(ctx, append([]string{command, "--json", "--backend", backend}, args...))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	why := "%s is at work"
	if s.goes {
		why = "go builds and runs %s, which may take a minute the first time"
	}
	done := i.announce(why, s.name)
	err = cmd.Run()
	done()
	_, _ = log.Write(stderr.Bytes())

	decodeErr := json.NewDecoder(&stdout).Decode(a)
	switch why := a.why(); {
	case ctx.Err() != nil:
		return failed("interrupted")
	case decodeErr != nil || why.Backend != backend:
		return s.gaveNoAnswer(stderr.String(), err)
	case why.Error != "":
		return &exitError{max(why.ExitCode, exitFailed), why.Error}
	case err != nil || !a.hasResult():
		return s.gaveNoAnswer(stderr.String(), err)
	}
	return nil
}

// sibling is a way to start another program of the family.
type sibling struct {
	name string
	path string // of the program, or of the go command
	goes bool   // through go run
}

// findSibling looks beside this program and on PATH, and falls back to go run in a checkout.
func findSibling(ctx context.Context, name string) (sibling, error) {
	file := name
	if runtime.GOOS == "windows" {
		file += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), file); isFile(beside) {
			return sibling{name: name, path: beside}, nil
		}
	}
	if path, err := exec.LookPath(name); err == nil {
		return sibling{name: name, path: path}, nil
	}
	if path, err := exec.LookPath("go"); err == nil {
		if exec.CommandContext(ctx, path, "list", commandPath+name).Run() == nil {
			return sibling{name: name, path: path, goes: true}, nil
		}
	}
	return sibling{}, failed("%s is neither beside this program nor on PATH, and this folder is no checkout of linmem to run it"+
		" from with Go: in a checkout, go build -o %s ./integration/cmd/%s", name, filepath.Join("DIR-ON-PATH", file), name)
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func (s sibling) command(ctx context.Context, args []string) *exec.Cmd {
	if s.goes {
		args = append([]string{"run", commandPath + s.name}, args...)
	}
	cmd := exec.CommandContext(ctx, s.path, args...)
	stopWithChildren(cmd)
	cmd.WaitDelay = time.Second
	return cmd
}

// gaveNoAnswer explains a sibling that did not build, did not start, or crashed.
func (s sibling) gaveNoAnswer(stderr string, err error) error {
	reason := "it gave no answer that makes sense"
	if err != nil {
		reason = err.Error()
	}
	// The first line of a compiler or of a crash says what it is about; go's own begin with # and name the package.
	for line := range strings.Lines(stderr) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			reason = fmt.Sprintf("%s (%s)", line, reason)
			break
		}
	}
	exit := (*exec.ExitError)(nil)
	switch {
	case s.goes:
		return failed("%s cannot be built or run: %s: to see all of it, go build %s%s", s.name, reason, commandPath, s.name)
	case err == nil || errors.As(err, &exit):
		return failed("%s: %s", s.path, reason)
	}
	return failed("%s cannot be started: %s", s.path, reason)
}
