//go:build cgo && (linux || darwin)

package wasmermem

import (
	"reflect"

	"github.com/wasmerio/wasmer-go/wasmer"
)

// exports are those of an instance. wasmer-go has them in a map that it does not show, and empties when the instance is
// closed; there is no other way to learn either. An instance without any export cannot be told from a closed one, and is of
// no more use.
type exports struct{ byName reflect.Value }

func exportsOf(inst *wasmer.Instance) exports {
	return exports{reflect.ValueOf(inst.Exports).Elem().FieldByName("exports")}
}

func (e exports) names() (names []string) {
	for _, name := range e.byName.MapKeys() {
		names = append(names, name.String())
	}
	return names
}

// gone reports whether there are none any more. Any goroutine may ask at any time: the length of a map is a load, where a
// look-up that meets a deletion ends the process.
func (e exports) gone() bool { return e.byName.Len() == 0 }
