package linmemtest

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"testing"
	"time"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// RunLifetimes holds a backend to what becomes of its memories when the collector runs and when their owner is closed, each
// case as a subtest: what is kept works, whatever else nobody keeps; and what is used after the end is an error, never a
// crash. It sets the collector to run all the time (for finer effect: run it in a process with GOGC=1 as well), so nothing
// should run in parallel.
//
// The function instantiates a wasm module, with the memory that it exports as "memory", and returns what closes the owner of
// that, which is called twice, or never. It should keep nothing of the instance by itself.
func RunLifetimes(t *testing.T, open func(wasm []byte) (inst guest.Instance, stop func(), err error)) {
	t.Helper()
	for _, c := range lifetimeCases {
		t.Run(c.name, func(t *testing.T) {
			err := c.check(open)
			if why := skipped(""); errors.As(err, &why) {
				t.Skip(string(why))
			}
			if err != nil {
				t.Errorf("%v\nThe rule: %s", err, c.explanation)
			}
		})
	}
}

// CheckLifetimes is RunLifetimes without a testing.T: it returns the violations, joined, or nil.
func CheckLifetimes(open func(wasm []byte) (inst guest.Instance, stop func(), err error)) error {
	var errs []error
	for _, c := range lifetimeCases {
		err := c.check(open)
		if why := skipped(""); err != nil && !errors.As(err, &why) {
			errs = append(errs, fmt.Errorf("%s: %w (the rule: %s)", c.name, err, c.explanation))
		}
	}
	return errors.Join(errs...)
}

// opener opens an instance of a module.
type opener func(wasm []byte) (guest.Instance, func(), error)

type lifetimeCase struct {
	name        string
	explanation string // the rule that the case holds
	run         func(open opener) error
}

var lifetimeCases = append(keptCases, closedCases...)

// check runs one case with an eager collector. A panic is a violation like any other.
func (c lifetimeCase) check(open opener) (err error) {
	defer debug.SetGCPercent(debug.SetGCPercent(1))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panicked: %v", r)
		}
	}()
	return c.run(open)
}

// open opens an instance that has not been closed.
func (o opener) open() (inst guest.Instance, stop func(), err error) {
	inst, stop, err = o(lifetimeModule())
	if err != nil {
		return nil, nil, fmt.Errorf("opening an instance: %w", err)
	}
	if stop == nil {
		stop = func() {}
	}
	return inst, stop, nil
}

// visit has an instance come, be used, and go: it is closed, or left to the collector.
func (o opener) visit(closes bool) error {
	inst, stop, err := o.open()
	if err != nil {
		return err
	}
	heap, err := linmem.NewHeap(inst.Memory())
	if err != nil {
		return err
	}
	if err := newHeapUse(heap, 1).steps(20); err != nil {
		return fmt.Errorf("on an instance that comes and goes: %w", err)
	}
	if closes {
		stop()
	}
	return nil
}

// collect has the collector free what can be, with what finalizers let go of.
func collect() {
	for range 2 {
		runtime.GC()
		time.Sleep(time.Millisecond) // while the finalizers run
	}
}

// globalValue is the value of the global that a lifetimeModule exports.
const globalValue = 42

// lifetimeModule is a [Module] with a memory of 1 to 200 pages, and a global:
//
//	(global (export "global") i32 (i32.const 42))
func lifetimeModule() []byte {
	m := module{memory: []byte{hasMax, 1, 0xc8, 0x01}} // 200 in LEB128
	m.function("grow", []byte{i32}, []byte{i32}, localGet, 0, memoryGrow, 0)
	m.function("load", []byte{i32}, []byte{i32}, localGet, 0, i32Load8U, 0, 0)
	m.function("store", []byte{i32, i32}, nil, localGet, 0, localGet, 1, i32Store8, 0, 0)
	m.global("global", i32, i32Const, globalValue)
	return m.encode()
}
