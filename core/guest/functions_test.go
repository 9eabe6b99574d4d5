package guest_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// echo returns functions that all return their arguments, with the signatures given by name, and counts look-ups.
func echo(signatures map[string]guest.Signature, lookUps *int, closed *bool) *guest.Functions {
	return guest.NewFunctions("test.Call", func() bool { return *closed }, func(name string) (guest.Function, bool) {
		*lookUps++
		sig, ok := signatures[name]
		return guest.Function{Signature: sig, Invoke: func(_ context.Context, args []uint64) ([]uint64, error) {
			return args, nil
		}}, ok
	})
}

func TestFunctions(t *testing.T) {
	const funcref, v128 guest.ValueType = 0x70, 0x7b
	numbers := []guest.ValueType{guest.I32, guest.I64, guest.F32, guest.F64}
	var lookUps int
	var closed bool
	fs := echo(map[string]guest.Signature{
		"nothing":              {},
		"numbers":              {Params: numbers, Results: numbers},
		"takes a reference":    {Params: []guest.ValueType{funcref}},
		"returns a vector":     {Results: []guest.ValueType{v128}},
		"takes who knows what": {Params: []guest.ValueType{0}},
	}, &lookUps, &closed)
	for _, tt := range []struct {
		name string
		args []uint64
		want error
	}{
		{"nothing", nil, nil},
		{"nothing", []uint64{1}, linmem.ErrInvalid},
		{"numbers", []uint64{1, 2, 3, 4}, nil},
		{"numbers", []uint64{1, 2, 3}, linmem.ErrInvalid},
		{"numbers", []uint64{1, 2, 3, 4, 5}, linmem.ErrInvalid},
		{"takes a reference", []uint64{1}, linmem.ErrUnsupported},
		{"returns a vector", nil, linmem.ErrUnsupported},
		{"takes who knows what", []uint64{1}, linmem.ErrUnsupported},
		{"missing", nil, linmem.ErrInvalid},
	} {
		got, err := fs.Call(context.Background(), tt.name, tt.args)
		if !errors.Is(err, tt.want) || err == nil && !slices.Equal(got, tt.args) {
			t.Errorf("Call(%q, %d) = %d, %v, want %v", tt.name, tt.args, got, err, tt.want)
		}
		if e := (*linmem.Error)(nil); err != nil && (!errors.As(err, &e) || e.Op != "test.Call(\""+tt.name+"\")") {
			t.Errorf("Call(%q): the error %q does not name the call", tt.name, err)
		}
	}
	if lookUps != 6 {
		t.Errorf("%d look-ups of 6 names", lookUps)
	}

	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := fs.Call(canceled, "nothing", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Call with a canceled context: %v", err)
	}

	if sig, ok := fs.Signature("numbers"); !ok || !slices.Equal(sig.Params, numbers) {
		t.Errorf(`Signature("numbers") = %v, %t`, sig, ok)
	}
	if _, ok := fs.Signature("missing"); ok {
		t.Error("a missing function has a signature")
	}

	closed = true
	if _, err := fs.Call(context.Background(), "nothing", nil); !errors.Is(err, linmem.ErrClosed) {
		t.Errorf("Call of a closed instance: %v, want ErrClosed", err)
	}
	if _, ok := fs.Signature("nothing"); ok {
		t.Error("a function of a closed instance has a signature")
	}
}
