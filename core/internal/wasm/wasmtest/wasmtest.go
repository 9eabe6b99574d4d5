// Package wasmtest makes WebAssembly modules for tests, byte by byte, right or wrong.
package wasmtest

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Header begins every module.
const Header = "\x00asm\x01\x00\x00\x00"

// The ids of the sections.
const (
	Custom byte = iota
	Types
	Imports
	Functions
	Tables
	Memories
	Globals
	Exports
	Start
	Elements
	Code
	Data
	DataCount
	Tags
)

// Bytes puts parts together: an int or a byte is a byte, []byte and string are what they hold.
func Bytes(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			if p < 0 || p > 0xff {
				panic(fmt.Sprintf("wasmtest: %d is no byte", p))
			}
			b = append(b, byte(p))
		case byte:
			b = append(b, p)
		case []byte:
			b = append(b, p...)
		case string:
			b = append(b, p...)
		default:
			panic(fmt.Sprintf("wasmtest: a %T among bytes", p))
		}
	}
	return b
}

// Module is a header and sections.
func Module(sections ...[]byte) []byte { return append([]byte(Header), slices.Concat(sections...)...) }

// Section is a section with its size.
func Section(id byte, parts ...any) []byte { return Bytes(id, Sized(parts...)) }

// CustomSection is a custom section.
func CustomSection(name string, parts ...any) []byte {
	return Section(Custom, Sized(name), Bytes(parts...))
}

// Sized is parts behind the number of their bytes, as names and bodies are.
func Sized(parts ...any) []byte {
	b := Bytes(parts...)
	return append(U(uint64(len(b))), b...)
}

// Vec is a vector.
func Vec(items ...[]byte) []byte { return append(U(uint64(len(items))), slices.Concat(items...)...) }

// U is an unsigned number in LEB128.
func U(v uint64) []byte { return binary.AppendUvarint(nil, v) }

// S is a signed number in LEB128.
func S(v int64) (b []byte) {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c < 0x40 || v == -1 && c >= 0x40 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}

// Func is a function: types are by byte, and Code has no end.
type Func struct {
	Params, Results, Locals []byte
	Export                  string // "" if it is not exported
	Code                    []byte
}

// Import is an imported function.
type Import struct {
	Module, Name    string
	Params, Results []byte
}

// Guest is a module, the way that most are. Memory holds its limits.
type Guest struct {
	Imports  []Import
	Funcs    []Func
	Memories [][]byte
	Globals  [][]byte
	Exports  [][]byte // besides those of functions
	Elements []byte   // a whole section
	Data     []byte   // one active segment
	Customs  []byte   // whole sections
}

// Binary returns the guest's bytes.
func (g Guest) Binary() []byte {
	var types, imports, functions, exports, code [][]byte
	addType := func(params, results []byte) []byte {
		types = append(types, Bytes(0x60, Sized(params), Sized(results)))
		return U(uint64(len(types) - 1))
	}
	for _, i := range g.Imports {
		imports = append(imports, Bytes(Sized(i.Module), Sized(i.Name), 0, addType(i.Params, i.Results)))
	}
	for i, f := range g.Funcs {
		functions = append(functions, addType(f.Params, f.Results))
		if f.Export != "" {
			exports = append(exports, Bytes(Sized(f.Export), 0, U(uint64(len(g.Imports)+i))))
		}
		var locals [][]byte
		for _, t := range f.Locals {
			locals = append(locals, Bytes(1, t))
		}
		code = append(code, Sized(Vec(locals...), f.Code, 0x0b))
	}
	sections := [][]byte{
		Section(Types, Vec(types...)), Section(Imports, Vec(imports...)), Section(Functions, Vec(functions...)),
		Section(Tables, Vec([]byte{0x70, 0, 1})), Section(Memories, Vec(g.Memories...)), Section(Globals, Vec(g.Globals...)),
		Section(Exports, Vec(append(exports, g.Exports...)...)), g.Elements, Section(Code, Vec(code...)),
	}
	if g.Data != nil {
		sections = append(sections, Section(Data, Vec(Bytes(0, 0x41, 0, 0x0b, Sized(g.Data)))))
	}
	return Module(append(sections, g.Customs)...)
}
