package main

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/module"
)

// tree is what a repository is made of: contents by path.
type tree map[string]string

// sound is a repository that can be released: alpha, then beta, which needs it.
func sound() tree {
	return tree{
		"LICENSE":    "You may.\n",
		".gitignore": "/.ci/bin/\n*.secret\n",
		"go.work":    "go 1.25.0\n\nuse (\n\t./alpha\n\t./beta\n\t./integration\n)\n",
		"alpha/go.mod": `module github.com/linmem/linmem/alpha

go 1.25.0
`,
		"alpha/alpha.go": `// Package alpha counts.
package alpha

// One is 1.
func One() int { return 1 }
`,
		"alpha/internal/deep/deep.go": "// Package deep is alpha's own.\npackage deep\n",
		"alpha/example_test.go": `package alpha_test

import (
	"fmt"

	"github.com/linmem/linmem/alpha"
)

func Example() {
	fmt.Println("one is", alpha.One())
	// Output: one is 1
}
`,
		"beta/go.mod": `module github.com/linmem/linmem/beta

go 1.25.0

require github.com/linmem/linmem/alpha v0.1.0

replace github.com/linmem/linmem/alpha => ../alpha
`,
		"beta/beta.go": `// Package beta counts on.
package beta

import "github.com/linmem/linmem/alpha"

// Two is 2.
func Two() int { return 2 * alpha.One() }
`,
		"beta/example_test.go": `package beta_test

import (
	"fmt"

	"github.com/linmem/linmem/beta"
)

func Example() {
	fmt.Println("two is", beta.Two())
	// Output: two is 2
}
`,
		"integration/go.mod": `module github.com/linmem/linmem/integration

go 1.25.0

require (
	github.com/linmem/linmem/alpha v0.1.0
	github.com/linmem/linmem/beta v0.1.0
)
`,
		"integration/extra/extra.go": "// Package extra is not released.\npackage extra\n",
	}
}

// edit replaces a part of a file, which must be there.
func (tr tree) edit(t *testing.T, name, old, replacement string) {
	t.Helper()
	if !strings.Contains(tr[name], old) {
		t.Fatalf("%s has no %q", name, old)
	}
	tr[name] = strings.Replace(tr[name], old, replacement, 1)
}

