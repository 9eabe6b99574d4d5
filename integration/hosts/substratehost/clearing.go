package substratehost

import (
	_ "embed"
	"encoding/binary"
	"errors"
	"math/bits"
)

// Clearing is a runtime with one entry point, Clearing_net, which sums up the transfers of [EncodeTransfers] and returns
// what [DecodeChanges] reads.
//
//go:embed guest/clearing.wasm
var Clearing []byte

// Transfer is an amount that goes from one account to another.
type Transfer struct {
	From, To uint32
	Amount   uint64
}

// Change is what an account has more in the end.
type Change struct {
	Account uint32
	Amount  int64
}

// EncodeTransfers returns the SCALE encoding of a Vec<(u32, u32, u64)> of less than 2^30 transfers.
func EncodeTransfers(transfers []Transfer) []byte {
	b := appendCompact(make([]byte, 0, 4+16*len(transfers)), uint32(len(transfers)))
	for _, t := range transfers {
		b = binary.LittleEndian.AppendUint32(b, t.From)
		b = binary.LittleEndian.AppendUint32(b, t.To)
		b = binary.LittleEndian.AppendUint64(b, t.Amount)
	}
	return b
}

// DecodeChanges reads the SCALE encoding of a Vec<(u32, i64)>.
func DecodeChanges(b []byte) ([]Change, error) {
	n, b, ok := cutCompact(b)
	if !ok || len(b) != 12*int(n) {
		return nil, errors.New("this is no SCALE encoding of a Vec<(u32, i64)>")
	}
	changes := make([]Change, n)
	for i := range changes {
		changes[i] = Change{
			Account: binary.LittleEndian.Uint32(b[12*i:]),
			Amount:  int64(binary.LittleEndian.Uint64(b[12*i+4:])),
		}
	}
	return changes, nil
}

// appendCompact appends a compact integer of SCALE. The two lowest bits say how many bytes there are: 1, 2 or 4.
func appendCompact(b []byte, v uint32) []byte {
	switch n := bits.Len32(v); {
	case n <= 6:
		return append(b, byte(v<<2))
	case n <= 14:
		return binary.LittleEndian.AppendUint16(b, uint16(v<<2|1))
	default:
		return binary.LittleEndian.AppendUint32(b, v<<2|2)
	}
}

// cutCompact reads one, and returns what is behind it.
func cutCompact(b []byte) (v uint32, rest []byte, ok bool) {
	if len(b) == 0 || b[0]&3 == 3 {
		return 0, nil, false
	}
	n := 1 << (b[0] & 3)
	if len(b) < n {
		return 0, nil, false
	}
	var word [4]byte
	copy(word[:], b[:n])
	return binary.LittleEndian.Uint32(word[:]) >> 2, b[n:], true
}
