package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/linmem/linmem/integration/inputs"
)

// input is the bytes to put into the guest: a file to be read straight into its memory, or bytes that are here already.
type input struct {
	name string
	path string // "" if data is set
	data []byte
	size uint64
}

const (
	// maxInput is what no 32-bit memory holds. It bounds what is taken from a stream.
	maxInput = 4 << 30
	// maxGuest is what no runtime compiles.
	maxGuest = 1 << 30
)

// openInput finds out how large the input is: an embedded text if none is named. A stream, and a file that says that it is
// empty, as those of the kernel do, is spooled to a temporary file for that.
func openInput(named bool, name string, stdin io.Reader) (input, error) {
	switch {
	case !named:
		return input{name: inputs.TZDataName, data: inputs.TZData, size: uint64(len(inputs.TZData))}, nil
	case name == "-":
		return spool(name, stdin)
	case name == "":
		return input{}, errors.New("the name of the file is empty")
	}
	f, info, err := openRegular(name)
	if errors.Is(err, errNotRegular) {
		return input{}, fmt.Errorf("%w; a stream can be passed with --in -", err)
	}
	if err != nil {
		return input{}, err
	}
	defer f.Close()
	if info.Size() == 0 {
		return spool(name, f)
	}
	return input{name: name, path: name, size: uint64(info.Size())}, nil
}

var errNotRegular = errors.New("is not a regular file")

func openRegular(name string) (*os.File, os.FileInfo, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s %w", name, errNotRegular)
	}
	f, err := os.Open(name)
	return f, info, err
}

func spool(name string, r io.Reader) (in input, err error) {
	f, err := os.CreateTemp("", "linmem-input-*")
	if err != nil {
		return in, err
	}
	in = input{name: name, path: f.Name()}
	temporary.Store(f.Name(), nil)
	n, err := io.Copy(f, io.LimitReader(r, maxInput+1))
	if err == nil && n > maxInput {
		err = errTooLong
	}
	if err = errors.Join(err, f.Close()); err != nil {
		in.remove()
		return input{}, err
	}
	in.size = uint64(n)
	return in, nil
}

// errTooLong is about a stream: a file tells its size, and is refused by the memory that it does not fit into.
var errTooLong = fmt.Errorf("it has more than the %d bytes of a 32-bit memory", int64(maxInput))

// temporary has the files that are to be removed when the program ends, whatever ends it.
var temporary sync.Map

// remove removes what was spooled.
func (in input) remove() {
	if _, spooled := temporary.LoadAndDelete(in.path); spooled {
		_ = os.Remove(in.path)
	}
}

// removeTemporary is for an end that leaves no time for more.
func removeTemporary() {
	temporary.Range(func(path, _ any) bool {
		_ = os.Remove(path.(string))
		return true
	})
}

// readInto fills b, which is as long as the input was when it was opened.
func (in input) readInto(b []byte) error {
	var r io.Reader = bytes.NewReader(in.data)
	if in.path != "" {
		f, err := os.Open(in.path)
		if err != nil {
			return err
		}
		defer f.Close()
		r = f
	}
	if _, err := io.ReadFull(r, b); err != nil && !isEOF(err) {
		return err
	} else if isEOF(err) && len(b) > 0 {
		return fmt.Errorf("%s is shorter than the %d bytes that it had, or claimed to have", in.name, in.size)
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); !isEOF(err) {
		return fmt.Errorf("%s is longer than the %d bytes that it had, or claimed to have", in.name, in.size)
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }

// readGuest reads a module of the user's.
func readGuest(name string) ([]byte, error) {
	f, info, err := openRegular(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > maxGuest {
		return nil, fmt.Errorf("%s has %d bytes, more than the %d that a module can have", name, info.Size(), int64(maxGuest))
	}
	wasm, err := io.ReadAll(io.LimitReader(f, maxGuest))
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(wasm, []byte("\x00asm")) {
		return nil, fmt.Errorf("%s is not a wasm module: it does not begin with \\0asm", name)
	}
	return wasm, nil
}
