package wasm

import "unicode/utf8"

func (m *Module) readCustom(r *reader) {
	c := Custom{Name: r.name("the name of a custom section")}
	c.Contents = r.b[r.at:]
	if r.err == nil {
		m.Customs = append(m.Customs, c)
	}
}

// custom returns a reader of the first custom section of that name; of nothing if there is none.
func (m *Module) custom(name string) *reader {
	for _, c := range m.Customs {
		if c.Name == name {
			return &reader{b: c.Contents}
		}
	}
	return &reader{}
}

// NameFunctions sets the values of names, whose keys are indices of functions, to what the name section calls them. What
// the section does not name, or is behind a place where it is broken, keeps its value.
//
// See https://webassembly.github.io/spec/core/appendix/custom.html#name-section
func (m *Module) NameFunctions(names map[uint32]string) {
	const functionNames = 1
	for r := m.custom("name"); r.at < len(r.b); {
		id := r.byte("the id of a subsection")
		b := r.bytes(r.count("the size of a subsection"), "a subsection")
		if id != functionNames {
			continue
		}
		sub := &reader{b: b}
		for range sub.count("the number of names") {
			function := sub.u32("the index of a function")
			name := sub.bytes(sub.count("the name of a function"), "the name of a function")
			if sub.err != nil {
				break
			}
			if _, ok := names[function]; ok && utf8.Valid(name) {
				names[function] = string(name)
			}
		}
	}
}

// Producer is a tool or language, as the custom section producers has it.
type Producer struct {
	Field         string // language, processed-by or sdk
	Name, Version string
}

// Producers returns what the section producers names, up to the first place where it is broken.
//
// See https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md
func (m *Module) Producers() (all []Producer) {
	r := m.custom("producers")
	for range r.count("the number of fields") {
		field := r.name("the name of a field")
		for range r.count("the number of values") {
			p := Producer{Field: field, Name: r.name("the name of a producer"), Version: r.name("the version of a producer")}
			if r.err != nil {
				return all
			}
			all = append(all, p)
		}
	}
	return all
}
