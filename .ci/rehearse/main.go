// Command rehearse releases the modules of this repository to a proxy in a folder, and then uses them as a stranger would:
// in modules outside the workspace, by version, where no replace directive and no uncommitted file can help.
//
// What it releases is HEAD. See [checkAll] for what is held against the go.mod files, [pack] for the zips, and [consumer]
// for what a user does with them. Nothing leaves the machine; no tag is made.
//
// Its folder, .ci/bin/rehearsal, is kept between runs for the sake of the runtimes' modules, which are large, and of go's
// build cache, which knows packages by their folder. The modules of this repository are removed from it before each run,
// and those that a program was built from are compared with what was packed, so that a version which was rehearsed before
// is never used again.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func main() {
	root := flag.String("root", ".", "the repository's root")
	flag.Parse()
	if err := rehearse(*root, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "rehearse:", err)
		os.Exit(1)
	}
}

// rehearse does all of it, and tells w what it did.
func rehearse(root string, w io.Writer) error {
	start := time.Now()
	repo, err := openRepository(root)
	if err != nil {
		return err
	}
	mods, err := released(repo)
	if err != nil {
		return err
	}
	if err := checkAll(repo, mods); err != nil {
		return err
	}
	work := filepath.Join(repo.root, ".ci", "bin", "rehearsal")
	unlock, err := lock(work)
	if err != nil {
		return err
	}
	defer unlock()
	s, err := newStage(work)
	if err != nil {
		return err
	}
	for _, m := range mods {
		p, err := pack(repo, m, s.proxy)
		if err != nil {
			return err
		}
		s.sums[m.mod] = p.sum
		fmt.Fprintf(w, "packed  %-46s %4d files, %4d KiB\n", m.mod, p.files, p.bytes>>10)
	}

	var errs []error
	for _, m := range mods {
		t := time.Now()
		what, err := consumer{of: m}.use(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("a user of %s: %w", m.mod, err))
			continue
		}
		fmt.Fprintf(w, "used    %-46s %s (%.1fs)\n", m.mod, what, time.Since(t).Seconds())
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	fmt.Fprintf(w, "rehearsed %s in %.0fs; tag in this order:\n", repo.commit[:12], time.Since(start).Seconds())
	for _, m := range mods {
		fmt.Fprintf(w, "  %-26s %s\n", m.tag(), s.sums[m.mod])
	}
	return nil
}
