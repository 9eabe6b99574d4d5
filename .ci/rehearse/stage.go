package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/mod/module"
)

// stage is the folder in which the release is rehearsed.
type stage struct {
	dir   string
	proxy string
	env   []string
	cgo   bool
	sums  map[module.Version]string // what was packed
}

// lock keeps a second rehearsal out of the folder until the first one ends, however it does.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, fmt.Errorf("%s: %w", f.Name(), err)
	}
	return func() { _ = f.Close() }, nil
}

// newStage empties the folder but for the modules of others.
func newStage(dir string) (*stage, error) {
	s := &stage{dir: dir, proxy: filepath.Join(dir, "proxy"), sums: map[module.Version]string{}}
	cache := filepath.Join(dir, "modcache")
	ours := filepath.FromSlash(strings.TrimSuffix(prefix, "/"))
	olds := []string{s.proxy, s.users(), filepath.Join(cache, ours), filepath.Join(cache, "cache", "download", ours)}
	for _, old := range olds {
		if err := os.RemoveAll(old); err != nil {
			return nil, err
		}
	}

	out, err := exec.Command("go", "env", "-json", "GOMODCACHE", "GOPROXY", "CGO_ENABLED").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	var ambient struct {
		ModCache string `json:"GOMODCACHE"`
		Proxy    string `json:"GOPROXY"`
		Cgo      string `json:"CGO_ENABLED"`
	}
	if err := json.Unmarshal(out, &ambient); err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	s.cgo = ambient.Cgo == "1"
	// What the machine has downloaded is a proxy too, and saves the network the runtimes, 80 MB.
	proxies := []string{fileURL(s.proxy), fileURL(filepath.Join(ambient.ModCache, "cache", "download")), ambient.Proxy}
	// GOVCS keeps go from looking in the real repository for a version that no proxy has. GOPRIVATE would pass by the proxies.
	// The go command keeps an index of the imports of each module version in the build cache, since a version never changes; here
	// one does, so it must do without.
	s.env = append(os.Environ(), "GODEBUG=goindex=0",
		"GOWORK=off", "GOFLAGS=-mod=mod -modcacherw -buildvcs=false", "GOMODCACHE="+cache,
		"GOPROXY="+strings.Join(proxies, ","), "GONOSUMDB="+prefix+"*", "GOPRIVATE=", "GONOPROXY=none", "GOVCS=github.com/linmem/linmem:off")
	return s, nil
}

func fileURL(dir string) string { return "file://" + filepath.ToSlash(dir) }

// users is the folder of the modules that use what is released.
func (s *stage) users() string { return filepath.Join(s.dir, "users") }

// run runs a command in a user's folder and returns what it prints to the standard output.
func (s *stage) run(dir string, args ...string) (string, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = slices.Concat(s.env, []string{"PWD=" + dir})
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w\n%s%s", strings.Join(args, " "), err, out, stderr.Bytes())
	}
	return string(out), nil
}
