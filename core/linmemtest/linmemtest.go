// Package linmemtest holds a [linmem.Memory] to the contract that allocators rely on.
//
// Runtimes disagree at the edges: what a growth by 0 pages tells, what 65,536 pages measure, what becomes of a delta
// that does not fit in 32 bits. An allocator that trusts one runtime's answer corrupts guests on another. A backend
// that passes [Run] answers alike everywhere.
//
// The suite needs a memory of its own for each case, made by [Config.New]. [Module] is a guest that exports such a
// memory, and [NewGuestMemory] lets the suite act as that guest; with them the test of a backend is a dozen lines.
// Nothing is read from disk, so a backend outside this repository runs the suite like those inside.
//
// [RunInstance] holds a [guest.Instance] to its contract, and [RunAllocator] what serves the allocator imports of guests, as
// those of an [AllocatorModule]. [RunLifetimes] is about the collector, and about what is used after its owner is closed.
//
// For tests of allocators there is [NewMemory], a memory without a runtime, and there are faults to put around any
// memory: [FailAfter] and [GuestGrows].
package linmemtest

import (
	"errors"
	"fmt"
	"testing"

	linmem "github.com/linmem/linmem/core"
)

// Config says how the suite gets its memories.
type Config struct {
	// New returns a fresh memory that can grow to maxPages pages and no further, and a function that closes its
	// owner, or nil. The memory may begin with up to 8 pages, but only one that begins with 0 is held to every rule.
	//
	// A memory that implements [Guest] too is also tested for what the guest does and sees.
	New func(maxPages uint64) (m linmem.Memory, stop func(), err error)

	// MaxPages is the largest maximum that New is asked for, 16 at least; 0 stands for 65,536, all of a 32-bit memory.
	// A backend that takes 4 GiB of real memory for that may want to be asked for less.
	MaxPages uint64
}

// validate returns why the suite cannot run.
func (cfg Config) validate() error {
	switch {
	case cfg.New == nil:
		return errors.New("linmemtest: Config.New is nil")
	case cfg.MaxPages > 0 && cfg.MaxPages < few:
		return fmt.Errorf("linmemtest: Config.MaxPages is %d, and must be 0 or %d at least", cfg.MaxPages, few)
	}
	return nil
}

// Guest is optional: a memory whose guest can be made to act on it. All it needs is a call of an exported function,
// see [NewGuestMemory].
type Guest interface {
	GuestGrow(delta uint64) (prev uint64, err error)
	GuestLoad(addr uint64) (byte, error)
	GuestStore(addr uint64, b byte) error
}

// Run runs the suite, each case as a subtest. A case that the memory leaves no way to test is skipped and says why.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	if err := cfg.validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			err := c.check(cfg)
			if why := skipped(""); errors.As(err, &why) {
				t.Skip(string(why))
			}
			if err != nil {
				t.Errorf("%v\nThe rule: %s", err, c.explanation)
			}
		})
	}
}

// Check runs the suite without a testing.T and returns the violations, joined, or nil. A case that is skipped is no
// violation; [Run] tells which are.
func Check(cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	var errs []error
	for _, c := range cases {
		err := c.check(cfg)
		if why := skipped(""); err != nil && !errors.As(err, &why) {
			errs = append(errs, fmt.Errorf("%s: %w (the rule: %s)", c.name, err, c.explanation))
		}
	}
	return errors.Join(errs...)
}

// skipped is the error of a case that does not apply, and says why.
type skipped string

func (s skipped) Error() string { return string(s) }

// check runs one case on a memory of its own. A panic is a violation like any other.
func (c testCase) check(cfg Config) (err error) {
	if why := c.needs(cfg); why != "" {
		return skipped(why)
	}
	m, stop, err := cfg.New(c.maxPages)
	switch {
	case err != nil:
		return fmt.Errorf("New(%d): %w", c.maxPages, err)
	case m == nil:
		return fmt.Errorf("New(%d) returns neither a memory nor an error", c.maxPages)
	}
	stopped := stop == nil
	f := &fixture{Memory: m, max: c.maxPages, stop: func() {
		if !stopped {
			stopped = true
			stop()
		}
	}}
	defer f.stop()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panicked: %v", r)
		}
	}()
	if n := m.NumPages(); n > maxStart {
		return fmt.Errorf("New(%d) begins with %d pages, and may with %d at most", c.maxPages, n, maxStart)
	}
	return c.run(f)
}
