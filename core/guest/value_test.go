package guest_test

import (
	"math"
	"slices"
	"testing"

	"github.com/linmem/linmem/core/guest"
)

func TestGoArgsAndRaw(t *testing.T) {
	const junk = 0xdeadbeef << 32
	sig := guest.Signature{Params: []guest.ValueType{guest.I32, guest.I64, guest.F32, guest.F64}}
	nan32, nan64 := uint64(0x7fa00001), uint64(0x7ff4000000000001) // signaling: the bits must survive
	for _, tt := range []struct{ raw, want []uint64 }{
		{[]uint64{junk | 7, junk | 7, junk | nan32, nan64}, []uint64{7, junk | 7, nan32, nan64}},
		{
			[]uint64{math.MaxUint32, math.MaxUint64, 0, math.Float64bits(-0.5)},
			[]uint64{math.MaxUint32, math.MaxUint64, 0, math.Float64bits(-0.5)},
		},
	} {
		var got []uint64
		for _, value := range sig.GoArgs(tt.raw) {
			got = append(got, guest.Raw(value))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%#x comes back as %#x, want %#x", tt.raw, got, tt.want)
		}
	}
}

func TestRawOfWhatIsNoNumber(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("Raw takes a string for a number")
		}
	}()
	guest.Raw("7")
}

func TestString(t *testing.T) {
	for typ, want := range map[guest.ValueType]string{
		guest.I32: "i32", guest.I64: "i64", guest.F32: "f32", guest.F64: "f64", 0x70: "type 0x70",
	} {
		if got := typ.String(); got != want {
			t.Errorf("type %#x is %q, want %q", byte(typ), got, want)
		}
	}
}