func (tr tree) write(t *testing.T, root string) {
	t.Helper()
	for name, data := range tr {
		name = filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func git(t *testing.T, root string, args ...string) {
	t.Helper()
	settings := []string{"-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "tag.gpgsign=false"}
	cmd := exec.Command("git", append(settings, args...)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func commit(t *testing.T, root string, tr tree) {
	t.Helper()
	tr.write(t, root)
	git(t, root, "init", "-q")
	git(t, root, "add", "-A")
	git(t, root, "commit", "-q", "-m", "c")
}

// offline has go look for modules in folders only. With "off" it would take a module that is not there for a failure.
func offline(t *testing.T) {
	t.Helper()
	t.Setenv("GOPROXY", fileURL(t.TempDir()))
}

func TestRehearse(t *testing.T) {
	offline(t)
	root := t.TempDir()
	tr := sound()
	commit(t, root, tr)
	rehearsed := func(want ...string) {
		t.Helper()
		var out bytes.Buffer
		if err := rehearse(root, &out); err != nil {
			t.Fatalf("%v\n%s", err, out.Bytes())
		}
		for _, w := range want {
			if !strings.Contains(out.String(), w) {
				t.Errorf("want %q in\n%s", w, out.Bytes())
			}
		}
	}
	rehearsed(`"one is 1"`, `"two is 2"`, "; tag in this order:\n  alpha/v0.1.0 ")

	// The same version with other contents: what was rehearsed before must not be used.
	tr.edit(t, "alpha/alpha.go", "return 1", "return 10")
	tr.edit(t, "alpha/example_test.go", "Output: one is 1", "Output: one is 10")
	tr.edit(t, "beta/example_test.go", "Output: two is 2", "Output: two is 20")
	commit(t, root, tr)
	rehearsed(`"one is 10"`, `"two is 20"`)

	// A version that is released already can be rehearsed as long as it is the same.
	git(t, root, "tag", "alpha/v0.1.0")
	rehearsed(`"one is 10"`)
	tr["alpha/more.go"] = "package alpha\n"
	commit(t, root, tr)
	if err := rehearse(root, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "alpha/v0.1.0 is tagged, and has changed since") {
		t.Errorf("with alpha changed since its tag: %v", err)
	}
}

func TestRehearseFails(t *testing.T) {
	offline(t)
	const alpha, beta = "github.com/linmem/linmem/alpha", "github.com/linmem/linmem/beta"
	tests := []struct {
		name        string
		change      func(t *testing.T, tr tree)
		uncommitted tree
		want        string
	}{
		{
			name: "VersionsDisagree", want: "beta/go.mod: requires " + alpha + "@v0.0.9, and integration/go.mod v0.1.0",
			change: func(t *testing.T, tr tree) { tr.edit(t, "beta/go.mod", "v0.1.0", "v0.0.9") },
		},
		{
			name: "RequiresWhatIsNotReleased", want: "beta/go.mod: requires github.com/linmem/linmem/integration, which is not released",
			change: func(t *testing.T, tr tree) {
				tr.edit(t, "beta/go.mod", "replace", "require github.com/linmem/linmem/integration v0.1.0\n\nreplace")
			},
		},
		{
			name: "NotAVersion", want: "should be v0 or v1, not v2",
			change: func(t *testing.T, tr tree) {
				for _, f := range []string{"beta/go.mod", "integration/go.mod"} {
					tr.edit(t, f, "alpha v0.1.0", "alpha v2.0.0")
				}
			},
		},
		{
			name: "OtherModulePath", want: "alpha/go.mod: declares module " + alpha + "bet, want " + alpha,
			change: func(t *testing.T, tr tree) { tr.edit(t, "alpha/go.mod", "linmem/alpha", "linmem/alphabet") },
		},
		{
			name: "RequiresItself", want: "requires itself",
			change: func(_ *testing.T, tr tree) { tr["alpha/go.mod"] += "\nrequire " + beta + " v0.1.0\n" },
		},
		{
			name: "ReplacesOthers", want: "beta/go.mod: replaces golang.org/x/sys",
			change: func(_ *testing.T, tr tree) {
				tr["beta/go.mod"] += "\nreplace golang.org/x/sys => golang.org/x/sys v0.1.0\n"
			},
		},
		{
			name: "ReplacesByAnotherFolder", want: "by ../integration, want its folder here",
			change: func(t *testing.T, tr tree) { tr.edit(t, "beta/go.mod", "../alpha", "../integration") },
		},
		{
			name: "ModuleLeftOut", want: "go.work uses gamma",
			change: func(t *testing.T, tr tree) {
				tr.edit(t, "go.work", "./beta", "./beta\n\t./gamma")
				tr["gamma/go.mod"] = "module github.com/linmem/linmem/gamma\n\ngo 1.25.0\n"
			},
		},
		{name: "NothingToRelease", want: "nothing to release", change: func(_ *testing.T, tr tree) {
			tr["integration/go.mod"] = "module github.com/linmem/linmem/integration\n\ngo 1.25.0\n"
		}},
		{name: "FileNotCommitted", want: "?? alpha/new.go", uncommitted: tree{"alpha/new.go": "package alpha\n"}},
		{name: "ChangeNotCommitted", want: " M beta/beta.go", uncommitted: tree{"beta/beta.go": "package beta\n"}},
		{
			name: "EmbedsWhatIsNotCommitted", want: "no matching files found",
			change: func(_ *testing.T, tr tree) {
				tr["alpha/embed.go"] = "package alpha\n\nimport _ \"embed\"\n\n//go:embed key.secret\nvar key string\n"
			},
			uncommitted: tree{"alpha/key.secret": "key"},
		},
		{
			name: "ZipLacksFile", want: "the zip of " + alpha + "@v0.1.0 lacks table.txt",
			change: func(_ *testing.T, tr tree) {
				tr["alpha/table.txt"] = "1\n"
				tr[".gitattributes"] = "table.txt export-ignore\n"
			},
		},
		{
			name: "NoLicense", want: "the zip of " + alpha + "@v0.1.0 has no LICENSE",
			change: func(_ *testing.T, tr tree) { delete(tr, "LICENSE") },
		},
		{
			name: "ImportsWhatIsNotReleased", want: "integration/extra",
			change: func(_ *testing.T, tr tree) {
				tr["beta/more.go"] = "package beta\n\nimport _ \"github.com/linmem/linmem/integration/extra\"\n"
			},
		},
		{
			name: "TestsImportWhatIsNotReleased", want: "integration/extra",
			change: func(_ *testing.T, tr tree) {
				tr["beta/more_test.go"] = "package beta_test\n\nimport _ \"github.com/linmem/linmem/integration/extra\"\n"
			},
		},
		{
			name: "ImportsInternal", want: "use of internal package",
			change: func(_ *testing.T, tr tree) {
				tr["beta/more.go"] = "package beta\n\nimport _ \"github.com/linmem/linmem/alpha/internal/deep\"\n"
			},
		},
		{
			name: "ImportsInternalThatThePathAllows", want: "alpha/gamma imports " + alpha + "/internal/deep, which is internal to another module",
			change: func(t *testing.T, tr tree) {
				rename := strings.NewReplacer("linmem/beta", "linmem/alpha/gamma", "beta", "gamma", "../alpha", "../../alpha")
				for name, data := range maps.Clone(tr) {
					if base, ok := strings.CutPrefix(name, "beta/"); ok {
						tr["alpha/gamma/"+rename.Replace(base)] = rename.Replace(data)
						delete(tr, name)
					}
				}
				tr.edit(t, "go.work", "./beta", "./alpha/gamma")
				tr.edit(t, "integration/go.mod", "linmem/beta", "linmem/alpha/gamma")
				tr["alpha/gamma/more.go"] = "package gamma\n\nimport _ \"github.com/linmem/linmem/alpha/internal/deep\"\n"
			},
		},
		{
			name: "CommandThatCannotBeInstalled", want: "beta/cmd/count is a command",
			change: func(_ *testing.T, tr tree) { tr["beta/cmd/count/main.go"] = "package main\n\nfunc main() {}\n" },
		},
		{
			name: "ExamplePrintsOther", want: "one is 1\n\nwant\none is 11",
			change: func(t *testing.T, tr tree) { tr.edit(t, "alpha/example_test.go", "one is 1", "one is 11") },
		},
		{
			name: "NoExample", want: "has no example to run",
			change: func(_ *testing.T, tr tree) { delete(tr, "beta/example_test.go") },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			tr := sound()
			if tt.change != nil {
				tt.change(t, tr)
			}
			commit(t, root, tr)
			tt.uncommitted.write(t, root)
			var out bytes.Buffer
			switch err := rehearse(root, &out); {
			case err == nil:
				t.Errorf("passes:\n%s", out.Bytes())
			case !strings.Contains(err.Error(), tt.want):
				t.Errorf("want %q in the error\n%v", tt.want, err)
			}
		})
	}
}

// TestSums holds that a module from elsewhere is told from the one that was packed.
func TestSums(t *testing.T) {
	v := module.Version{Path: prefix + "alpha", Version: "v0.1.0"}
	c := consumer{of: release{mod: v}}
	tests := []struct{ name, gosum, want string }{
		{"Packed", v.Path + " v0.1.0 h1:packed=\n" + v.Path + " v0.1.0/go.mod h1:any=\n", ""},
		{"OtherContents", v.Path + " v0.1.0 h1:stale=\n", "alpha@v0.1.0 is h1:stale=, and what was packed is \"h1:packed=\""},
		{"OtherVersion", v.Path + " v0.0.9 h1:packed=\n", "alpha@v0.0.9 is h1:packed=, and what was packed is \"\""},
		{"NotUsed", "golang.org/x/sys v0.1.0 h1:x=\n" + v.Path + " v0.1.0/go.mod h1:packed=\n", "alpha@v0.1.0 was not used"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tree{"go.sum": tt.gosum}.write(t, dir)
			err := c.checkSums(&stage{sums: map[module.Version]string{v: "h1:packed="}}, dir)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}

// TestUseOfOtherContents holds that a consumer looks at the sums.
func TestUseOfOtherContents(t *testing.T) {
	offline(t)
	root := t.TempDir()
	commit(t, root, sound())
	repo, err := openRepository(root)
	if err != nil {
		t.Fatal(err)
	}
	mods, err := released(repo)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newStage(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pack(repo, mods[0], s.proxy); err != nil {
		t.Fatal(err)
	}
	s.sums[mods[0].mod] = "h1:other="
	if _, err := (consumer{of: mods[0]}).use(s); err == nil || !strings.Contains(err.Error(), `and what was packed is "h1:other="`) {
		t.Errorf("with another sum: %v", err)
	}
}
