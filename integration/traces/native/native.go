// Package native times allocators of C on the traces, to be set beside linmem's times: mimalloc, which is as fast as they
// come, and glibc's, which the traces were recorded on. The replayer is a C program (src/replay.c), compiled on the spot,
// since a call from Go into C would take longer than the allocation.
//
// What it times is the allocator alone: no block is written to by the replayer, calls are direct, and C's free checks
// little. An allocator for wasm memory checks what it frees, and may keep its bookkeeping apart from the blocks.
package native

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/linmem/linmem/integration/traces"
)

//go:embed src/replay.c
var source []byte

// Allocator is one of C's.
type Allocator string

// The allocators. Mimalloc needs its header and library besides gcc: Debian's libmimalloc-dev.
const (
	Glibc    Allocator = "glibc"
	Mimalloc Allocator = "mimalloc"
)

var (
	// ErrMissing says that this machine has no gcc, or not the allocator, and what to install.
	ErrMissing = errors.New("missing here: apt-get install gcc libc6-dev libmimalloc-dev, or the like")

	errUnknown = errors.New("no such allocator: Glibc or Mimalloc")
)

// missing is in gcc's complaints if a header or library is not there, rather than the program wrong.
var missing = regexp.MustCompile(`(mimalloc\.h|libc-version\.h).*(No such file|not found)|cannot find -lmimalloc`)

// Times are nanoseconds an operation, over the rounds of a replay.
type Times struct {
	Best, Median float64
	Allocator    string // name and version
}

// Replayer replays traces on one allocator.
type Replayer struct{ dir string }

// Build compiles a replayer, in a temporary folder that Close removes. Without a compiler or the allocator's library the
// error is ErrMissing.
func Build(ctx context.Context, a Allocator) (*Replayer, error) {
	args := []string{"-O2", "-o", "replay", "replay.c"}
	switch a {
	case Glibc:
	case Mimalloc:
		args = append(args, "-DMIMALLOC", "-lmimalloc")
	default:
		return nil, fmt.Errorf("native: %q: %w", a, errUnknown)
	}
	dir, err := os.MkdirTemp("", "linmem-native-")
	if err != nil {
		return nil, err
	}
	r := &Replayer{dir}
	if err := os.WriteFile(filepath.Join(dir, "replay.c"), source, 0o600); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	cmd := exec.CommandContext(ctx, "gcc", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		if errors.Is(err, exec.ErrNotFound) || missing.Match(out) {
			err = fmt.Errorf("%w: %w", ErrMissing, err)
		}
		err = fmt.Errorf("native: cannot compile the replayer for %s: %w\n%s", a, err, out)
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close removes what Build made.
func (r *Replayer) Close() error { return os.RemoveAll(r.dir) }

// Replay runs a trace so many rounds, in a process of its own. Each round ends with the frees of what the trace leaves,
// which count as operations.
func (r *Replayer) Replay(ctx context.Context, t *traces.Trace, rounds int) (Times, error) {
	var text, complaint bytes.Buffer
	if _, err := t.WriteTo(&text); err != nil {
		return Times{}, err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(r.dir, "replay"), strconv.Itoa(rounds))
	cmd.Stdin, cmd.Stderr = &text, &complaint
	out, err := cmd.Output()
	if err != nil {
		return Times{}, fmt.Errorf("native: %s: %w: %s", t.Name, err, strings.TrimSpace(complaint.String()))
	}
	var times Times
	if _, err := fmt.Sscan(string(out), &times.Allocator, &times.Best, &times.Median); err != nil {
		return Times{}, fmt.Errorf("native: %s: the replayer printed %q: %w", t.Name, out, err)
	}
	return times, nil
}
