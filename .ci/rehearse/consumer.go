package main

import (
	"bufio"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"golang.org/x/mod/module"
)

// consumer is a module that uses one of the released ones, by its version, as nothing in the repository does.
type consumer struct {
	of release
}

// testedBy is the module with the conformance suite; what is shown of it is that a memory of a stranger's can run that.
const testedBy = "core"

// use makes the consumer, and says what it did.
func (c consumer) use(s *stage) (string, error) {
	dir := filepath.Join(s.users(), filepath.FromSlash(c.of.dir()))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	const form = "module example.com/user\n\ngo %s\n\nrequire %s %s\n"
	gomod := fmt.Sprintf(form, c.of.file.Go.Version, c.of.mod.Path, c.of.mod.Version)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(gomod), 0o644); err != nil {
		return "", err
	}
	act := c.runExample
	if c.of.dir() == testedBy {
		act = c.testMemory
	}
	what, err := act(s, dir)
	if err != nil {
		return "", err
	}
	// The tests are part of the release, and may need what its code does not.
	if _, err := s.run(dir, "go", "vet", c.of.mod.Path+"/..."); err != nil {
		return "", err
	}
	if err := c.checkPackages(s, dir); err != nil {
		return "", err
	}
	return what, c.checkSums(s, dir)
}

//go:embed testdata/thirdparty
var thirdParty embed.FS

// testMemory has a memory of the consumer's own run the conformance suite.
func (c consumer) testMemory(s *stage, dir string) (string, error) {
	const from = "testdata/thirdparty"
	entries, err := thirdParty.ReadDir(from)
	if err != nil {
		return "", err
	}
	for _, e := range entries {
		data, err := thirdParty.ReadFile(path.Join(from, e.Name()))
		if err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, e.Name()), data, 0o644); err != nil {
			return "", err
		}
	}
	if _, err := s.run(dir, "go", "mod", "tidy"); err != nil {
		return "", err
	}
	out, err := s.run(dir, "go", "test", "-count=1", "-v", ".")
	if err != nil {
		return "", err
	}
	passed := strings.Count(out, "--- PASS: TestMemory/")
	if passed == 0 {
		return "", fmt.Errorf("the conformance suite ran no case:\n%s", out)
	}
	return fmt.Sprintf("a memory of its own passes %d cases of the suite", passed), nil
}

// checkPackages holds that no package imports an internal one of another module, of which the compiler, which goes by paths,
// allows some; and that there is no command which go install would refuse to install by its version.
func (c consumer) checkPackages(s *stage, dir string) error {
	out, err := s.run(dir, "go", "list", "-json=ImportPath,Name,Imports,TestImports,XTestImports", c.of.mod.Path+"/...")
	if err != nil {
		return err
	}
	var errs []error
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		var p struct {
			ImportPath, Name                   string
			Imports, TestImports, XTestImports []string
		}
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return errors.Join(errs...)
		case err != nil:
			return err
		}
		if p.Name == "main" && len(c.of.file.Replace) > 0 {
			errs = append(errs, fmt.Errorf("%s is a command, and go install refuses those of a module with replace", p.ImportPath))
		}
		for _, imports := range [][]string{p.Imports, p.TestImports, p.XTestImports} {
			for _, i := range imports {
				if strings.HasPrefix(i, prefix) && strings.Contains(i+"/", "/internal/") && !strings.HasPrefix(i, c.of.mod.Path+"/") {
					errs = append(errs, fmt.Errorf("%s imports %s, which is internal to another module", p.ImportPath, i))
				}
			}
		}
	}
}

// checkSums holds that what was used is what was packed, by what go has put into go.sum.
func (c consumer) checkSums(s *stage, dir string) error {
	f, err := os.Open(filepath.Join(dir, "go.sum"))
	if err != nil {
		return err
	}
	defer f.Close()
	used := map[module.Version]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var v module.Version
		var sum string
		if _, err := fmt.Sscan(lines.Text(), &v.Path, &v.Version, &sum); err != nil {
			return fmt.Errorf("go.sum: %q: %w", lines.Text(), err)
		}
		if strings.HasPrefix(v.Path, prefix) && !strings.HasSuffix(v.Version, "/go.mod") {
			used[v] = sum
		}
	}
	var errs []error
	for v, sum := range used {
		if want := s.sums[v]; sum != want {
			errs = append(errs, fmt.Errorf("%s is %s, and what was packed is %q", v, sum, want))
		}
	}
	if used[c.of.mod] == "" {
		errs = append(errs, fmt.Errorf("%s was not used, by go.sum", c.of.mod))
	}
	return errors.Join(errs...)
}
