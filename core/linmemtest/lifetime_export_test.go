package linmemtest

import (
	"errors"

	"github.com/linmem/linmem/core/guest"
)

// CheckLifetime runs the case of that name alone.
func CheckLifetime(name string, open func(wasm []byte) (guest.Instance, func(), error)) error {
	for _, c := range lifetimeCases {
		if c.name == name {
			return c.check(open)
		}
	}
	return errors.New("there is no such case")
}
