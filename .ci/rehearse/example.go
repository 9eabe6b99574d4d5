package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
)

// exampleFile is where a backend shows how it is used. That of wazero is the code in the README.
const exampleFile = "example_test.go"

// runExample has the consumer be the program that the module's example shows, and holds it to the output that is said there.
func (c consumer) runExample(s *stage, dir string) (string, error) {
	out, err := s.run(dir, "go", "mod", "download", "-json", c.of.mod.String())
	if err != nil {
		return "", err
	}
	var downloaded struct{ Dir string }
	if err := json.Unmarshal([]byte(out), &downloaded); err != nil {
		return "", fmt.Errorf("go mod download: %w", err)
	}
	from := downloaded.Dir
	ctx := build.Default
	ctx.CgoEnabled = s.cgo
	if ok, err := ctx.MatchFile(from, exampleFile); err != nil {
		return "", fmt.Errorf("%s has no example to run: %w", c.of.mod, err)
	} else if !ok {
		return "nothing is run: this build leaves its example out, most likely for want of cgo", nil
	}
	program, want, err := example(filepath.Join(from, exampleFile))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "main.go"), program, 0o644); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "user")
	for _, args := range [][]string{{"go", "mod", "tidy"}, {"go", "build", "-o", binary, "."}} {
		if _, err := s.run(dir, args...); err != nil {
			return "", err
		}
	}
	got, err := s.run(dir, binary)
	if err != nil {
		return "", err
	}
	if got != want {
		return "", fmt.Errorf("the program of %s prints\n%s\nwant\n%s", exampleFile, got, want)
	}
	first, _, _ := strings.Cut(got, "\n")
	return fmt.Sprintf("its example prints %q", first), nil
}

// example returns the file's example of the package, as a program, and what it prints.
func example(name string) (program []byte, output string, err error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
	if err != nil {
		return nil, "", err
	}
	for _, e := range doc.Examples(file) {
		if e.Name != "" {
			continue
		}
		if e.Play == nil || e.Output == "" {
			return nil, "", fmt.Errorf("%s: Example is not a whole program with an output", name)
		}
		program, err := source(fset, e.Play)
		return program, e.Output, err
	}
	return nil, "", errors.New(name + " has no func Example")
}

func source(fset *token.FileSet, file *ast.File) ([]byte, error) {
	var buf bytes.Buffer
	err := format.Node(&buf, fset, file)
	return buf.Bytes(), err
}
