package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// checkOutput returns why a file cannot be written, as far as that shows before there is anything to write.
func checkOutput(name string) error {
	if name == "" || name == standardInput {
		return errors.New("it is no name of a file; standard output has the report")
	}
	if dir, err := os.Stat(filepath.Dir(name)); err != nil {
		return fmt.Errorf("its folder: %w", withoutPath(err))
	} else if !dir.IsDir() {
		return fmt.Errorf("%s is no folder", filepath.Dir(name))
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return withoutPath(err)
	case info.IsDir():
		return errors.New("it is a folder; name a file in it")
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	}
	return nil
}

// writeOutput writes a file, or leaves what was there: nobody sees half of it.
func writeOutput(name string, data []byte) error {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	mode := fs.FileMode(0o666) // less the umask, which os.CreateTemp does not go by
	info, err := os.Stat(name)
	if err == nil {
		mode = info.Mode().Perm()
	}
	temp := filepath.Join(filepath.Dir(name), fmt.Sprintf(".linmem-%x", rand.Uint64()))
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return withoutPath(err)
	}
	temporary.Store(temp, nil)
	defer discard(temp)
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return withoutPath(err)
	}
	return os.Rename(temp, name)
}
