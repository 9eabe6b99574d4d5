package linmemtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	linmem "github.com/linmem/linmem/core"
	"github.com/linmem/linmem/core/guest"
)

// RunInstance holds a [guest.Instance] to its contract. The function instantiates a wasm module, with the memory that
// it exports as "memory", and returns what closes it.
func RunInstance(t *testing.T, open func(wasm []byte) (inst guest.Instance, stop func(), err error)) {
	t.Helper()
	setup := func(t *testing.T) (guest.Instance, func()) {
		t.Helper()
		inst, stop, err := open(callModule())
		if err != nil {
			t.Fatal(err)
		}
		return inst, stop
	}
	ctx := context.Background()

	t.Run("call", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		const junk = 0xdeadbeef << 32
		f32Bits, f64Bits := uint64(math.Float32bits(1.5)), math.Float64bits(-2.5)
		for _, tt := range []struct {
			name       string
			args, want []uint64
		}{
			{"i32", []uint64{math.MaxUint32}, []uint64{math.MaxUint32}},
			{"i32", []uint64{junk | 7}, []uint64{7}},
			{"i64", []uint64{math.MaxUint64}, []uint64{math.MaxUint64}},
			{"f32", []uint64{junk | f32Bits}, []uint64{f32Bits}},
			{"f64", []uint64{f64Bits}, []uint64{f64Bits}},
			{"swap", []uint64{junk | 1, 1 << 40}, []uint64{1 << 40, 1}},
			{"nothing", nil, nil},
			{"i32", []uint64{1}, []uint64{1}}, // again, after others
		} {
			got, err := inst.Call(ctx, tt.name, tt.args...)
			if err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("Call(%q, %#x) = %#x, %v, want %#x", tt.name, tt.args, got, err, tt.want)
			}
		}
	})

	t.Run("call-refuses", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		for _, tt := range []struct {
			name string
			args []uint64
			want error
		}{
			{"missing", nil, linmem.ErrInvalid},
			{"", nil, linmem.ErrInvalid},
			{"memory", nil, linmem.ErrInvalid},
			{"i32-global", nil, linmem.ErrInvalid},
			{"table", nil, linmem.ErrInvalid},
			{"i32", nil, linmem.ErrInvalid},
			{"i32", []uint64{1, 2}, linmem.ErrInvalid},
			{"reference", []uint64{0}, linmem.ErrUnsupported},
		} {
			if _, err := inst.Call(ctx, tt.name, tt.args...); !errors.Is(err, tt.want) {
				t.Errorf("Call(%q, %#x): error %v, want %v", tt.name, tt.args, err, tt.want)
			}
		}
	})

	t.Run("trap", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		_, err := inst.Call(ctx, "trap")
		var ours *linmem.Error
		if err == nil || errors.As(err, &ours) {
			t.Errorf("Call of a function that traps: error %v, want the runtime's own", err)
		}
		if got, err := inst.Call(ctx, "i32", 3); err != nil || !slices.Equal(got, []uint64{3}) {
			t.Errorf("Call after a trap = %d, %v, want 3", got, err)
		}
	})

	t.Run("canceled", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		canceled, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := inst.Call(canceled, "nothing"); !errors.Is(err, context.Canceled) {
			t.Errorf("Call with a canceled context: error %v, want context.Canceled", err)
		}
	})

	t.Run("exports", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		for name, want := range map[string]bool{
			"i32": true, "memory": true, "i32-global": true, "table": false, "missing": false, "": false,
		} {
			if got := inst.HasExport(name); got != want {
				t.Errorf("HasExport(%q) = %t, want %t", name, got, want)
			}
		}
		for name, want := range map[string]uint64{"i32-global": math.MaxUint32, "f64-global": math.Float64bits(1.5)} {
			if got, ok := inst.Global(name); got != want || !ok {
				t.Errorf("Global(%q) = %#x, %t, want %#x", name, got, ok, want)
			}
		}
		for _, name := range []string{"missing", "i32", "memory", "table"} {
			if _, ok := inst.Global(name); ok {
				t.Errorf("Global(%q) is there", name)
			}
		}
	})

	t.Run("signatures", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		typed, ok := inst.(guest.Typed)
		if !ok {
			t.Skip("the instance is not guest.Typed")
		}
		sig, ok := typed.Signature("swap")
		want := guest.Signature{
			Params:  []guest.ValueType{guest.I32, guest.I64},
			Results: []guest.ValueType{guest.I64, guest.I32},
		}
		if !ok || !slices.Equal(sig.Params, want.Params) || !slices.Equal(sig.Results, want.Results) {
			t.Errorf(`Signature("swap") = %v, %t, want %v`, sig, ok, want)
		}
		if _, ok := typed.Signature("memory"); ok {
			t.Error("a memory has a signature")
		}
	})

	t.Run("memory", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		if got := inst.Memory().NumPages(); got != 1 {
			t.Errorf("NumPages() = %d, want 1", got)
		}
		if inst.Memory() != inst.Memory() {
			t.Error("Memory is another value at each call")
		}
	})

	t.Run("limit", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		holdsLimit(t, inst)
	})

	t.Run("initialize", func(t *testing.T) {
		inst, stop := setup(t)
		defer stop()
		initializer, ok := inst.(guest.Initializer)
		if !ok {
			t.Skip("the instance is not a guest.Initializer")
		}
		if got, _ := inst.Global("initialized"); got != 0 {
			t.Error("_initialize has run before anybody asked for it")
		}
		first, second := initializer.Initialize(ctx), initializer.Initialize(ctx)
		if first != nil || !errors.Is(second, linmem.ErrInvalid) {
			t.Errorf("Initialize = %v and then %v, want nil and then ErrInvalid", first, second)
		}
		if got, _ := inst.Global("initialized"); got != 1 {
			t.Errorf("_initialize has run %d times, want 1", got)
		}
	})

	t.Run("closed", func(t *testing.T) {
		inst, stop := setup(t)
		m := inst.Memory()
		pages, err := linmem.NewPages(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := inst.Call(ctx, "i32", 1); err != nil {
			t.Fatal(err)
		}
		stop()
		_, errGrow := m.Grow(1)
		_, errView := m.View(0, 1)
		_, errAlloc := pages.Alloc(1)
		_, errCall := inst.Call(ctx, "i32", 1)
		for call, err := range map[string]error{
			"Grow": errGrow, "View": errView, "Pages.Alloc": errAlloc, "Call": errCall,
		} {
			if !errors.Is(err, linmem.ErrClosed) {
				t.Errorf("%s after the owner was closed: error %v, want ErrClosed", call, err)
			}
		}
		if got := m.NumPages(); got != 0 {
			t.Errorf("NumPages() after the owner was closed = %d, want 0", got)
		}
		if inst.HasExport("i32") {
			t.Error("HasExport finds a function after the owner was closed")
		}
		if _, ok := inst.Global("i32-global"); ok {
			t.Error("Global finds one after the owner was closed")
		}
	})
}

