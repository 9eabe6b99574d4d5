package linmemtest

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// Module returns a wasm module, in the binary format, that exports a memory of the given size and maximum in pages (at
// most 65,536 each) as "memory", and functions that act on it:
//
//	(module
//	  (memory (export "memory") pages max)
//	  (func (export "grow") (param $delta i32) (result i32) (memory.grow (local.get $delta)))
//	  (func (export "load") (param $addr i32) (result i32) (i32.load8_u (local.get $addr)))
//	  (func (export "store") (param $addr i32) (param $byte i32) (i32.store8 (local.get $addr) (local.get $byte))))
//
// See https://webassembly.github.io/spec/core/binary/modules.html
func Module(pages, max uint64) []byte {
	const (
		sectionType, sectionFunction, sectionMemory, sectionExport, sectionCode = 1, 3, 5, 7, 10

		kindFunction, kindMemory = 0, 2

		i32, function = 0x7f, 0x60
		hasMax        = 1

		localGet, i32Load8U, i32Store8, memoryGrow, end = 0x20, 0x2d, 0x3a, 0x40, 0x0b
	)
	m := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, items ...[]byte) {
		body := vector(items...)
		m = append(append(m, id), counted(len(body), body)...)
	}
	export := func(name string, kind, index byte) []byte {
		return append(counted(len(name), []byte(name)), kind, index)
	}
	code := func(body ...byte) []byte {
		body = append(append([]byte{0}, body...), end) // 0 locals
		return counted(len(body), body)
	}
	section(sectionType,
		[]byte{function, 1, i32, 1, i32},
		[]byte{function, 2, i32, i32, 0})
	section(sectionFunction, []byte{0}, []byte{0}, []byte{1})
	section(sectionMemory, binary.AppendUvarint(binary.AppendUvarint([]byte{hasMax}, pages), max))
	section(sectionExport,
		export("memory", kindMemory, 0),
		export("grow", kindFunction, 0),
		export("load", kindFunction, 1),
		export("store", kindFunction, 2))
	section(sectionCode,
		code(localGet, 0, memoryGrow, 0),
		code(localGet, 0, i32Load8U, 0, 0),
		code(localGet, 0, localGet, 1, i32Store8, 0, 0))
	return m
}

// vector encodes a list of items: their count, then the items.
func vector(items ...[]byte) []byte {
	return counted(len(items), bytes.Join(items, nil))
}

func counted(n int, body []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(n)), body...)
}

// NewGuestMemory returns the memory of an instance of [Module], with the guest's side of it: it implements [Guest].
func NewGuestMemory(inst guest.Instance) linmem.Memory {
	return &guestMemory{inst.Memory(), inst}
}

type guestMemory struct {
	linmem.Memory
	inst guest.Instance
}

func (m *guestMemory) GuestGrow(delta uint64) (prev uint64, err error) {
	prev, err = m.call("grow", delta)
	if err == nil && uint32(prev) == 1<<32-1 {
		err = fmt.Errorf("the guest's memory.grow by %d pages: %w", delta, linmem.ErrOutOfMemory)
	}
	return prev, err
}

func (m *guestMemory) GuestLoad(addr uint64) (byte, error) {
	b, err := m.call("load", addr)
	return byte(b), err
}

func (m *guestMemory) GuestStore(addr uint64, b byte) error {
	_, err := m.call("store", addr, uint64(b))
	return err
}

// call returns the first result, or 0 of a function that has none.
func (m *guestMemory) call(name string, args ...uint64) (uint64, error) {
	results, err := m.inst.Call(context.Background(), name, args...)
	if err != nil || len(results) == 0 {
		return 0, err
	}
	return results[0], nil
}
