package cli

import (
	"fmt"
	"io"

	"github.com/linmem/linmem/core/guest"
)

// maxGuest is what no runtime compiles, in bytes.
const maxGuest = 1 << 30

// module is the binary of a guest, and what it tells.
type module struct {
	name   string // as given
	path   string // of a file that has it; "" for an embedded guest
	wasm   []byte
	report *guest.Report
}

// readModule reads and inspects a guest of the user's. Errors do not name the file.
func readModule(name string, stdin io.Reader) (m module, err error) {
	in, err := openInput(name, stdin)
	if err != nil {
		return m, err
	}
	m = module{name: name, path: in.path}
	if in.size > maxGuest {
		in.remove()
		return m, fmt.Errorf("it has %d bytes, more than the %d that a module can have", in.size, int64(maxGuest))
	}
	m.wasm = make([]byte, in.size)
	if err = in.readInto(m.wasm); err == nil {
		m.report, err = guest.Inspect(m.wasm)
	}
	if err != nil {
		in.remove()
	}
	return m, err
}

// remove removes what was spooled.
func (m module) remove() { discard(m.path) }