// holdsLimit holds that a limit refuses growth by the host and by the guest, until there is a higher one, and that pages which
// exist stay.
func holdsLimit(t *testing.T, inst guest.Instance) {
	t.Helper()
	limiter, ok := inst.(guest.Limiter)
	if !ok {
		t.Skip("the instance is not a guest.Limiter")
	}
	grow := map[string]func(delta uint64) error{
		"host": func(delta uint64) error {
			_, err := inst.Memory().Grow(delta)
			return err
		},
		"guest": func(delta uint64) error {
			results, err := inst.Call(context.Background(), "grow", delta)
			if err == nil && results[0] == math.MaxUint32 {
				err = linmem.ErrOutOfMemory
			}
			return err
		},
	}
	size := uint64(1)
	for _, tt := range []struct {
		limit uint64
		by    string
		delta uint64
		ok    bool
	}{
		{2, "host", 1, true},
		{2, "host", 1, false},
		{2, "guest", 1, false},
		{1, "guest", 1, false}, // below the size
		{0, "host", 1, false},
		{4, "guest", 1, true}, // higher again
		{4, "host", 2, false},
		{4, "host", 1, true},
		{4, "guest", 1, false},
		{math.MaxUint64, "guest", 1, true},
		{math.MaxUint64, "host", 1, true},
	} {
		if err := limiter.LimitPages(tt.limit); errors.Is(err, linmem.ErrUnsupported) {
			t.Skipf("the memory cannot be limited: %v", err)
		} else if err != nil {
			t.Fatal(err)
		}
		err := grow[tt.by](tt.delta)
		if tt.ok && err != nil || !tt.ok && !errors.Is(err, linmem.ErrOutOfMemory) {
			t.Errorf("growth by the %s from %d pages by %d, at a limit of %d: error %v", tt.by, size, tt.delta, tt.limit, err)
		}
		if tt.ok {
			size += tt.delta
		}
		if got := inst.Memory().NumPages(); got != size {
			t.Fatalf("%d pages at a limit of %d, want %d", got, tt.limit, size)
		}
	}
}
