package linmemtest

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Module returns a wasm module, in the binary format, that exports a memory of the given size and maximum in pages (at
// most 65,536 each) as "memory", and functions that act on it:
//
//	(module
//	  (memory (export "memory") pages max)
//	  (func (export "grow") (param $delta i32) (result i32) (memory.grow (local.get $delta)))
//	  (func (export "load") (param $addr i32) (result i32) (i32.load8_u (local.get $addr)))
//	  (func (export "store") (param $addr i32) (param $byte i32) (i32.store8 (local.get $addr) (local.get $byte))))
func Module(pages, max uint64) []byte {
	m := module{memory: binary.AppendUvarint(binary.AppendUvarint([]byte{hasMax}, pages), max)}
	m.function("grow", []byte{i32}, []byte{i32}, localGet, 0, memoryGrow, 0)
	m.function("load", []byte{i32}, []byte{i32}, localGet, 0, i32Load8U, 0, 0)
	m.function("store", []byte{i32, i32}, nil, localGet, 0, localGet, 1, i32Store8, 0, 0)
	return m.encode()
}

// callModule is the module that [RunInstance] calls:
//
//	(module
//	  (memory (export "memory") 1 10)
//	  (table (export "table") 1 funcref)
//	  (global (export "i32-global") i32 (i32.const -1))
//	  (global (export "f64-global") f64 (f64.const 1.5))
//	  (func (export "i32") (param i32) (result i32) (local.get 0))
//	  (func (export "i64") (param i64) (result i64) (local.get 0))
//	  (func (export "f32") (param f32) (result f32) (local.get 0))
//	  (func (export "f64") (param f64) (result f64) (local.get 0))
//	  (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0))
//	  (func (export "nothing"))
//	  (func (export "reference") (param funcref))
//	  (func (export "trap") (unreachable))
//	  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
//	  (global (export "initialized") (mut i32) (i32.const 0))
//	  (func (export "_initialize") (global.set 2 (i32.add (global.get 2) (i32.const 1)))))
func callModule() []byte {
	m := module{memory: []byte{hasMax, 1, 10}}
	m.table("table", funcref, noMax, 1)
	m.global("i32-global", i32, i32Const, 0x7f) // -1 in signed LEB128
	m.global("f64-global", f64, binary.LittleEndian.AppendUint64([]byte{f64Const}, math.Float64bits(1.5))...)
	for _, t := range []struct {
		name string
		typ  byte
	}{{"i32", i32}, {"i64", i64}, {"f32", f32}, {"f64", f64}} {
		m.function(t.name, []byte{t.typ}, []byte{t.typ}, localGet, 0)
	}
	m.function("swap", []byte{i32, i64}, []byte{i64, i32}, localGet, 1, localGet, 0)
	m.function("nothing", nil, nil)
	m.function("reference", []byte{funcref}, nil)
	m.function("trap", nil, nil, unreachable)
	m.function("grow", []byte{i32}, []byte{i32}, localGet, 0, memoryGrow, 0)
	m.variable("initialized", i32, i32Const, 0)
	m.function("_initialize", nil, nil, globalGet, 2, i32Const, 1, i32Add, globalSet, 2)
	return m.encode()
}

// Codes of the binary format, see https://webassembly.github.io/spec/core/binary/.
const (
	sectionType     = 1
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionGlobal   = 6
	sectionExport   = 7
	sectionCode     = 10

	kindFunction, kindTable, kindMemory, kindGlobal = 0, 1, 2, 3

	functionType                     = 0x60
	i32, i64, f32, f64, funcref byte = 0x7f, 0x7e, 0x7d, 0x7c, 0x70
	noMax, hasMax                    = 0, 1
	immutable, mutable               = 0, 1

	unreachable, end               = 0x00, 0x0b
	localGet, globalGet, globalSet = 0x20, 0x23, 0x24
	i32Load8U, i32Store8           = 0x2d, 0x3a
	memoryGrow                     = 0x40
	i32Const, f64Const, i32Add     = 0x41, 0x44, 0x6a
)

// module collects the parts of a wasm module with one memory, exported as "memory". Each function has a type of its own.
type module struct {
	memory                                            []byte // its limits
	types, functions, tables, globals, codes, exports [][]byte
}

func (m *module) function(name string, params, results []byte, body ...byte) {
	index := byte(len(m.types))
	signature := append([]byte{functionType}, counted(len(params), params)...)
	m.types = append(m.types, append(signature, counted(len(results), results)...))
	m.functions = append(m.functions, []byte{index})
	m.export(name, kindFunction, index)
	body = append(append([]byte{0}, body...), end) // 0 locals
	m.codes = append(m.codes, counted(len(body), body))
}

func (m *module) table(name string, typ ...byte) {
	m.export(name, kindTable, byte(len(m.tables)))
	m.tables = append(m.tables, typ)
}

func (m *module) global(name string, typ byte, value ...byte) {
	m.addGlobal(name, []byte{typ, immutable}, value)
}

func (m *module) variable(name string, typ byte, value ...byte) {
	m.addGlobal(name, []byte{typ, mutable}, value)
}

func (m *module) addGlobal(name string, typ, value []byte) {
	m.export(name, kindGlobal, byte(len(m.globals)))
	m.globals = append(m.globals, append(append(typ, value...), end))
}

func (m *module) export(name string, kind, index byte) {
	m.exports = append(m.exports, append(counted(len(name), []byte(name)), kind, index))
}

func (m *module) encode() []byte {
	m.export("memory", kindMemory, 0)
	b := []byte("\x00asm\x01\x00\x00\x00")
	for _, section := range []struct {
		id    byte
		items [][]byte
	}{
		{sectionType, m.types},
		{sectionFunction, m.functions},
		{sectionTable, m.tables},
		{sectionMemory, [][]byte{m.memory}},
		{sectionGlobal, m.globals},
		{sectionExport, m.exports},
		{sectionCode, m.codes},
	} {
		if len(section.items) > 0 {
			items := counted(len(section.items), bytes.Join(section.items, nil))
			b = append(append(b, section.id), counted(len(items), items)...)
		}
	}
	return b
}

// counted encodes n in LEB128, then what it counts.
func counted(n int, body []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(n)), body...)
}
