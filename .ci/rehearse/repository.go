package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// repository is a git repository at the commit that is rehearsed.
type repository struct {
	root   string
	commit string // what HEAD is, in hexadecimal
}

func openRepository(root string) (*repository, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	// A clone may belong to another user, and git refuses to work in it; the zip package of x/mod calls git too.
	for k, v := range map[string]string{"COUNT": "1", "KEY_0": "safe.directory", "VALUE_0": "*"} {
		if err := os.Setenv("GIT_CONFIG_"+k, v); err != nil {
			return nil, err
		}
	}
	r := &repository{root: root}
	commit, err := r.git("rev-parse", "HEAD")
	r.commit = strings.TrimSpace(commit)
	return r, err
}

// git returns what a git command prints.
func (r *repository) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = r.root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(stderr.Bytes()))
	}
	return string(out), nil
}

// file returns a file as it is at the commit. The path is relative to the root.
func (r *repository) file(path string) ([]byte, error) {
	out, err := r.git("show", r.commit+":"+path)
	return []byte(out), err
}

// files lists what is committed in a folder, by paths relative to it.
func (r *repository) files(dir string) ([]string, error) {
	out, err := r.git("ls-tree", "-r", "-z", "--name-only", r.commit+":"+dir)
	return fields(out), err
}

// fields splits the output of a git command with -z.
func fields(out string) []string {
	return strings.FieldsFunc(out, func(c rune) bool { return c == 0 })
}
