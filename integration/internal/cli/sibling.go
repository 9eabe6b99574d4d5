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

// runSibling has another program of the family do the job on a backend that this one does not have.
func (c *runCommand) runSibling(ctx context.Context, j *job, backend string) (report, error) {
	s, err := findSibling(ctx, c.program.Name+"-"+backend)
	if err != nil {
		return report{}, err
	}
	args := []string{"run", "--json", "--backend", backend}
	if c.verbose {
		args = append(args, "--verbose")
	}
	if j.input.path != "" {
		args = append(args, "--in", j.input.path)
	}
	if j.guest != guestSHA256 {
		args = append(args, "--guest", j.guest, "--func", j.fn)
	}
	cmd := s.command(ctx, args)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	done := s.announce(c.stderr, c.program.Name)
	err = cmd.Run()
	done()
	if c.verbose {
		_, _ = c.stderr.Write(stderr.Bytes())
	}

	var r report
	decodeErr := json.NewDecoder(&stdout).Decode(&r)
	switch {
	case ctx.Err() != nil:
		return r, failed("interrupted")
	case decodeErr != nil || r.Backend != backend:
		return r, s.gaveNoAnswer(stderr.String(), err)
	case r.Error != "":
		return r, &exitError{max(r.ExitCode, exitFailed), r.Error}
	case err != nil:
		return r, s.gaveNoAnswer(stderr.String(), err)
	}
	return r, nil
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

// announce tells a person at a terminal why nothing happens, if nothing does for some seconds. The function that it
// returns ends that.
func (s sibling) announce(stderr io.Writer, program string) (done func()) {
	if f, ok := stderr.(*os.File); !ok || !s.goes || !isTerminal(f) {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-end:
		case <-time.After(3 * time.Second):
			fmt.Fprintf(stderr, "%s: go builds %s, which may take a minute the first time\n", program, s.name)
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
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
