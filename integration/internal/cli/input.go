package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// input is bytes that are asked for: a file, to be read straight to where they go, or bytes that are here already.
type input struct {
	name string
	path string // "" if data is set
	data []byte
	size uint64
}

// standardInput is the name of what is piped into the program.
const standardInput = "-"

// maxInput is what no 32-bit memory holds. It bounds what is taken from a stream.
const maxInput = 4 << 30

// embedded returns an input that is part of the program.
func embedded(name string, data []byte) input {
	return input{name: name, data: data, size: uint64(len(data))}
}

// openInput finds out how large a file is. A stream, and a file that says that it is empty, as those of the kernel do, is
// spooled to a temporary file for that. Errors do not name the file.
func openInput(name string, stdin io.Reader) (input, error) {
	switch name {
	case standardInput:
		return spool(name, stdin)
	case "":
		return input{}, errors.New("its name is empty")
	}
	info, err := os.Stat(name)
	if err != nil {
		return input{}, withoutPath(err)
	}
	if !info.Mode().IsRegular() {
		return input{}, errors.New("it is not a regular file; a stream can be piped in, as " + standardInput)
	}
	f, err := os.Open(name)
	if err != nil {
		return input{}, withoutPath(err)
	}
	defer f.Close()
	if info.Size() == 0 {
		return spool(name, f)
	}
	return input{name: name, path: name, size: uint64(info.Size())}, nil
}

// withoutPath returns the reason of an error that names a file.
func withoutPath(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
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

// remove removes what was spooled.
func (in input) remove() { discard(in.path) }

// readInto fills b, which is as long as the input was when it was opened.
func (in input) readInto(b []byte) error {
	var r io.Reader = bytes.NewReader(in.data)
	if in.path != "" {
		f, err := os.Open(in.path)
		if err != nil {
			return withoutPath(err)
		}
		defer f.Close()
		r = f
	}
	if _, err := io.ReadFull(r, b); err != nil && !isEOF(err) {
		return withoutPath(err)
	} else if isEOF(err) && len(b) > 0 {
		return fmt.Errorf("it is shorter than the %d bytes that it had, or claimed to have", in.size)
	}
	if _, err := io.ReadFull(r, make([]byte, 1)); !isEOF(err) {
		return fmt.Errorf("it is longer than the %d bytes that it had, or claimed to have", in.size)
	}
	return nil
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
