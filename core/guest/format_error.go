package guest

import (
	"fmt"

	linmem "github.com/linmem/linmem/core"
)

// FormatError is why [Inspect] cannot read a guest: it is no core module in WebAssembly's binary format, or one that is cut
// or damaged. It wraps [linmem.ErrInvalid].
type FormatError struct {
	Offset uint64 // of what was not as expected, in bytes from the beginning of the binary
	Reason string // what was expected there, and what there is
}

// Error returns the offset and the reason as one line.
func (e *FormatError) Error() string {
	return fmt.Sprintf("guest.Inspect: at byte %#x: %s", e.Offset, e.Reason)
}

// Unwrap returns [linmem.ErrInvalid].
func (e *FormatError) Unwrap() error { return linmem.ErrInvalid }
