package main

import (
	archive "archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/sumdb/dirhash"
	"golang.org/x/mod/zip"
)

// packed is a module in the proxy.
type packed struct {
	files int
	bytes int64
	sum   string // as go.sum has it
}

// pack writes a module at HEAD into the proxy, as go does when it fetches one from a repository: committed files only, with
// the repository's license. It is an error if a file is left out.
//
// For the layout see https://go.dev/ref/mod#goproxy-protocol.
func pack(repo *repository, m release, proxy string) (packed, error) {
	escaped, err := module.EscapePath(m.mod.Path)
	if err != nil {
		return packed{}, err
	}
	dir := filepath.Join(proxy, filepath.FromSlash(escaped), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return packed{}, err
	}
	var buf bytes.Buffer
	if err := zip.CreateFromVCS(&buf, m.mod, repo.root, repo.commit, m.dir()); err != nil {
		return packed{}, err
	}
	n, err := checkFiles(repo, m, buf.Bytes())
	if err != nil {
		return packed{}, err
	}

	gomod, err := repo.file(m.dir() + "/go.mod")
	if err != nil {
		return packed{}, err
	}
	info, err := json.Marshal(struct {
		Version string
		Time    time.Time
	}{m.mod.Version, time.Unix(0, 0).UTC()})
	if err != nil {
		return packed{}, err
	}
	v := m.mod.Version
	files := map[string][]byte{"list": []byte(v + "\n"), v + ".info": info, v + ".mod": gomod, v + ".zip": buf.Bytes()}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return packed{}, err
		}
	}
	name := filepath.Join(dir, v+".zip")
	if _, err := zip.CheckZip(m.mod, name); err != nil {
		return packed{}, err
	}
	sum, err := dirhash.HashZip(name, dirhash.Hash1)
	return packed{files: n, bytes: int64(buf.Len()), sum: sum}, err
}

// checkFiles holds a module's zip to what is committed, and returns how many files it has.
func checkFiles(repo *repository, m release, data []byte) (int, error) {
	r, err := archive.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return 0, err
	}
	has := map[string]bool{}
	for _, f := range r.File {
		has[strings.TrimPrefix(f.Name, m.mod.String()+"/")] = true
	}
	want, err := repo.files(m.dir())
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, name := range want {
		if !has[name] && !inNested(want, name) {
			const why = "is it a link, in a folder named vendor, or marked export-ignore?"
			errs = append(errs, fmt.Errorf("the zip of %s lacks %s, which is committed: %s", m.mod, name, why))
		}
	}
	if !has["LICENSE"] {
		errs = append(errs, fmt.Errorf("the zip of %s has no LICENSE: add one to %s or to the root", m.mod, m.dir()))
	}
	return len(r.File), errors.Join(errs...)
}

// inNested reports whether a file belongs to a module inside the module, and so to another zip.
func inNested(all []string, name string) bool {
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		if slices.Contains(all, dir+"/go.mod") {
			return true
		}
	}
	return false
}
