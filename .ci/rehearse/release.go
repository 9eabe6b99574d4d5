package main

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

const (
	// prefix begins the paths of the repository's modules; the rest is the folder.
	prefix = "github.com/linmem/linmem/"

	// manifest is the module that is not released. It uses all the others, so what it requires is what there is to release.
	manifest = "integration"
)

// release is a module at the version that it is to be released at.
type release struct {
	mod  module.Version
	file *modfile.File
}

// dir is the module's folder, which is also how its tags begin.
func (m release) dir() string { return strings.TrimPrefix(m.mod.Path, prefix) }

func (m release) tag() string { return m.dir() + "/" + m.mod.Version }

func (r *repository) goMod(dir string) (*modfile.File, error) {
	name := dir + "/go.mod"
	data, err := r.file(name)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(name, data, nil)
}

// own returns the modules of this repository that a module requires.
func own(mod *modfile.File) []module.Version {
	var vs []module.Version
	for _, req := range mod.Require {
		if strings.HasPrefix(req.Mod.Path, prefix) {
			vs = append(vs, req.Mod)
		}
	}
	return vs
}

// released returns what there is to release, dependencies before those that need them.
func released(repo *repository) ([]release, error) {
	all, err := repo.goMod(manifest)
	if err != nil {
		return nil, err
	}
	var mods []release
	placed := map[string]bool{}
	var place func(v module.Version, above []string) error
	place = func(v module.Version, above []string) error {
		if slices.Contains(above, v.Path) {
			return fmt.Errorf("%s requires itself, by way of %s", v.Path, strings.Join(above, ", "))
		}
		if placed[v.Path] {
			return nil
		}
		m := release{mod: v}
		mod, err := repo.goMod(m.dir())
		if err != nil {
			return fmt.Errorf("%s is required, and has no go.mod at HEAD: %w", v, err)
		}
		m.file = mod
		for _, need := range own(mod) {
			if !slices.Contains(own(all), need) {
				continue // which check reports
			}
			if err := place(need, append(above, v.Path)); err != nil {
				return err
			}
		}
		placed[v.Path] = true
		mods = append(mods, m)
		return nil
	}
	for _, v := range own(all) {
		if err := place(v, nil); err != nil {
			return nil, err
		}
	}
	return mods, nil
}

// checkAll holds the go.mod files, the tags and the working tree to what a release needs.
func checkAll(repo *repository, mods []release) error {
	if len(mods) == 0 {
		return fmt.Errorf("%s/go.mod requires no module of %s, so there is nothing to release", manifest, prefix)
	}
	errs := []error{checkWorkspace(repo, mods), checkCommitted(repo, mods)}
	for _, m := range mods {
		errs = append(errs, m.check(mods), m.checkTag(repo))
	}
	return errors.Join(errs...)
}

// check holds a module's go.mod to the others.
func (m release) check(mods []release) error {
	var errs []error
	fault := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s/go.mod: "+format, append([]any{m.dir()}, args...)...))
	}
	if got := m.file.Module.Mod.Path; got != m.mod.Path {
		fault("declares module %s, want %s", got, m.mod.Path)
	}
	for _, need := range own(m.file) {
		i := slices.IndexFunc(mods, func(o release) bool { return o.mod.Path == need.Path })
		switch {
		case i < 0:
			fault("requires %s, which is not released: %s/go.mod does not require it", need.Path, manifest)
		case mods[i].mod != need:
			fault("requires %s, and %s/go.mod %s: make them agree", need, manifest, mods[i].mod.Version)
		}
	}
	for _, r := range m.file.Replace {
		if !strings.HasPrefix(r.Old.Path, prefix) {
			fault("replaces %s, which those who depend on the module do not: require what is wanted", r.Old.Path)
		} else if dir := path.Join(m.dir(), r.New.Path); dir != strings.TrimPrefix(r.Old.Path, prefix) {
			fault("replaces %s by %s, want its folder here", r.Old.Path, r.New.Path)
		}
	}
	return errors.Join(errs...)
}

// checkTag holds that a version which has been released is what is there now.
func (m release) checkTag(repo *repository) error {
	if tagged, err := repo.git("tag", "--list", m.tag()); err != nil || tagged == "" {
		return err
	}
	changed, err := repo.git("diff", "--name-only", "refs/tags/"+m.tag(), repo.commit, "--", m.dir())
	if err != nil || changed == "" {
		return err
	}
	return fmt.Errorf("%s is tagged, and has changed since: have every go.mod require its next version\n%s", m.tag(), changed)
}

// checkWorkspace holds that every module of the workspace is released but the one that lists them.
func checkWorkspace(repo *repository, mods []release) error {
	data, err := repo.file("go.work")
	if err != nil {
		return err
	}
	work, err := modfile.ParseWork("go.work", data, nil)
	if err != nil {
		return err
	}
	var errs []error
	for _, use := range work.Use {
		dir := path.Clean(use.Path)
		if dir != manifest && !slices.ContainsFunc(mods, func(m release) bool { return m.dir() == dir }) {
			errs = append(errs, fmt.Errorf("go.work uses %s, which is not released: %s/go.mod does not require it", dir, manifest))
		}
	}
	return errors.Join(errs...)
}

// checkCommitted holds that nothing of what is released, or decides what is, differs from HEAD.
func checkCommitted(repo *repository, mods []release) error {
	args := []string{"status", "--porcelain", "--untracked-files=all", "--", "LICENSE", "go.work", manifest + "/go.mod"}
	for _, m := range mods {
		args = append(args, m.dir())
	}
	out, err := repo.git(args...)
	if err == nil && out != "" {
		err = fmt.Errorf("HEAD is what is released, and these differ from it: commit them, or remove them\n%s", out)
	}
	return err
}
