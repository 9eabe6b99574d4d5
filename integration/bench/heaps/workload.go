package heaps

import (
	"fmt"
	"runtime"
)

// Workload is what is done to an allocator over and over.
type Workload interface {
	// Turns does so many turns.
	Turns(n int) error
}

// GoAllocs returns how many allocations on the Go heap a turn makes. Nothing else should allocate meanwhile. It does the
// turns twice: what is there after the first time is left out.
func GoAllocs(w Workload, turns int) (perTurn float64, err error) {
	if err := w.Turns(turns); err != nil {
		return 0, err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := w.Turns(turns); err != nil {
		return 0, err
	}
	runtime.ReadMemStats(&after)
	return float64(after.Mallocs-before.Mallocs) / float64(turns), nil
}

// Pair returns the workload of one block of that size that comes and goes in each turn.
func Pair(a Allocator, size uint64) Workload { return &pair{a, size} }

type pair struct {
	a    Allocator
	size uint64
}

func (w *pair) Turns(n int) error {
	for range n {
		addr, err := w.a.Alloc(w.size)
		if err != nil {
			return err
		}
		if err := w.a.Free(addr, w.size); err != nil {
			return err
		}
	}
	return nil
}

// What Mix does.
const (
	MixLive = 1024 // blocks
	MixMin  = 8    // bytes of the smallest
	MixMax  = 2000 // bytes of the largest
)

// Mix returns the workload of [MixLive] blocks of [MixMin] to [MixMax] bytes, each size with the same chance. In a turn,
// one of them goes and another comes.
func Mix(a Allocator) (Workload, error) {
	w := &mix{a: a, state: 1}
	for i := range w.live {
		if err := w.come(&w.live[i]); err != nil {
			return nil, err
		}
	}
	return w, nil
}

type block struct{ addr, size uint64 }

type mix struct {
	a     Allocator
	live  [MixLive]block
	state uint64
}

// below is a linear congruential generator: two instructions a number, so that a turn is little but the allocator's calls.
func (w *mix) below(n uint64) uint64 {
	w.state = w.state*6364136223846793005 + 1442695040888963407
	return (w.state >> 32) * n >> 32 // the low bits have short periods
}

func (w *mix) come(b *block) (err error) {
	b.size = MixMin + w.below(MixMax-MixMin+1)
	b.addr, err = w.a.Alloc(b.size)
	return err
}

func (w *mix) Turns(n int) error {
	for range n {
		b := &w.live[w.below(MixLive)]
		if err := w.a.Free(b.addr, b.size); err != nil {
			return err
		}
		if err := w.come(b); err != nil {
			return err
		}
	}
	return nil
}

// Message returns the workload of a message to a guest: in each turn a block comes, the message is copied into it, the
// guest reads it, and the block goes. The allocator must have a guest with a Digest.
func Message(o Opened, size int) (Workload, error) {
	if o.Digest == nil {
		return nil, fmt.Errorf("there is no guest to read the message")
	}
	w := &message{o: o, data: make([]byte, size)}
	for i := range w.data {
		w.data[i] = byte(i)
	}
	w.want = digest(w.data)
	if p, ok := o.Allocator.(Putter); ok {
		w.put = p.Put
	} else {
		w.put = w.allocAndCopy
	}
	return w, nil
}

type message struct {
	o    Opened
	data []byte
	want uint64
	put  func([]byte) (addr uint64, err error)
}

// allocAndCopy is what a host does that calls the guest's allocator.
func (w *message) allocAndCopy(data []byte) (uint64, error) {
	addr, err := w.o.Alloc(uint64(len(data)))
	if err != nil {
		return 0, err
	}
	view, err := w.o.Memory.View(addr, uint64(len(data)))
	if err != nil {
		return 0, err
	}
	copy(view, data)
	return addr, nil
}

func (w *message) Turns(n int) error {
	for range n {
		addr, err := w.put(w.data)
		if err != nil {
			return err
		}
		got, err := w.o.Digest(addr, uint64(len(w.data)))
		if err != nil {
			return err
		}
		if got != w.want {
			return fmt.Errorf("the guest read another message: its digest is %#x and not %#x", got, w.want)
		}
		if err := w.o.Free(addr, uint64(len(w.data))); err != nil {
			return err
		}
	}
	return nil
}
