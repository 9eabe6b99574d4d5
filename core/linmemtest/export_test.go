package linmemtest

import (
	"errors"
	"fmt"

	"github.com/linmem/linmem/core/guest"
)

// Needs says why the case of that name does not run here, or "".
func Needs(name string) string {
	for _, c := range cases {
		if c.name == name {
			return c.needs(Config{})
		}
	}
	return "there is no such case"
}

// CheckAllocator is RunAllocator without a testing.T: it returns the violations, joined, or nil.
func CheckAllocator(open func(wasm []byte, imports ...guest.Imports) (Served, error)) error {
	var errs []error
	for _, c := range allocatorCases {
		if err := c.check(open); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	return errors.Join(errs...)
}
