package matrix

import (
	"context"

	"github.com/linmem/linmem/core/guest"
	"github.com/linmem/linmem/integration/guests"
)

// tinyGo is a guest of somebody else's, which has malloc and free, and no functions to fill and check what they return.
var tinyGo = guests.Guest{Name: "tinygo", Toolchain: "TinyGo 0.35", Wasm: guests.TinyGo}

// withTake gives a guest the functions that the others have: the host fills what malloc returns, and looks at it.
func withTake(inst guest.Instance) guest.Instance {
	t := taking{inst, inst.(guest.Initializer)}
	if l, ok := inst.(guest.Limiter); ok {
		return struct {
			taking
			guest.Limiter
		}{t, l}
	}
	return t
}

type taking struct {
	guest.Instance
	guest.Initializer
}

// Call implements [guest.Instance].
func (t taking) Call(ctx context.Context, name string, args ...uint64) ([]uint64, error) {
	switch name {
	case "take":
		size, seed := args[0], args[1]
		results, err := t.Instance.Call(ctx, "malloc", size)
		if err != nil || results[0] == 0 {
			return results, err
		}
		b, err := t.Memory().View(results[0], size)
		for i := range b {
			b[i] = pattern(byte(seed), i)
		}
		return results, err
	case "check":
		addr, size, seed := args[0], args[1], args[2]
		b, err := t.Memory().View(addr, size)
		for i, got := range b {
			if got != pattern(byte(seed), i) {
				return []uint64{1 + uint64(i)}, err
			}
		}
		return []uint64{0}, err
	case "give":
		return t.Instance.Call(ctx, "free", args[0])
	}
	return t.Instance.Call(ctx, name, args...)
}
