package zigoracle

import (
	"encoding/binary"
	"errors"
)

// withLimits returns the module with a memory of another size and maximum.
func withLimits(wasm []byte, s Shape) ([]byte, error) {
	const header, memorySection = 8, 5
	for at := header; at+1 < len(wasm); {
		size, n := binary.Uvarint(wasm[at+1:])
		end := at + 1 + n + int(size)
		if n <= 0 || end > len(wasm) {
			break
		}
		if wasm[at] != memorySection {
			at = end
			continue
		}
		limits := binary.AppendUvarint([]byte{1, 1}, s.Pages) // one memory, with a maximum
		limits = binary.AppendUvarint(limits, s.MaxPages)
		section := append([]byte{memorySection, byte(len(limits))}, limits...)
		return append(append(append([]byte(nil), wasm[:at]...), section...), wasm[end:]...), nil
	}
	return nil, errors.New("the module has no memory section")
}
