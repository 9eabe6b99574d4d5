package matrix

import (
	"sync/atomic"
	"unsafe"
)

// storeWord stores a word as an atomic instruction of a guest does.
func storeWord(word []byte, value uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Pointer(unsafe.SliceData(word))), value)
}
